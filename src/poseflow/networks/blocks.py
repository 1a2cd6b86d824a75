"""What encoders and the decoder are made of."""

from math import ceil, log2
from typing import Any

from poseflow.config.parts import Backbone
from poseflow.networks.lazy import layers

Tensor = Any


def filters_at(backbone: Backbone, stride: int) -> int:
    """Filters of a block at a stride, a multiple of `filter_multiple`."""
    multiple = backbone.filter_multiple
    return ceil(int(backbone.filters * backbone.growth ** round(log2(stride))) / multiple) * multiple


def convolve(
    features: Tensor,
    backbone: Backbone,
    filters: int,
    name: str,
    count: int | None = None,
    kernel_size: int | None = None,
) -> Tensor:
    """Connect a block: convolutions, each normalized, if `batch_norm` says so, and rectified.

    Args: how many convolutions, and their side; None: as the settings have it.
    """
    for number in range(backbone.convs_per_block if count is None else count):
        features = connect_convolution(
            features,
            backbone,
            f"{name}_conv{number}",
            filters,
            kernel_size or backbone.kernel_size,
            relu=f"{name}_conv{number}_relu",
        )
    return features


def connect_convolution(
    features: Tensor,
    backbone: Backbone,
    name: str,
    filters: int,
    kernel_size: int,
    relu: str | None = None,
    **options: Any,
) -> Tensor:
    """Connect one convolution, normalized, if `batch_norm` says so, and rectified by a layer of the name `relu`.

    Args: further options are those of Keras' Conv2D; padding is `same` unless they say otherwise.
    """
    convolution = layers.Conv2D(
        filters,
        kernel_size,
        use_bias=not backbone.batch_norm,
        kernel_initializer="he_normal",
        name=name,
        **{"padding": "same", **options},
    )
    features = normalize(convolution(features), backbone, name)
    return features if relu is None else layers.ReLU(name=relu)(features)


def normalize(features: Tensor, backbone: Backbone, convolution: str, **options: Any) -> Tensor:
    """Normalize what a convolution of that name gives, if `batch_norm` says so; options are those of Keras' layer."""
    if not backbone.batch_norm:
        return features
    from poseflow.networks.normalization import BatchNormalization  # imports Keras

    return BatchNormalization(name=f"{convolution}_norm", **options)(features)
