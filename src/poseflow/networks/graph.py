"""What a network's graph says of it: sizes of features, receptive field, and arithmetic.

A receptive field is that of convolutions and pooling, by kernels, strides, dilations and padding. What sees the whole
image at once, as a squeeze-and-excitation gate does, has no place and is left out, as is usual.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import keras
from keras import layers

Tensor = Any
Shape = tuple[int, ...]
PADDED = (layers.ZeroPadding2D, layers.Cropping2D)
WINDOWED = (
    *(layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D),
    *(layers.MaxPooling2D, layers.AveragePooling2D),
)


class Interval(NamedTuple):
    """Rows, or columns, from the first to the last; they may lie outside of the image."""

    first: int
    last: int

    def join(self, other: "Interval | None") -> "Interval":
        """The least interval that holds both."""
        return self if other is None else Interval(min(self.first, other.first), max(self.last, other.last))


class Step(NamedTuple):
    """A layer at one place of a graph, with what goes in and what comes out."""

    layer: Any
    inputs: list[Tensor]
    outputs: list[Tensor]
    arguments: tuple[Any, ...] = ()
    """Of the call, the inputs among them."""
    options: Mapping[str, Any] = {}
    """Of the call, by name."""


@dataclass(frozen=True)
class Graph:
    """A network laid out for one image size: its steps in order, and the tensors' shapes without the batch."""

    image: Tensor
    steps: list[Step]
    shapes: Mapping[int, Shape]

    def shape(self, tensor: Tensor) -> Shape:
        """(height, width, channels) of features, and of any other tensor what it has of axes."""
        return self.shapes[id(tensor)]


def lay_out(network: keras.Model, height: int, width: int | None = None) -> Graph:
    """Lay a functional model of images out for images of that size."""
    (image,) = network.inputs
    steps = steps_of(network)
    tensors = [tensor for step in steps for tensor in step.outputs]
    size = (1, height, width or height, image.shape[-1])
    shapes = keras.Model(image, tensors).compute_output_shape(size)
    known = {id(tensor): tuple(shape[1:]) for tensor, shape in zip(tensors, shapes, strict=True)}
    return Graph(image, steps, {**known, id(image): size[1:]})


def steps_of(network: keras.Model) -> list[Step]:
    """Steps of a functional model, in the order in which they run."""
    by_depth = network._nodes_by_depth  # Keras has no public way along the edges of a graph
    nodes = [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth] if not node.is_input]
    return [
        Step(node.operation, list(node.input_tensors), list(node.outputs), node.arguments.args, node.arguments.kwargs)
        for node in nodes
    ]


def flatten(network: keras.Model) -> keras.Model:
    """The same functional model, of the same layers, where those in a sequence stand in the graph itself."""

    def call(layer: Any, *inputs: Any, **options: Any) -> Any:
        if not isinstance(layer, keras.Sequential):
            return layer(*inputs, **options)
        (features,) = inputs
        for inner in layer.layers:
            features = inner(features)
        return features

    return keras.models.clone_model(network, clone_function=lambda layer: layer, call_function=call)


def find_features(network: keras.Model, side: int, exact: bool = True) -> dict[int, Step]:
    """The step that gives the last features of each stride from 2 on, of an encoder.

    The last on which all that is deeper depends; of a stride without such (NASNet's cells each read the two before),
    the last of the widest. What is only padded or cropped does not count, since its cells lie elsewhere.

    Args: `exact`: whether features are to be exactly as large as an image of that side divided by their stride.
    """
    graph = lay_out(network, side)
    strides: dict[int, int] = {id(graph.image): 1}
    candidates: dict[int, list[Step]] = {}
    for step in graph.steps:
        stride = max(strides.get(id(tensor), 0) for tensor in step.inputs)
        if isinstance(step.layer, WINDOWED):
            stride *= step.layer.strides[0]
        shape = graph.shape(step.outputs[0])
        if len(shape) < 3 or shape[:2] == (1, 1):  # of the whole image
            continue
        strides[id(step.outputs[0])] = stride
        fits = not exact or shape[:2] == (side // stride, side // stride)
        if fits and stride > 1 and not isinstance(step.layer, PADDED):
            candidates.setdefault(stride, []).append(step)
    deepest = candidates[max(candidates)][-1]
    passed = _find_passed(graph.steps, deepest)
    found = {}
    for stride, steps in candidates.items():
        widest = max(graph.shape(step.outputs[0])[-1] for step in steps)
        chosen = [step for step in steps if id(step.outputs[0]) in passed]
        found[stride] = (chosen or [step for step in steps if graph.shape(step.outputs[0])[-1] == widest])[-1]
    return found


def _find_passed(steps: Sequence[Step], last: Step) -> set[int]:
    """Tensors without which there is no way from the image to a step's output, that output among them."""
    needed = {id(tensor) for tensor in last.inputs}
    own = []
    for step in reversed(steps[: [*steps].index(last)]):
        if any(id(tensor) in needed for tensor in step.outputs):
            own.append(step)
            needed.update(id(tensor) for tensor in step.inputs)
    own = [*reversed(own), last]
    last_use = {id(tensor): place for place, step in enumerate(own) for tensor in step.inputs}
    passed, reach = set(), 0
    for place, step in enumerate(own):
        if reach <= place:  # nothing made before is read later
            passed.add(id(step.outputs[0]))
        reach = max(reach, last_use.get(id(step.outputs[0]), place))
    return passed


def count_flop(graph: Graph) -> int:
    """Operations of convolutions and dense layers for one image: two, a multiplication and an addition, per weight."""
    return sum(_flop(graph, step) for step in graph.steps)


def _flop(graph: Graph, step: Step) -> int:
    layer, output = step.layer, graph.shape(step.outputs[0])
    if isinstance(layer, layers.Conv2DTranspose):
        cells = prod(graph.shape(step.inputs[0])[:2])
    elif isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D | layers.SeparableConv2D):
        cells = prod(output[:2])
    elif isinstance(layer, layers.Dense):
        cells = prod(output[:-1])
    else:
        return 0
    kernels = sum(prod(weight.shape) for weight in layer.weights if "kernel" in weight.name)
    return 2 * cells * kernels


def measure_receptive_field(graph: Graph, features: Tensor) -> tuple[int, int]:
    """Height and width, px, of what a cell in the middle of `features` depends on, where borders are far away."""
    rows, columns = (find_seen(graph, features, axis) for axis in (0, 1))
    return rows.last - rows.first + 1, columns.last - columns.first + 1


def find_seen(graph: Graph, features: Tensor, axis: int, cell: int | None = None) -> Interval:
    """Rows (axis 0) or columns (1) of the image on which a cell of features depends; by default the one in the middle.

    Rows below 0 are beyond the border.
    """
    if cell is None:
        cell = graph.shape(features)[axis] // 2
    needed = {id(features): Interval(cell, cell)}
    for step in reversed(graph.steps):
        for output in step.outputs:
            own = needed.get(id(output))
            if own is None or len(graph.shape(output)) < 3:
                continue
            for tensor in step.inputs:
                seen = _look_back(step.layer, graph.shape(tensor), graph.shape(output), own, axis)
                if seen is not None:
                    needed[id(tensor)] = seen.join(needed.get(id(tensor)))
    if id(graph.image) not in needed:
        raise ValueError("features must depend on the image, got others")
    return needed[id(graph.image)]


def _look_back(layer: Any, before: Shape, after: Shape, own: Interval, axis: int) -> Interval | None:
    """Cells of a layer's input on which cells of its output depend; None where these have no place."""
    if len(before) < 3:
        return None
    if isinstance(layer, layers.Conv2DTranspose):
        size, stride = layer.kernel_size[axis], layer.strides[axis]
        begin = max(size - stride, 0) // 2 if layer.padding == "same" else 0
        return Interval(-((size - 1 - begin - own.first) // stride), (own.last + begin) // stride)
    if isinstance(layer, WINDOWED):
        return _look_through_window(layer, before[axis], after[axis], own, axis)
    if isinstance(layer, layers.UpSampling2D):
        factor = layer.size[axis]
        if layer.interpolation == "nearest":
            return Interval(own.first // factor, own.last // factor)
        # Between cell centers: (i + 1/2) / factor - 1/2.
        first, last = ((2 * cell + 1 - factor) // (2 * factor) for cell in own)
        return Interval(first, last + 1)
    if isinstance(layer, layers.ZeroPadding2D):
        begin = layer.padding[axis][0]
        return Interval(own.first - begin, own.last - begin)
    if isinstance(layer, layers.Cropping2D):
        begin = layer.cropping[axis][0]
        return Interval(own.first + begin, own.last + begin)
    if before[axis] == after[axis]:
        return own
    if before[axis] == 1:  # a gate
        return None
    raise ValueError(f"{layer.name} must keep an image's size or be a layer that is known, got {type(layer).__name__}")


def _look_through_window(layer: Any, before: int, after: int, own: Interval, axis: int) -> Interval:
    pooling = isinstance(layer, layers.MaxPooling2D | layers.AveragePooling2D)
    size = layer.pool_size[axis] if pooling else layer.kernel_size[axis]
    stride = layer.strides[axis]
    reach = (size - 1) * (1 if pooling else layer.dilation_rate[axis])
    begin = 0
    if layer.padding == "same":
        begin = max((after - 1) * stride + reach + 1 - before, 0) // 2
    return Interval(own.first * stride - begin, own.last * stride - begin + reach)
