"""The modular UNet of SLEAP: an encoder that halves the image level by level, and a decoder with skip connections."""

from math import ceil
from typing import Any

from keras import layers

from poseflow.config import BackboneConfig
from poseflow.networks.normalization import BatchNormalization

Tensor = Any
VECTOR = 16  # filters that a processor computes at once: 17 cost what 32 do, and some kernels are far slower with 17


def build_unet(image: Tensor, config: BackboneConfig, output_stride: int) -> dict[int, Tensor]:
    """Connect a UNet to `image`.

    Args:
        image: (batch, height, width, channels), sides multiples of 2 ** down_blocks.
        output_stride: the finest of the features that come out, a power of 2, at most 2 ** down_blocks.

    Returns: features by their stride: the encoder's deepest, and the decoder's down to `output_stride`.
    Source: Pereira et al. 2022, Methods, "Neural network architectures"; max-pooling has kernel 2 as in the models
        that SLEAP ships.
    """
    skips = []
    features = image
    for level in range(config.down_blocks):
        features = _convolve(features, config, level, f"down{level}")
        skips.append(features)
        features = layers.MaxPooling2D(2, name=f"down{level}_pool")(features)
    features = _convolve(features, config, config.down_blocks, "middle")
    by_stride = {2**config.down_blocks: features}
    for level in reversed(range(config.down_blocks)):
        if 2**level < output_stride:
            break
        features = _upsample(features, config, level)
        features = _join(features, skips[level], config, level)
        by_stride[2**level] = features = _convolve(features, config, level, f"up{level}")
    return by_stride


def filters_at(config: BackboneConfig, level: int) -> int:
    """Filters of a block `level` halvings below the image, a multiple of `VECTOR`."""
    return ceil(int(config.filters * config.growth**level) / VECTOR) * VECTOR


def _convolve(features: Tensor, config: BackboneConfig, level: int, name: str) -> Tensor:
    for number in range(config.convs_per_block):
        convolution = layers.Conv2D(
            filters_at(config, level),
            3,
            padding="same",
            use_bias=not config.batch_norm,
            kernel_initializer="he_normal",
            name=f"{name}_conv{number}",
        )
        features = convolution(features)
        if config.batch_norm:
            features = BatchNormalization(name=f"{convolution.name}_norm")(features)
        features = layers.ReLU(name=f"{convolution.name}_relu")(features)
    return features


def _upsample(features: Tensor, config: BackboneConfig, level: int) -> Tensor:
    if config.up == "bilinear":
        # XLA's gradient of a bfloat16 resize is float32, which it refuses to add to that of a head at the same stride.
        return layers.UpSampling2D(2, interpolation="bilinear", dtype="float32", name=f"up{level}_upsample")(features)
    return layers.Conv2DTranspose(
        filters_at(config, level),
        3,
        strides=2,
        padding="same",
        activation="relu",
        kernel_initializer="he_normal",
        name=f"up{level}_upsample",
    )(features)


def _join(features: Tensor, skip: Tensor, config: BackboneConfig, level: int) -> Tensor:
    if config.skip == "concatenate":
        return layers.Concatenate(name=f"up{level}_skip")([skip, features])
    if features.shape[-1] != skip.shape[-1]:
        features = layers.Conv2D(skip.shape[-1], 1, name=f"up{level}_match")(features)
    return layers.Add(name=f"up{level}_skip")([skip, features])
