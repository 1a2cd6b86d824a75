"""Put backbone and heads together."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from poseflow.config import Kind, ModelConfig
from poseflow.errors import ConfigError
from poseflow.models.precision import choose_precision
from poseflow.models.unet import build_unet
from poseflow.skeleton import Skeleton

HEAD_STDDEV = 1e-3


def head_depths(kind: Kind, skeleton: Skeleton, identities: Sequence[str] = ()) -> dict[str, int]:
    """Output channels of each head; raises ConfigError for a kind that cannot be built."""
    nodes = len(skeleton.nodes)
    depths: dict[Kind, dict[str, int]] = {
        "single_instance": {"confidence_maps": nodes},
        "centroid": {"confidence_maps": 1},
        "centered_instance": {"confidence_maps": nodes},
    }
    if kind not in depths:
        raise ConfigError(f"kind must be one of {', '.join(depths)}, got {kind!r}")
    return depths[kind]


def build_model(config: ModelConfig, skeleton: Skeleton, identities: Sequence[str] = ()) -> keras.Model:
    """Build the network of a profile, with random weights.

    Input: (batch, height, width, channels) uint8 or float in 0..255, sides multiples of 2 ** down_blocks.
    Output: dict of float32 maps by head name, (batch, height / output_stride, width / output_stride, depth).
    """
    policy = keras.dtype_policies.DTypePolicy(choose_precision(config.training.precision))
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        image = keras.Input((None, None, config.input.channels), name="image")
        features, _ = build_unet(_standardize(image), config.backbone, config.head.output_stride)
        # A head of ordinary weights first of all learns to be silent, and its ReLUs die of it.
        nearly_zero = keras.initializers.RandomNormal(stddev=HEAD_STDDEV)
        heads = {
            name: layers.Conv2D(depth, 1, kernel_initializer=nearly_zero, dtype="float32", name=name)(features)
            for name, depth in head_depths(config.kind, skeleton, identities).items()
        }
        return keras.Model(image, heads, name=config.kind)
    finally:
        keras.config.set_dtype_policy(previous)


def _standardize(image: Any) -> Any:
    """Mean 0 and standard deviation 1 of each image, so that day, infrared and another lamp look alike to the network.

    Without it training sat on the all-zero answer where animals and ground are of like brightness.
    """
    image = ops.cast(image, "float32")
    mean = ops.mean(image, axis=(1, 2, 3), keepdims=True)
    return (image - mean) / (ops.std(image, axis=(1, 2, 3), keepdims=True) + 1.0)
