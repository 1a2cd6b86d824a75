"""A backbone: convolutions that each halve the image."""

from typing import Literal

from pydantic import Field

from poseflow.config.parts import Backbone
from poseflow.networks.blocks import filters_at
from poseflow.networks.lazy import layers


class Pyramid(Backbone):
    """Convolutions of stride 2, and nothing at full resolution."""

    name: Literal["pyramid"] = Field("pyramid", description="Its architecture.")
    levels: int = Field(2, ge=1, description="Convolutions of stride 2.")

    @property
    def max_stride(self):
        return 2**self.levels

    def encode(self, image):
        by_stride = {}
        for level in range(1, self.levels + 1):
            convolution = layers.Conv2D(
                filters_at(self, 2**level), 3, strides=2, padding="same", activation="relu", name=f"step{level}"
            )
            image = by_stride[2**level] = convolution(image)
        return by_stride
