"""The stacked hourglass network: down to a few cells and up again, its own decoder, once or several times."""

from math import log2
from typing import Any, ClassVar, Literal

from pydantic import Field

from poseflow.config.parts import Backbone
from poseflow.networks.lazy import layers

Tensor = Any
STEM_STRIDE = 4


class Hourglass(Backbone):
    """Hourglasses between strides 4 and `max_stride`, one behind the other; heads are on the last.

    `filters`, `growth`, `skip`, `up` and `batch_norm` are those of the common decoder, which enlarges maps of stride 4
    for a head that is finer. The hourglass itself always normalizes.
    Source: Newell et al. 2016, as SLEAP builds it: a convolution where the paper has a residual block.
    """

    decodes: ClassVar[bool] = True

    name: Literal["hourglass"] = Field("hourglass", description="Its architecture.")
    filters: int = Field(64, ge=1, description="Filters of the decoder below stride 4, at stride 1.")
    stem_filters: int = Field(
        128, ge=1, description="Filters of the first convolution, 7 x 7; the next have twice that."
    )
    width: int = Field(256, ge=1, description="Filters of the first level.")
    width_increase: int = Field(128, ge=0, description="Filters that each further level has more.")
    down_blocks: int = Field(4, ge=1, le=5, description="Levels below stride 4; the maximum stride is 4 x 2 ** this.")
    stacks: int = Field(1, ge=1, le=8, description="Hourglasses.")

    @property
    def max_stride(self) -> int:
        """Of the deepest level."""
        return int(STEM_STRIDE * 2**self.down_blocks)

    def encode(self, image: Tensor) -> dict[int, Tensor]:
        """Connect stem and hourglasses; features of the last one, which are decoded."""
        features = self._convolve(image, self.stem_filters, "stem_conv0", 7, strides=2)
        features = self._convolve(features, 2 * self.stem_filters, "stem_conv1")
        features = layers.MaxPooling2D(2, name="stem_pool")(features)
        features = self._convolve(features, 2 * self.stem_filters, "stem_conv2")
        for stack in range(self.stacks):
            by_stride = self._connect_hourglass(features, f"stack{stack}_")
            features = by_stride[STEM_STRIDE]
        return by_stride

    def _connect_hourglass(self, features: Tensor, prefix: str) -> dict[int, Tensor]:
        skips, stride = {STEM_STRIDE: features}, STEM_STRIDE
        for level in range(self.down_blocks):
            stride *= 2
            features = layers.MaxPooling2D(2, name=f"{prefix}down{level}_pool")(features)
            features = skips[stride] = self._convolve(features, self._filters(level), f"{prefix}down{level}_conv")
        by_stride = {stride: features}
        while stride > STEM_STRIDE:
            stride //= 2
            level = round(log2(stride / STEM_STRIDE))
            name, filters = f"{prefix}up{level}", self._filters(level)
            features = self._convolve(features, filters, f"{name}_conv")
            features = layers.UpSampling2D(2, name=f"{name}_upsample")(features)
            skip = self._convolve(skips[stride], filters, f"{name}_skip_conv")
            features = by_stride[stride] = layers.Add(name=f"{name}_skip")([features, skip])
        return by_stride

    def _filters(self, level: int) -> int:
        return self.width + level * self.width_increase

    def _convolve(self, features: Tensor, filters: int, name: str, kernel_size: int = 3, strides: int = 1) -> Tensor:
        from poseflow.networks.normalization import BatchNormalization  # imports Keras

        convolution = layers.Conv2D(
            filters,
            kernel_size,
            strides=strides,
            padding="same",
            activation="relu",
            kernel_initializer="he_normal",
            name=name,
        )
        # After the rectifier, where it is no part of the convolution: hence not the name of one that is folded.
        return BatchNormalization(name=f"{name}_after")(convolution(features))
