"""Put backbone and heads together."""

from typing import Any

import keras
from keras import layers, ops

from poseflow.config import ModelConfig
from poseflow.core.errors import ConfigError
from poseflow.core.skeleton import Skeleton
from poseflow.networks.decoder import decode
from poseflow.networks.precision import choose_precision

Tensor = Any
STANDARDIZED = "standardized"


def count_channels(config: ModelConfig, skeleton: Skeleton) -> dict[str, int]:
    """Output channels of each head; raises ConfigError where the identities of an ID model are still open."""
    subject = config.describe_subject(skeleton)
    channels = {name: head.count_channels(subject) for name, head in config.heads.items()}
    for name, head in config.heads.items():
        if not channels[name]:
            raise ConfigError(f"{name} must have at least one channel: {config.kind} needs {head.needs}, got none")
    return channels


def build_model(config: ModelConfig, skeleton: Skeleton) -> keras.Model:
    """Build the network of a profile, with random weights.

    Input: (batch, height, width, channels) uint8 or float in 0..255, sides multiples of the backbone's maximum stride.
    Output: dict of float32 maps by head name, (batch, height / output_stride, width / output_stride, depth); class maps
        are probabilities. The class vector is (batch, depth), probabilities that sum to 1.
    """
    policy = keras.dtype_policies.DTypePolicy(choose_precision(config.training.precision))
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        image = keras.Input((None, None, config.input.channels), name="image")
        prepared = prepare_image(image, measure_intensity(image), config)
        standardized = layers.Identity(dtype="float32", name=STANDARDIZED)(prepared)
        finest = min(head.stride for head in config.heads.values() if head.stride is not None)
        features = decode(config.backbone.encode(standardized), config.backbone, finest)
        channels = count_channels(config, skeleton)
        heads = {name: head.connect(features, name, channels[name]) for name, head in config.heads.items()}
        return keras.Model(image, heads, name=config.kind)
    finally:
        keras.config.set_dtype_policy(previous)


def draw_targets(
    points: Tensor,
    classes: Tensor,
    size: tuple[Any, Any],
    config: ModelConfig,
    skeleton: Skeleton,
    hidden: Tensor | None = None,
) -> dict[str, Tensor]:
    """Draw what a model learns, by head name; NaN where it is not known. See `Head.draw_targets`.

    The sampler has already reduced a centroid model's points to anchors, and a crop's to its own animal's.

    Args: hidden: (batch, instances, points), which of the points are hidden; None: none is.
    """
    subject = config.describe_subject(skeleton)
    if hidden is None:
        return {name: head.draw_targets(points, classes, size, subject) for name, head in config.heads.items()}
    return {name: head.draw_with_hidden(points, hidden, classes, size, subject) for name, head in config.heads.items()}


def measure_intensity(image: Any) -> Any:
    """Mean and standard deviation (batch, 2) of each image (batch, height, width, channels)."""
    image = ops.cast(image, "float32")
    return ops.stack([ops.mean(image, axis=(1, 2, 3)), ops.std(image, axis=(1, 2, 3))], axis=-1)


def standardize(image: Any, intensity: Any) -> Any:
    """Mean 0 and standard deviation 1 of each image, so that day and infrared look alike to the network.

    Without it training sat on the all-zero answer where animals and ground are of like brightness.

    Args:
        intensity: mean and standard deviation (batch, 2) of each image, or of the frame that it is a part of.
    """
    mean, spread = (intensity[:, None, None, None, number] for number in (0, 1))
    return (ops.cast(image, "float32") - mean) / (spread + 1.0)


def prepare_image(image: Any, intensity: Any, config: ModelConfig) -> Any:
    """What a profile's backbone is given of an image: standardized, or, where it prepares it itself, as it is; float32.

    Args: as `standardize`.
    """
    return ops.cast(image, "float32") if config.backbone.sees_pixels else standardize(image, intensity)


def standardized_network(network: keras.Model) -> keras.Model:
    """The same network, fed with what `prepare_image` gives; the weights are shared."""
    return keras.Model(network.get_layer(STANDARDIZED).output, network.output)
