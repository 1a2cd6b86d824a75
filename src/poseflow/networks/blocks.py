"""What encoders and the decoder are made of."""

from math import ceil, log2
from typing import Any

from poseflow.config.parts import Backbone
from poseflow.networks.lazy import layers

Tensor = Any
VECTOR = 16  # filters that a processor computes at once: 17 cost what 32 do, and some kernels are far slower with 17


def filters_at(backbone: Backbone, stride: int) -> int:
    """Filters of a block at a stride, a multiple of `VECTOR`."""
    return ceil(int(backbone.filters * backbone.growth ** round(log2(stride))) / VECTOR) * VECTOR


def convolve(features: Tensor, backbone: Backbone, stride: int, name: str) -> Tensor:
    """Connect a block: 3 x 3 convolutions, each normalized, if `batch_norm` says so, and rectified."""
    from poseflow.networks.normalization import BatchNormalization  # imports Keras

    for number in range(backbone.convs_per_block):
        convolution = layers.Conv2D(
            filters_at(backbone, stride),
            3,
            padding="same",
            use_bias=not backbone.batch_norm,
            kernel_initializer="he_normal",
            name=f"{name}_conv{number}",
        )
        features = convolution(features)
        if backbone.batch_norm:
            features = BatchNormalization(name=f"{convolution.name}_norm")(features)
        features = layers.ReLU(name=f"{convolution.name}_relu")(features)
    return features
