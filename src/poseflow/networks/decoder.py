"""The decoder, one for all encoders: from the deepest features up to the finest that a head draws on."""

from collections.abc import Mapping
from math import log2
from typing import Any

from poseflow.config.parts import Backbone
from poseflow.networks.blocks import convolve, filters_at
from poseflow.networks.lazy import layers

Tensor = Any


def decode(
    encoded: Mapping[int, Tensor], backbone: Backbone, output_stride: int, prefix: str = ""
) -> dict[int, Tensor]:
    """Upsample the deepest features step by step, joined at each stride with the encoder's own, where it has some.

    Args:
        encoded: features by stride, of `backbone.encode`.
        output_stride: the finest of the features that come out, a power of 2, at most `backbone.max_stride`.
        prefix: of the layers' names, where a network has several decoders.

    Returns: features by their stride: the encoder's deepest, and the decoder's down to `output_stride`.
    Source: Pereira et al. 2022, Methods, "Neural network architectures".
    """
    by_stride = dict(encoded) if backbone.decodes else {backbone.max_stride: encoded[backbone.max_stride]}
    stride = min(by_stride)
    features = by_stride[stride]
    while stride > output_stride:
        stride //= 2
        name = f"{prefix}up{round(log2(stride))}"
        filters = filters_at(backbone, stride) * backbone.decoder_width
        features = _upsample(features, backbone, filters, name)
        if stride in encoded:
            features = _join(features, encoded[stride], backbone, name)
        by_stride[stride] = features = convolve(features, backbone, filters, name, count=backbone.decoder_convs)
    return by_stride


def _upsample(features: Tensor, backbone: Backbone, filters: int, name: str) -> Tensor:
    if backbone.up == "bilinear":
        # XLA's gradient of a bfloat16 resize is float32, which it refuses to add to that of a head at the same stride.
        return layers.UpSampling2D(2, interpolation="bilinear", dtype="float32", name=f"{name}_upsample")(features)
    return layers.Conv2DTranspose(
        filters,
        backbone.up_kernel,
        strides=2,
        padding="same",
        activation="relu",
        kernel_initializer="he_normal",
        name=f"{name}_upsample",
    )(features)


def _join(features: Tensor, skip: Tensor, backbone: Backbone, name: str) -> Tensor:
    if backbone.skip == "concatenate":
        return layers.Concatenate(name=f"{name}_skip")([skip, features])
    if features.shape[-1] != skip.shape[-1]:
        features = layers.Conv2D(skip.shape[-1], 1, name=f"{name}_match")(features)
    return layers.Add(name=f"{name}_skip")([skip, features])
