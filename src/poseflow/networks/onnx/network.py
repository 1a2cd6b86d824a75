"""Networks of Keras as ONNX, and such networks as a part of larger graphs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, TensorShapeProto, helper
from onnx.utils import Extractor

from poseflow.networks.onnx.graph import Graph, Tensor

IMAGE, STRIDES = "image", "strides"
NETWORK = "network"  # how the names of its nodes begin, as a part of a larger graph
TO_CHANNELS_LAST, TO_CHANNELS_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")


def convert_network(network: Any) -> ModelProto:
    """Write a network, a Keras model of images, as ONNX, in the number formats of its layers.

    Input: `image` (batch, channels, height, width) float32 in 0..255, sides multiples of its maximum stride.
    Output: by head name, float32 maps (batch, depth, height / stride, width / stride), or a vector (batch, depth).

    Raises: ModelError for a layer that cannot be written.
    """
    from poseflow.networks.onnx.conversion import call_network  # imports Keras

    graph = Graph()
    channels = network.inputs[0].shape[-1]
    image = graph.add_input(IMAGE, "float32", (None, None, None, channels), channels_first=True)
    outputs = call_network(network, image)
    maps = [name for name, tensor in outputs.items() if tensor.ndim == 4]
    model = graph.build(outputs, channels_first=maps)
    entry = model.metadata_props.add()
    entry.key, entry.value = STRIDES, json.dumps(_find_strides(network))
    return model


def _find_strides(network: Any) -> dict[str, int | None]:
    """Pixels per cell of each head's maps; None for vectors."""
    side = 256
    _, height, width, channels = network.inputs[0].shape
    size = height or side, width or side
    shapes = network.compute_output_shape((1, *size, channels))
    return {name: size[0] // shape[1] if len(shape) == 4 else None for name, shape in shapes.items()}


class StoredNetwork:
    """A network in ONNX, to be called within `networks.lazy.tracing` as Keras' are elsewhere."""

    def __init__(self, model: ModelProto) -> None:
        """Take a network of `convert_network`."""
        self.model = model
        properties = {entry.key: entry.value for entry in model.metadata_props}
        self.strides: Mapping[str, int | None] = json.loads(properties[STRIDES])
        self.depths = {output.name: output.type.tensor_type.shape.dim[1].dim_value for output in model.graph.output}
        self._count = 0

    def __call__(self, image: Any, training: bool = False) -> dict[str, Tensor]:
        """Write the network once more into the graph of an image, a tensor (batch, height, width, channels).

        Returns: by head name, maps (batch, height / stride, width / stride, depth) or vectors (batch, depth).
        """
        graph, self._count = image.graph, self._count + 1
        prefix = f"{graph.name(NETWORK)}/"
        names = {IMAGE: image.first}
        for constant in self.model.graph.initializer:
            own = TensorProto()
            own.CopyFrom(constant)
            names[constant.name] = own.name = prefix + constant.name
            graph.constants[own.name] = own
        for node in self.model.graph.node:
            graph.nodes.append(_rename(node, names, prefix))
        batch, *sides, _ = image.shape
        outputs = {}
        for name, stride in self.strides.items():
            if stride is None:
                outputs[name] = Tensor(graph, "float32", (batch, self.depths[name]), last=names[name])
                continue
            shape = (batch, *(None if side is None else side // stride for side in sides), self.depths[name])
            outputs[name] = Tensor(graph, "float32", shape, first=names[name])
        return outputs


def split_at_network(model: ModelProto) -> tuple[ModelProto, ModelProto, ModelProto] | None:
    """Cut a graph with a network in it into what is before the network's layers, the layers, and what comes after.

    Of the network, what it does to images before its first layer goes to the one, and the last layer of each head to
    the other, as Keras computes them in float32 whatever the rest does: with the images' mean and spread in bfloat16
    points lie farther off than with all layers in it, and high peaks are as high as their neighbors.

    Returns: the first is given what the graph is and makes the layers' inputs; the last is given what the graph is and
        then the layers' outputs. None where there is no network.
    """
    model = onnx.shape_inference.infer_shapes(model)
    known = {constant.name for constant in model.graph.initializer} | {""}
    network = [node for node in model.graph.node if node.name.startswith(f"{NETWORK}_")]
    others = [node for node in model.graph.node if not node.name.startswith(f"{NETWORK}_")]
    asked = {name for node in others for name in node.input}
    moved = _find_first_steps(network)
    for node in network:
        if asked & set(node.output):
            moved |= _find_last_layer(node, network)
    others += [node for node in network if node.name in moved]
    network = [node for node in network if node.name not in moved]
    if not network:
        return None
    made = [name for node in network for name in node.output]
    asked = {name for node in others for name in node.input}
    given = [*dict.fromkeys(name for node in network for name in node.input if name not in known.union(made))]
    said = [name for name in made if name in asked]
    inputs, outputs = ([one.name for one in side] for side in (model.graph.input, model.graph.output))
    cut = Extractor(model).extract_model
    before, layers, after = cut(inputs, given), cut(given, said), cut([*inputs, *said], outputs)
    for name in said:
        _hand_over_channels_last(name, layers.graph, after.graph)
    return before, layers, after


def _hand_over_channels_last(name: str, giver: GraphProto, taker: GraphProto) -> None:
    """Have maps, the output `name` of one graph and an input of another, go from one to the other channels last.

    As processors compute them; OpenVINO would bring maps whose channels are no multiple of 16 into another order with a
    fifth of the time that a network takes.
    """
    (given,) = (one for one in giver.output if one.name == name)
    (taken,) = (one for one in taker.input if one.name == name)
    if len(given.type.tensor_type.shape.dim) != len(TO_CHANNELS_LAST):
        return
    own = f"{name}_channels_last"
    giver.node.append(helper.make_node("Transpose", [name], [own], own, perm=TO_CHANNELS_LAST))
    taker.node.insert(0, helper.make_node("Transpose", [own], [name], f"{own}_back", perm=TO_CHANNELS_FIRST))
    for one in (given, taken):
        shape, one.name = TensorShapeProto(), own
        shape.CopyFrom(one.type.tensor_type.shape)
        one.type.tensor_type.shape.ClearField("dim")
        one.type.tensor_type.shape.dim.extend(shape.dim[axis] for axis in TO_CHANNELS_LAST)


def _find_first_steps(network: Sequence[NodeProto]) -> set[str]:
    """Names of the nodes before any that has weights: what is done to the images, such as to standardize them."""
    learned: set[str] = set()
    names = set()
    for node in network:
        if node.op_type in WEIGHTED or learned & set(node.input):
            learned |= set(node.output)
        else:
            names.add(node.name)
    return names


def _find_last_layer(node: NodeProto, network: Sequence[NodeProto]) -> set[str]:
    """Names of the nodes from the last one that has weights to this one, an output of the network."""
    made_by = {name: own for own in network for name in own.output}
    names = {node.name}
    while node.op_type not in WEIGHTED:
        before = [made_by[name] for name in node.input if name in made_by]
        if len(before) != 1:
            break
        (node,) = before
        names.add(node.name)
    return names


def _rename(node: NodeProto, names: dict[str, str], prefix: str) -> NodeProto:
    """The same node between tensors of these names, to which its own outputs are added."""
    own = NodeProto()
    own.CopyFrom(node)
    own.name = prefix + node.name
    for number, name in enumerate(node.input):
        own.input[number] = names[name] if name else ""
    for number, name in enumerate(node.output):
        names[name] = own.output[number] = prefix + name
    return own
