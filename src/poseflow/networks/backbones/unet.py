"""The modular UNet of SLEAP: an encoder that halves the image level by level."""

from math import log2
from typing import Any, Literal

from pydantic import Field, model_validator

from poseflow.config.parts import Backbone, Stride
from poseflow.networks.blocks import connect_convolution, convolve, filters_at
from poseflow.networks.decoder import decode
from poseflow.networks.lazy import layers

Tensor = Any
STEM_KERNEL = 7


class UNet(Backbone):
    """A UNet: an encoder of `down_blocks` levels, and a decoder up to the head's output stride."""

    name: Literal["unet"] = Field("unet", description="Its architecture.")
    down_blocks: int = Field(4, ge=1, le=7, description="Levels; the maximum stride is 2 to this power.")
    stem_stride: Stride = Field(
        1, description="Levels down to this stride have 7 x 7 convolutions, and no maps for the decoder but the last's."
    )
    middle: bool = Field(True, description="Convolve at the maximum stride too.")
    pooling: Literal["max", "strided"] = Field(
        "max", description="How a level is halved: by its greatest values, or by a convolution of stride 2."
    )
    stacks: int = Field(
        1, ge=1, le=4, description="UNets one behind the other, each up to `stem_stride` but the last, which has heads."
    )

    @model_validator(mode="after")
    def _check_stem(self) -> "UNet":
        if self.stem_stride >= self.max_stride:
            raise ValueError(f"stem_stride must be below the maximum stride {self.max_stride}, got {self.stem_stride}")
        return self

    @property
    def max_stride(self) -> int:
        """2 to the power of the levels."""
        return int(2**self.down_blocks)

    def encode(self, image: Tensor) -> dict[int, Tensor]:
        """Convolve and pool level by level; each level's last features before pooling are for the decoder.

        Source: Pereira et al. 2022, Methods, "Neural network architectures"; max-pooling has kernel 2 as in the models
            that SLEAP ships, and of a stem the decoder takes the pooled features, at `stem_stride`, as there.
        """
        stem = features = self._connect_stem(image)
        for stack in range(self.stacks):
            prefix = f"stack{stack}_" if stack else ""
            by_stride = self._encode_once(features, prefix)
            if self.stem_stride > 1:
                by_stride[self.stem_stride] = stem
            if stack < self.stacks - 1:
                features = decode(by_stride, self, self.stem_stride, prefix)[self.stem_stride]
        return by_stride

    def _connect_stem(self, image: Tensor) -> Tensor:
        features = image
        for level in range(round(log2(self.stem_stride))):
            name = f"stem{level}"
            features = convolve(features, self, filters_at(self, 2**level), name, kernel_size=STEM_KERNEL)
            features = self._halve(features, 2**level, name)
        return features

    def _encode_once(self, features: Tensor, prefix: str) -> dict[int, Tensor]:
        by_stride = {}
        for level in range(round(log2(self.stem_stride)), self.down_blocks):
            stride, name = 2**level, f"{prefix}down{level}"
            features = by_stride[stride] = convolve(features, self, filters_at(self, stride), name)
            features = self._halve(features, stride, name)
        if self.middle:
            features = convolve(features, self, filters_at(self, self.max_stride), f"{prefix}middle")
        by_stride[self.max_stride] = features
        return by_stride

    def _halve(self, features: Tensor, stride: int, name: str) -> Tensor:
        if self.pooling == "max":
            return layers.MaxPooling2D(2, name=f"{name}_pool")(features)
        filters = filters_at(self, stride)
        return connect_convolution(features, self, f"{name}_pool", filters, 3, relu=f"{name}_pool_relu", strides=2)
