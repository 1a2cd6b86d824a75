"""The modular UNet of SLEAP: an encoder that halves the image level by level."""

from typing import Any, Literal

from pydantic import Field

from poseflow.config.parts import Backbone
from poseflow.networks.blocks import convolve
from poseflow.networks.lazy import layers

Tensor = Any


class UNet(Backbone):
    """A UNet: an encoder of `down_blocks` levels, and a decoder up to the head's output stride."""

    name: Literal["unet"] = Field("unet", description="Its architecture.")
    down_blocks: int = Field(4, ge=1, le=7, description="Levels; the maximum stride is 2 to this power.")

    @property
    def max_stride(self) -> int:
        """2 to the power of the levels."""
        return int(2**self.down_blocks)

    def encode(self, image: Tensor) -> dict[int, Tensor]:
        """Convolve and pool level by level; each level's last features before pooling are for the decoder.

        Source: Pereira et al. 2022, Methods, "Neural network architectures"; max-pooling has kernel 2 as in the models
            that SLEAP ships.
        """
        by_stride = {}
        features = image
        for level in range(self.down_blocks):
            stride = 2**level
            features = by_stride[stride] = convolve(features, self, stride, f"down{level}")
            features = layers.MaxPooling2D(2, name=f"down{level}_pool")(features)
        by_stride[self.max_stride] = convolve(features, self, self.max_stride, "middle")
        return by_stride
