"""Put backbone and heads together."""

from typing import Any

import keras
from keras import layers, ops

from poseflow.config import HEADS, ClassVectorConfig, Kind, ModelConfig
from poseflow.core.errors import ConfigError
from poseflow.core.skeleton import Skeleton
from poseflow.networks.decoder import decode
from poseflow.networks.precision import choose_precision

HEAD_STDDEV = 1e-3
STANDARDIZED = "standardized"
SLOWNESS = 10
CENTER_SIGMA = 0.2  # of a crop's side
POINTS: dict[Kind, int] = {"centroid": 1}  # what a kind finds of an animal, where that is not the skeleton's nodes
ACTIVATIONS = {"class_maps": "sigmoid"}
NEEDS = {
    "confidence_maps": "nodes in the skeleton",
    "part_affinity_fields": "edges in the skeleton",
    "class_maps": "head.identities",
    "class_vector": "head.identities",
}


def head_depths(config: ModelConfig, skeleton: Skeleton) -> dict[str, int]:
    """Output channels of each head; raises ConfigError where the identities of an ID model are still open."""
    heads, identities = HEADS[config.kind], config.head.identities or ()
    nodes = POINTS.get(config.kind, len(skeleton.nodes))
    depths = {
        "confidence_maps": nodes,
        "part_affinity_fields": 2 * len(skeleton.edges),
        "class_maps": len(identities),
        "class_vector": len(identities),
    }
    for name in heads:
        if not depths[name]:
            raise ConfigError(f"{name} must have at least one channel: {config.kind} needs {NEEDS[name]}, got none")
    return {name: depths[name] for name in heads}


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
        strides = config.head.strides(config.kind)
        standardized = layers.Identity(dtype="float32", name=STANDARDIZED)(standardize(image, measure_light(image)))
        encoded = config.backbone.encode(standardized)
        features = decode(encoded, config.backbone, min(strides.values()))
        heads = {
            name: _draw_maps(features[strides[name]], name, depth)
            if name in strides
            else _classify(features[max(features)], name, depth, config.head.class_vector)
            for name, depth in head_depths(config, skeleton).items()
        }
        return keras.Model(image, heads, name=config.kind)
    finally:
        keras.config.set_dtype_policy(previous)


def _draw_maps(features: Any, name: str, depth: int) -> Any:
    # A head of ordinary weights first of all learns to be silent, and its ReLUs die of it.
    nearly_zero = keras.initializers.RandomNormal(stddev=HEAD_STDDEV)
    convolution = layers.Conv2D(
        depth, 1, activation=ACTIVATIONS.get(name), kernel_initializer=nearly_zero, dtype="float32", name=name
    )
    return convolution(features)


def _classify(features: Any, name: str, depth: int, config: ClassVectorConfig) -> Any:
    """Class probabilities of the animal in the middle; Pereira et al. 2022, Methods, "Appearance-based ID models".

    The paper takes the greatest value of each feature anywhere in the crop; here, what lies towards its border counts
    less, since it may be another animal's.

    The rate that is right for the normalized backbone is ten times too high for these layers: four gerbils were not
    told apart at all. Adam's steps are of one size, however large the weights are, so weights that are ten times as
    large, and whose product is normalized or divided by ten, learn ten times more slowly.
    """

    def large() -> keras.Initializer:  # a new one for each layer: one alone would draw the same weights every time
        return keras.initializers.VarianceScaling(SLOWNESS**2)

    features = CenterWindow(name=f"{name}_window")(features)
    features = layers.GlobalMaxPooling2D(name=f"{name}_pool")(features)
    for number in range(config.layers):
        features = layers.Dense(config.units, kernel_initializer=large(), name=f"{name}_dense{number}")(features)
        # Without it all ReLUs died in the second epoch.
        features = layers.LayerNormalization(name=f"{name}_norm{number}")(features)
        features = layers.ReLU(name=f"{name}_relu{number}")(features)
    features = layers.Rescaling(1 / SLOWNESS, name=f"{name}_slow")(features)
    return layers.Dense(depth, activation="softmax", kernel_initializer=large(), dtype="float32", name=name)(features)


class CenterWindow(layers.Layer):
    """Weighs every place of (batch, height, width, channels) by a Gaussian round the middle."""

    def call(self, features: Any) -> Any:
        """Keras' name for what a layer does."""
        _, height, width, _ = ops.shape(features)
        window = _bell(height)[:, None] * _bell(width)
        return features * ops.cast(window[..., None], features.dtype)


def _bell(length: Any) -> Any:
    place = (ops.arange(length, dtype="float32") + 0.5) / ops.cast(length, "float32") - 0.5
    return ops.exp(-0.5 * (place / CENTER_SIGMA) ** 2)


def measure_light(image: Any) -> Any:
    """Mean and standard deviation (batch, 2) of each image (batch, height, width, channels)."""
    image = ops.cast(image, "float32")
    return ops.stack([ops.mean(image, axis=(1, 2, 3)), ops.std(image, axis=(1, 2, 3))], axis=-1)


def standardize(image: Any, light: Any) -> Any:
    """Mean 0 and standard deviation 1 of each image, so that day, infrared and another lamp look alike to the network.

    Without it training sat on the all-zero answer where animals and ground are of like brightness.

    Args:
        light: mean and standard deviation (batch, 2) of each image, or of the frame that it is a part of.
    """
    mean, spread = (light[:, None, None, None, number] for number in (0, 1))
    return (ops.cast(image, "float32") - mean) / (spread + 1.0)


def standardized_network(network: keras.Model) -> keras.Model:
    """The same network, fed with what `standardize` gives; the weights are shared."""
    return keras.Model(network.get_layer(STANDARDIZED).output, network.output)
