"""LEAP: three levels of three convolutions, and a decoder without the encoder's maps."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from poseflow.config.parts import Backbone
from poseflow.networks.blocks import convolve, filters_at
from poseflow.networks.lazy import layers

Tensor = Any


class Leap(Backbone):
    """LEAP; its decoder's filters at a stride are twice the encoder's.

    Source: Pereira et al. 2019, "Fast animal pose estimation using deep neural networks", Fig. 1, as SLEAP builds it.
    """

    decoder_width: ClassVar[int] = 2
    decoder_convs: ClassVar[int | None] = 2

    name: Literal["leap"] = Field("leap", description="Its architecture.")
    filters: int = Field(64, ge=1, description="Filters of the first block; see `filter_multiple`.")
    growth: float = Field(2.0, ge=1, description="Filters grow by this factor per level; see `filters`.")
    convs_per_block: int = Field(
        3, ge=1, description="Convolutions of each level of the encoder; the decoder's have 2."
    )
    up: Literal["bilinear", "transposed"] = Field("transposed", description="How the decoder enlarges maps.")
    down_blocks: int = Field(3, ge=1, le=7, description="Levels; the maximum stride is 2 to this power.")

    @property
    def max_stride(self) -> int:
        """2 to the power of the levels."""
        return int(2**self.down_blocks)

    def encode(self, image: Tensor) -> dict[int, Tensor]:
        """Convolve and pool level by level; only what is pooled last goes on."""
        features = image
        for level in range(self.down_blocks):
            features = convolve(features, self, filters_at(self, 2**level), f"down{level}")
            features = layers.MaxPooling2D(2, name=f"down{level}_pool")(features)
        return {self.max_stride: features}
