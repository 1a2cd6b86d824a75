"""Where training starts: weights that can be had for a backbone, or those of a trained model, ours or SLEAP's."""

import logging
from difflib import SequenceMatcher
from typing import Any

import keras
from keras import layers

from poseflow.config import ModelConfig
from poseflow.config.parts import RANDOM
from poseflow.core.errors import ModelError
from poseflow.core.skeleton import Skeleton
from poseflow.core.wording import list_some
from poseflow.models import find_format
from poseflow.models.loading import load_model, read_own_network
from poseflow.networks.graph import steps_of

logger = logging.getLogger("poseflow")
LEAST_RUN = 4  # layers of equal shapes one behind the other: fewer are alike by chance


def start_network(network: keras.Model, config: ModelConfig, skeleton: Skeleton) -> None:
    """Give a network, as `build_model` made it, the weights that its profile's backbone names.

    Of a trained model all layers are taken that fit: of ours by name and shape, of SLEAP's in their order, by
    shape.
    Heads are taken where both models have the same nodes. What is left at random is logged.

    Raises: ModelError where weights cannot be had, or none of a model's layers fits.
    """
    weights = config.backbone.weights
    if weights == RANDOM:
        return
    if weights in config.backbone.find_pretrained():
        config.backbone.load_pretrained(network)
        logger.info("%s starts from weights of %s", config.backbone.name, weights)
        return
    own = find_format(weights) == "poseflow"
    if own:
        source, folder = read_own_network(weights)
        known = folder.skeleton.nodes
    else:
        trained = load_model(weights, "float32")
        source, known = trained.network, trained.skeleton.nodes
    left_out = set() if known == skeleton.nodes else _heads(network)
    taken = (_take_by_name if own else _take_in_order)(source, network, left_out)
    all_own = {layer.name for layer in network.layers if layer.weights}
    if not taken:
        raise ModelError(f"{weights}: layers must fit those of {config.backbone.name}, got none that does")
    left = [layer.name for layer in network.layers if layer.name in all_own - taken]
    logger.info(
        "training starts from %d of %d layers of %s; at random start %s",
        len(taken),
        len(all_own),
        weights,
        list_some(left, 8) or "none",
    )


def _heads(network: keras.Model) -> set[str]:
    """Layers that give the outputs."""
    return {tensor._keras_history.operation.name for tensor in network.outputs}


def _take_by_name(source: keras.Model, network: keras.Model, left_out: set[str]) -> set[str]:
    """Copy layers of the same name whose weights have the same shapes; gives their names."""
    known = {layer.name: layer for layer in source.layers}
    taken = set()
    for layer in network.layers:
        other = known.get(layer.name)
        if not layer.weights or other is None or layer.name in left_out:
            continue
        if [weight.shape for weight in layer.weights] == [weight.shape for weight in other.weights]:
            layer.set_weights(other.get_weights())
            taken.add(layer.name)
    return taken


def _take_in_order(source: keras.Model, network: keras.Model, left_out: set[str]) -> set[str]:
    """Copy convolutions, in the order in which they run, where kind and kernel are the same; gives layers' names.

    Heads by their kernel alone: which comes first is for each program to say.
    A normalization behind one of ours is set to change nothing but to add the bias.
    """
    (theirs, their_heads), (ours, our_heads) = (_convolutions(model) for model in (source, network))
    matcher = SequenceMatcher(None, [*map(_describe, theirs)], [*map(_describe, ours)], autojunk=False)
    taken = set()
    for block in matcher.get_matching_blocks():
        if block.size < LEAST_RUN:
            continue
        for place in range(block.size):
            other, layer = theirs[block.a + place], ours[block.b + place]
            taken |= _copy_convolution(other, layer, network)
    for layer in our_heads:
        alike = [other for other in their_heads if _describe(other) == _describe(layer)]
        if len(alike) == 1 and layer.name not in left_out:
            taken |= _copy_convolution(alike[0], layer, network)
    return taken


def _copy_convolution(source: Any, layer: Any, network: keras.Model) -> set[str]:
    kernel, *bias = source.get_weights()
    if layer.use_bias:
        layer.set_weights([kernel, bias[0] if bias else 0 * layer.get_weights()[1]])
        return {layer.name}
    layer.set_weights([kernel])
    norm = network.get_layer(f"{layer.name}_norm")
    gamma, beta, mean, variance = norm.get_weights()
    norm.set_weights([0 * gamma + 1, bias[0] if bias else 0 * beta, 0 * mean, 0 * variance + 1])
    return {layer.name, norm.name}


def _convolutions(model: keras.Model) -> tuple[list[Any], list[Any]]:
    """Of a network and of those in it: those that others follow, in the order in which they run; and the heads."""
    found: list[Any] = []
    heads: list[Any] = []
    steps = steps_of(model)
    read = {id(tensor) for step in steps for tensor in step.inputs}
    for step in steps:
        if isinstance(step.layer, keras.Model):
            inner, ends = _convolutions(step.layer)
            found += inner
            heads += ends
        elif isinstance(step.layer, layers.Conv2D | layers.Conv2DTranspose):
            (found if id(step.outputs[0]) in read else heads).append(step.layer)
    return found, heads


def _describe(layer: Any) -> tuple[str, tuple[int, ...]]:
    return type(layer).__name__, tuple(layer.kernel.shape)
