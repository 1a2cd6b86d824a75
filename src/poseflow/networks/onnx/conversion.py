"""The way through a Keras model, step by step."""

from collections.abc import Mapping
from typing import Any

import keras

from poseflow.networks.graph import steps_of
from poseflow.networks.onnx.graph import Tensor
from poseflow.networks.onnx.layers import convert_layer


def call_network(network: keras.Model, image: Tensor) -> dict[str, Tensor]:
    """Write all that a functional model does with an image into the image's graph.

    Returns: float32 outputs by name. Raises: ModelError for a layer that cannot be written.
    """
    outputs: Any = _call(network, [image])
    return {name: outputs[id(tensor)] for name, tensor in network.output.items()}


def _call(network: keras.Model, inputs: list[Tensor]) -> dict[int, Tensor]:
    """Tensors of the graph by what they stand for in the network."""
    known = {id(own): tensor for own, tensor in zip(network.inputs, inputs, strict=True)}
    for step in steps_of(network):
        values = [known[id(tensor)] for tensor in step.inputs]
        if isinstance(step.layer, keras.Model):
            inner = _call(step.layer, values)
            found = [inner[id(tensor)] for tensor in step.layer.outputs]
        else:
            arguments = tuple(_stand_in(part, known) for part in step.arguments)
            options = {key: _stand_in(part, known) for key, part in step.options.items()}
            found = [convert_layer(step.layer, values, arguments, options)]
        known.update({id(tensor): value for tensor, value in zip(step.outputs, found, strict=True)})
    return known


def _stand_in(part: Any, known: Mapping[int, Tensor]) -> Any:
    """An argument of a call with the graph's tensors in place of Keras'."""
    if isinstance(part, list | tuple):
        return type(part)(_stand_in(one, known) for one in part)
    return known.get(id(part), part) if isinstance(part, keras.KerasTensor) else part
