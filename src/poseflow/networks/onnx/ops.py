"""Functions of the names and arguments of `keras.ops` that write what they do into an ONNX graph.

What is known beforehand stays NumPy: of arrays alone they give arrays. `poseflow.networks.lazy.tracing` puts them in
the place of Keras' while a function of tensors is written down, so that what is done with maps is written once, for all
programs that run it.
"""

import builtins  # some of whose names are those of functions here
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from poseflow.networks.onnx.graph import FIRST, Dim, Graph, Shape, Tensor, Value, order

# --- what all of them need


def _graph_of(*values: Any) -> Graph | None:
    return next((value.graph for value in values if isinstance(value, Tensor)), None)


def _is_weak(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, np.generic)


def dtype_of(value: Any) -> str:
    """Number format of a tensor, or of what becomes one."""
    if isinstance(value, Tensor):
        return value.dtype
    kind = np.asarray(value).dtype
    return {"float64": "float32", "int64": "int32"}.get(str(kind), str(kind))


def _common_type(*values: Any) -> str:
    """The format in which numbers are combined: that of the tensors, unless a fraction meets whole numbers."""
    strong = [dtype_of(value) for value in values if not _is_weak(value)]
    kinds = {"bool": 0, "uint8": 1, "int32": 2, "int64": 3, "float16": 4, "float32": 5}
    highest = builtins.max(strong or [dtype_of(value) for value in values], key=kinds.__getitem__)
    if kinds[highest] < kinds["float16"] and builtins.any(
        isinstance(value, float) for value in values if _is_weak(value)
    ):
        return "float32"
    return "int32" if highest == "bool" and builtins.any(_is_weak(value) for value in values) else highest


def to_tensor(value: Any, graph: Graph, dtype: str | None = None) -> Tensor:
    """A tensor of the graph with that value."""
    if isinstance(value, Tensor):
        return cast(value, dtype or value.dtype)
    array = np.asarray(value, dtype or dtype_of(value))
    return Tensor(graph, str(array.dtype), array.shape, last=graph.add_constant(array))


def _whole(numbers: Any, graph: Graph) -> Tensor:
    """Whole numbers of 64 bits, as nodes want shapes and places."""
    array = np.asarray(numbers, np.int64)
    return Tensor(graph, "int64", array.shape, last=graph.add_constant(array))


def _emit(kind: str, inputs: Sequence[Tensor], dtype: str, shape: Shape, **attributes: Any) -> Tensor:
    graph = inputs[0].graph
    (name,) = graph.add(kind, [tensor.last for tensor in inputs], **attributes)
    return Tensor(graph, dtype, shape, last=name)


def broadcast_shapes(*shapes: Shape) -> Shape:
    """Shape of what tensors of these shapes give together."""
    length = builtins.max(map(len, shapes))
    padded = [(1,) * (length - len(shape)) + tuple(shape) for shape in shapes]
    return tuple(_join_sides(sides) for sides in zip(*padded, strict=True))


def _join_sides(sides: Sequence[Dim]) -> Dim:
    known = {side for side in sides if side not in (1, None)}
    if known:
        return next(iter(known))
    return None if None in sides else 1


def _elementwise(kind: str, values: Sequence[Value], result: str | None = None, common: str | None = None) -> Any:
    """One node of several tensors; with channels first, where all images are there so."""
    graph = _graph_of(*values)
    assert graph is not None
    dtype = common or _common_type(*values)
    tensors = [to_tensor(value, graph, dtype) for value in values]
    shape = broadcast_shapes(*(tensor.shape for tensor in tensors))
    images = [tensor for tensor in tensors if tensor.ndim]
    if images and builtins.all(tensor.ndim == 4 and tensor.is_first for tensor in images):
        (name,) = graph.add(kind, [tensor.first if tensor.ndim else tensor.last for tensor in tensors])
        return Tensor(graph, result or dtype, shape, first=name)
    return _emit(kind, tensors, result or dtype, shape)


def _binary(kind: str, known: Callable[..., Any], result: str | None = None) -> Callable[[Value, Value], Any]:
    def apply(one: Value, other: Value) -> Any:
        if _graph_of(one, other) is None:
            return known(one, other)
        return _elementwise(kind, [one, other], result)

    return apply


def _unary(kind: str, known: Callable[..., Any], result: str | None = None) -> Callable[[Value], Any]:
    def apply(value: Value) -> Any:
        return _elementwise(kind, [value], result) if isinstance(value, Tensor) else known(value)

    return apply


add = _binary("Add", np.add)
subtract = _binary("Sub", np.subtract)
multiply = _binary("Mul", np.multiply)
maximum = _binary("Max", np.maximum)
minimum = _binary("Min", np.minimum)
mod = _binary("Mod", np.mod)
greater = _binary("Greater", np.greater, "bool")
greater_equal = _binary("GreaterOrEqual", np.greater_equal, "bool")
less = _binary("Less", np.less, "bool")
less_equal = _binary("LessOrEqual", np.less_equal, "bool")
equal = _binary("Equal", np.equal, "bool")
logical_and = _binary("And", np.logical_and)
logical_or = _binary("Or", np.logical_or)
logical_not = _unary("Not", np.logical_not)
negative = _unary("Neg", np.negative)
abs = _unary("Abs", np.abs)
sqrt = _unary("Sqrt", np.sqrt)
exp = _unary("Exp", np.exp)
floor = _unary("Floor", np.floor)
round = _unary("Round", np.round)
relu = _unary("Relu", lambda value: np.maximum(value, 0))
sigmoid = _unary("Sigmoid", lambda value: 1 / (1 + np.exp(-value)))
tanh = _unary("Tanh", np.tanh)
erf = _unary("Erf", np.vectorize(float))
isnan = _unary("IsNaN", np.isnan, "bool")


def divide(one: Value, other: Value) -> Any:
    """A fraction, whatever goes in."""
    if _graph_of(one, other) is None:
        return np.true_divide(one, other)
    common = _common_type(one, other)
    return _elementwise("Div", [one, other], common=common if common.startswith("float") else "float32")


def floor_divide(one: Value, other: Value) -> Any:
    """Of whole numbers from 0 on."""
    return np.floor_divide(one, other) if _graph_of(one, other) is None else _elementwise("Div", [one, other])


def power(one: Value, other: Value) -> Any:
    """See `keras.ops`."""
    return np.power(one, other) if _graph_of(one, other) is None else _elementwise("Pow", [one, other])


def square(value: Value) -> Any:
    """See `keras.ops`."""
    return multiply(value, value)


def isfinite(value: Value) -> Any:
    """See `keras.ops`."""
    if not isinstance(value, Tensor):
        return np.isfinite(value)
    return logical_not(logical_or(isnan(value), _elementwise("IsInf", [value], "bool")))


def clip(value: Value, low: Value, high: Value) -> Any:
    """See `keras.ops`."""
    return minimum(maximum(value, low), high)


def where(condition: Any, one: Value, other: Value) -> Any:
    """See `keras.ops`."""
    graph = _graph_of(condition, one, other)
    if graph is None:
        return np.where(condition, one, other)
    dtype = _common_type(one, other)
    parts = [to_tensor(condition, graph, "bool"), to_tensor(one, graph, dtype), to_tensor(other, graph, dtype)]
    return _emit("Where", parts, dtype, broadcast_shapes(*(part.shape for part in parts)))


# --- number formats, and what is known of a tensor


def cast(value: Any, dtype: str) -> Any:
    """See `keras.ops`."""
    if not isinstance(value, Tensor):
        return np.asarray(value, dtype)
    if value.dtype == dtype:
        return value
    from poseflow.networks.onnx.graph import TYPES

    if value.is_first:
        (name,) = value.graph.add("Cast", [value.first], to=TYPES[dtype])
        return Tensor(value.graph, dtype, value.shape, first=name)
    return _emit("Cast", [value], dtype, value.shape, to=TYPES[dtype])


def convert_to_tensor(value: Any, dtype: str | None = None) -> Any:
    """See `keras.ops`; what is known stays an array."""
    return value if dtype is None and isinstance(value, Tensor) else cast(value, dtype or dtype_of(value))


def shape(value: Any) -> tuple[Any, ...]:
    """Its sides: numbers, or scalar tensors for those that are known when the model runs."""
    if not isinstance(value, Tensor):
        return tuple(np.shape(value))
    return tuple(_side(value, axis) if side is None else side for axis, side in enumerate(value.shape))


def _side(value: Tensor, axis: int) -> Tensor:
    if axis not in value.sides:
        sides = _emit("Shape", [value], "int64", (value.ndim,))
        value.sides[axis] = cast(take(sides, np.int64(axis), axis=0), "int32")
    return value.sides[axis]


def _make_shape(sides: Sequence[Any], graph: Graph) -> tuple[Tensor, Shape]:
    """A shape as a tensor, and what is known of it."""
    known = tuple(None if isinstance(side, Tensor) or side is None else int(side) for side in sides)
    if None not in known:
        return _whole(np.array(known, np.int64), graph), known
    parts = [expand_dims(cast(to_tensor(side, graph), "int64"), 0) for side in sides]
    return concatenate(parts, axis=0), known


def zeros(sides: Sequence[Any], dtype: str = "float32") -> Any:
    """See `keras.ops`."""
    return _fill(sides, 0, dtype)


def ones_like(value: Any) -> Any:
    """See `keras.ops`."""
    return full_like(value, 1)


def full_like(value: Any, number: float) -> Any:
    """See `keras.ops`."""
    return _fill(shape(value), number, dtype_of(value))


def _fill(sides: Sequence[Any], number: float, dtype: str) -> Any:
    constant = np.array(number, dtype)
    return broadcast_to(constant, sides)


def broadcast_to(value: Any, sides: Sequence[Any]) -> Any:
    """See `keras.ops`."""
    graph = _graph_of(value, *sides)
    if graph is None:
        return np.broadcast_to(value, sides)
    target, known = _make_shape(sides, graph)
    tensor = to_tensor(value, graph)
    return _emit("Expand", [tensor, target], tensor.dtype, known)


def arange(start: Any, stop: Any = None, step: int = 1, dtype: str | None = None) -> Any:
    """See `keras.ops`."""
    if stop is None:
        start, stop = 0, start
    graph = _graph_of(start, stop)
    if graph is None:
        return np.arange(start, stop, step, dtype=dtype or "int32")
    parts = [to_tensor(part, graph, "int32") for part in (start, stop, step)]
    return cast(_emit("Range", parts, "int32", (None,)), dtype or "int32")


def linspace(start: float, stop: float, count: int) -> Any:
    """See `keras.ops`."""
    return np.linspace(start, stop, count, dtype=np.float32)


# --- shapes


def reshape(value: Any, sides: Sequence[Any]) -> Any:
    """See `keras.ops`."""
    graph = _graph_of(value, *sides)
    if graph is None:
        return np.reshape(value, sides)
    tensor = to_tensor(value, graph)
    known = [side if isinstance(side, int | np.integer) else None for side in sides]
    if known.count(None) + known.count(-1) <= 1:  # one side follows from the others
        target = _whole(np.array([-1 if side is None else side for side in known], np.int64), graph)
    else:
        target, _ = _make_shape(sides, graph)
    result = [None if side in (None, -1) else int(side) for side in known]
    own = [side for side in tensor.shape if side is not None]
    if len(own) == tensor.ndim and result.count(None) == 1:
        rest = prod(side for side in result if side is not None)
        result[result.index(None)] = prod(own) // builtins.max(rest, 1)
    return _emit("Reshape", [tensor, target], tensor.dtype, tuple(result))


def expand_dims(value: Any, axis: int | Sequence[int]) -> Any:
    """See `keras.ops`."""
    if not isinstance(value, Tensor):
        return np.expand_dims(value, axis)
    axes = [axis] if isinstance(axis, int) else list(axis)
    length = value.ndim + len(axes)
    axes = sorted(one % length for one in axes)
    sides = list(value.shape)
    for one in axes:
        sides.insert(one, 1)
    return _emit("Unsqueeze", [value, _whole(np.array(axes, np.int64), value.graph)], value.dtype, tuple(sides))


def squeeze(value: Any, axis: int | Sequence[int]) -> Any:
    """See `keras.ops`."""
    if not isinstance(value, Tensor):
        return np.squeeze(value, axis)
    axes = {one % value.ndim for one in ([axis] if isinstance(axis, int) else axis)}
    sides = tuple(side for place, side in enumerate(value.shape) if place not in axes)
    return _emit("Squeeze", [value, _whole(np.array(sorted(axes), np.int64), value.graph)], value.dtype, sides)


def transpose(value: Any, axes: Sequence[int]) -> Any:
    """See `keras.ops`."""
    if not isinstance(value, Tensor):
        return np.transpose(value, axes)
    if tuple(axes) == FIRST:
        return Tensor(value.graph, value.dtype, order(value.shape, axes), last=value.first)
    return _emit("Transpose", [value], value.dtype, order(value.shape, axes), perm=list(axes))


def concatenate(values: Sequence[Any], axis: int = -1) -> Any:
    """See `keras.ops`."""
    graph = _graph_of(*values)
    if graph is None:
        return np.concatenate(values, axis)
    dtype = _common_type(*values)
    tensors = [to_tensor(value, graph, dtype) for value in values]
    axis %= tensors[0].ndim
    sides = list(broadcast_shapes(*(tensor.shape[:axis] + tensor.shape[axis + 1 :] for tensor in tensors)))
    own = [tensor.shape[axis] for tensor in tensors]
    sides.insert(axis, None if None in own else builtins.sum(side for side in own if side is not None))
    if builtins.all(tensor.ndim == 4 and tensor.is_first for tensor in tensors):
        (name,) = graph.add("Concat", [tensor.first for tensor in tensors], axis=FIRST.index(axis))
        return Tensor(graph, dtype, tuple(sides), first=name)
    return _emit("Concat", tensors, dtype, tuple(sides), axis=axis)


def stack(values: Sequence[Any], axis: int = 0) -> Any:
    """See `keras.ops`."""
    graph = _graph_of(*values)
    if graph is None:
        return np.stack(values, axis)
    dtype = _common_type(*values)
    tensors = [to_tensor(value, graph, dtype) for value in values]
    sides = broadcast_shapes(*(tensor.shape for tensor in tensors))
    axis %= len(sides) + 1
    return concatenate([expand_dims(tensor, axis) for tensor in tensors], axis)


def pad(value: Any, widths: Sequence[Sequence[int]], constant_values: float = 0) -> Any:
    """See `keras.ops`."""
    if not isinstance(value, Tensor):
        return np.pad(value, widths, constant_values=constant_values)
    if not np.any(widths):
        return value
    sides = tuple(
        None if side is None else side + builtins.sum(width) for side, width in zip(value.shape, widths, strict=True)
    )
    both = np.array([width[end] for end in (0, 1) for width in widths], np.int64)
    filling = np.array(constant_values, value.dtype)
    return _emit("Pad", [value, _whole(both, value.graph), to_tensor(filling, value.graph)], value.dtype, sides)


def repeat(value: Any, count: int, axis: int) -> Any:
    """See `keras.ops`."""
    if not isinstance(value, Tensor):
        return np.repeat(value, count, axis)
    side = value.shape[axis]
    assert side is not None
    return take(value, np.repeat(np.arange(side, dtype=np.int32), count), axis=axis)


def flip(value: Any, axis: int) -> Any:
    """See `keras.ops`."""
    side = value.shape[axis]
    return take(value, np.arange(side - 1, -1, -1, dtype=np.int32), axis=axis)


def take_part(value: Tensor, index: Any) -> Tensor:
    """`value[index]`, of numbers, slices of step 1, `None` and `...`."""
    parts = list(index) if isinstance(index, tuple) else [index]
    own = builtins.sum(part is not None and part is not Ellipsis for part in parts)
    if Ellipsis not in [part for part in parts if not isinstance(part, Tensor | np.ndarray)]:
        parts.append(Ellipsis)
    place = next(number for number, part in enumerate(parts) if part is Ellipsis)
    parts[place : place + 1] = [slice(None)] * (value.ndim - own)
    starts, stops, axes, gone, new, axis, position = [], [], [], [], [], 0, 0
    for part in parts:
        if part is None:
            new.append(position)
            position += 1
            continue
        if isinstance(part, slice):
            if part.step == -1 and part.start is None and part.stop is None:
                value = flip(value, axis)
            elif part != slice(None):
                begin = part.start or 0
                starts.append(begin)
                stops.append(np.iinfo(np.int64).max if part.stop is None else part.stop)
                axes.append(axis)
            position += 1
        else:
            number = int(part)
            starts.append(number)
            stops.append(np.iinfo(np.int64).max if number == -1 else number + 1)
            axes.append(axis)
            gone.append(axis)
        axis += 1
    value = _cut_out(value, starts, stops, axes)
    value = squeeze(value, gone) if gone else value
    return expand_dims(value, new) if new else value


def _cut_out(value: Tensor, starts: list[int], stops: list[int], axes: list[int]) -> Tensor:
    if not axes:
        return value
    sides = list(value.shape)
    for start, stop, axis in zip(starts, stops, axes, strict=True):
        side = sides[axis]
        if side is not None:
            sides[axis] = len(range(*slice(start, min(stop, side)).indices(side)))
        elif 0 <= start <= stop < np.iinfo(np.int64).max:
            sides[axis] = stop - start
    limits = [_whole(np.array(numbers, np.int64), value.graph) for numbers in (starts, stops, axes)]
    return _emit("Slice", [value, *limits], value.dtype, tuple(sides))


# --- numbers by their place


def take(value: Any, indices: Any, axis: int) -> Any:
    """See `keras.ops`."""
    graph = _graph_of(value, indices)
    if graph is None:
        return np.take(value, indices, axis)
    tensor = to_tensor(value, graph)
    axis %= tensor.ndim
    places = to_tensor(np.asarray(indices) if isinstance(indices, list) else indices, graph)
    sides = tensor.shape[:axis] + places.shape + tensor.shape[axis + 1 :]
    return _emit("Gather", [tensor, places], tensor.dtype, sides, axis=axis)


def take_along_axis(value: Any, indices: Any, axis: int) -> Any:
    """See `keras.ops`."""
    graph = _graph_of(value, indices)
    if graph is None:
        return np.take_along_axis(value, indices, axis)
    tensor, places = to_tensor(value, graph), to_tensor(indices, graph)
    return _emit("GatherElements", [tensor, places], tensor.dtype, places.shape, axis=axis % tensor.ndim)


def top_k(value: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """See `keras.ops`."""
    return _top(value, count, largest=1)


def argsort(value: Tensor, axis: int = -1) -> Tensor:
    """Ascending, of the last axis."""
    if axis not in (-1, value.ndim - 1):
        raise ValueError(f"axis must be the last, got {axis}")
    count = value.shape[-1]
    assert count is not None
    return _top(value, count, largest=0)[1]


def _top(value: Tensor, count: int, largest: int) -> tuple[Tensor, Tensor]:
    number = _whole(np.array([count], np.int64), value.graph)
    names = value.graph.add("TopK", [value.last, number.last], 2, axis=-1, largest=largest, sorted=1)
    sides = (*value.shape[:-1], count)
    found = Tensor(value.graph, value.dtype, sides, last=names[0])
    return found, cast(Tensor(value.graph, "int64", sides, last=names[1]), "int32")


def argmax(value: Any, axis: int) -> Any:
    """The first of several."""
    if not isinstance(value, Tensor):
        return np.argmax(value, axis)
    axis %= value.ndim
    sides = value.shape[:axis] + value.shape[axis + 1 :]
    return cast(_emit("ArgMax", [value], "int64", sides, axis=axis, keepdims=0), "int32")


# --- sums


def _reduce(kind: str, value: Tensor, axis: Any, keepdims: bool) -> Tensor:
    axes = range(value.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
    axes = sorted(one % value.ndim for one in axes)
    sides = tuple(
        1 if place in axes else side for place, side in enumerate(value.shape) if keepdims or place not in axes
    )
    if value.ndim == 4 and value.is_first and (keepdims or axes == [1, 2, 3] or axes == [1, 2]):
        own = [FIRST.index(one) for one in axes]
        attributes: dict[str, Any] = {"axes": own}
        inputs = [value.first]
        if kind == "ReduceSum":
            attributes = {}
            inputs.append(value.graph.add_constant(np.array(own, np.int64)))
        (name,) = value.graph.add(kind, inputs, keepdims=int(keepdims), **attributes)
        return Tensor(value.graph, value.dtype, sides, **{"first" if keepdims else "last": name})
    if kind == "ReduceSum":
        inputs_ = [value, _whole(np.array(axes, np.int64), value.graph)]
        return _emit(kind, inputs_, value.dtype, sides, keepdims=int(keepdims))
    return _emit(kind, [value], value.dtype, sides, axes=axes, keepdims=int(keepdims))


def sum(value: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """See `keras.ops`."""
    if not isinstance(value, Tensor):
        return np.sum(value, axis, keepdims=keepdims)
    return _reduce("ReduceSum", value, axis, keepdims)


def mean(value: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """See `keras.ops`."""
    if not isinstance(value, Tensor):
        return np.mean(value, axis, keepdims=keepdims)
    return _reduce("ReduceMean", value, axis, keepdims)


def std(value: Any, axis: Any = None) -> Any:
    """See `keras.ops`."""
    return sqrt(mean(square(value - mean(value, axis, keepdims=True)), axis))


def max(value: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """See `keras.ops`."""
    if not isinstance(value, Tensor):
        return np.max(value, axis, keepdims=keepdims)
    return _reduce("ReduceMax", value, axis, keepdims)


def any(value: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """See `keras.ops`."""
    if not isinstance(value, Tensor):
        return np.any(value, axis, keepdims=keepdims)
    return greater(max(cast(value, "int32"), axis, keepdims), 0)


def all(value: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """See `keras.ops`."""
    if not isinstance(value, Tensor):
        return np.all(value, axis, keepdims=keepdims)
    return logical_not(any(logical_not(value), axis, keepdims))


def matmul(one: Any, other: Any) -> Any:
    """See `keras.ops`; the second is a matrix."""
    graph = _graph_of(one, other)
    if graph is None:
        return np.matmul(one, other)
    dtype = _common_type(one, other)
    left, right = to_tensor(one, graph, dtype), to_tensor(other, graph, dtype)
    return _emit("MatMul", [left, right], dtype, (*left.shape[:-1], right.shape[-1]))


def einsum(subscripts: str, *values: Any) -> Any:
    """See `keras.ops`."""
    graph = _graph_of(*values)
    if graph is None:
        return np.einsum(subscripts, *values)
    tensors = [to_tensor(value, graph, "float32") for value in values]
    inputs, output = subscripts.split("->")
    sides = {
        letter: side
        for letters, tensor in zip(inputs.split(","), tensors, strict=True)
        for letter, side in zip(letters, tensor.shape, strict=True)
    }
    return _emit("Einsum", tensors, "float32", tuple(sides[letter] for letter in output), equation=subscripts)


def softmax(value: Tensor, axis: int = -1) -> Tensor:
    """See `keras.ops`."""
    return _emit("Softmax", [value], value.dtype, value.shape, axis=axis)


# --- images


def max_pool(value: Tensor, pool_size: Any, strides: Any = None, padding: str = "valid") -> Tensor:
    """See `keras.ops`."""
    return pool("MaxPool", value, pool_size, strides, padding)


def average_pool(value: Tensor, pool_size: Any, strides: Any = None, padding: str = "valid") -> Tensor:
    """See `keras.ops`."""
    return pool("AveragePool", value, pool_size, strides, padding)


def pool(kind: str, value: Tensor, pool_size: Any, strides: Any, padding: str) -> Tensor:
    """A window over images: `MaxPool` or `AveragePool`."""
    size = (pool_size,) * 2 if isinstance(pool_size, int) else tuple(pool_size)
    steps = size if strides is None else (strides,) * 2 if isinstance(strides, int) else tuple(strides)
    (name,) = value.graph.add(
        kind, [value.first], kernel_shape=list(size), strides=list(steps), **padding_of(padding, size, steps)
    )
    batch, *sides, channels = value.shape
    found = [window_side(*own, padding) for own in zip(sides, size, steps, strict=True)]
    return Tensor(value.graph, value.dtype, (batch, *found, channels), first=name)


def padding_of(padding: str, size: Sequence[int], steps: Sequence[int]) -> dict[str, Any]:
    """Attributes of a node that say how a window goes beyond the border, as TensorFlow has it."""
    if padding == "valid":
        return {}
    if tuple(steps) != (1, 1):  # depends on the image's size
        return {"auto_pad": "SAME_UPPER"}
    begins = [(side - 1) // 2 for side in size]
    ends = [side - 1 - begin for side, begin in zip(size, begins, strict=True)]
    return {"pads": [*begins, *ends]}


def window_side(side: Dim, size: int, step: int, padding: str) -> Dim:
    """How many places a window has along a side."""
    if side is None:
        return None
    return -(-side // step) if padding == "same" else (side - size) // step + 1


class _Images:
    """As `keras.ops.image`."""

    @staticmethod
    def resize(value: Tensor, size: tuple[int, int], interpolation: str = "bilinear", antialias: bool = False) -> Any:
        """See `keras.ops.image`."""
        if interpolation != "bilinear":
            raise ValueError(f"interpolation must be bilinear, got {interpolation}")
        if antialias:
            for axis, sides in ((1, "bhwc,ho->bowc"), (2, "bhwc,wo->bhoc")):
                old, new = value.shape[axis], size[axis - 1]
                assert old is not None
                if old != new:
                    value = einsum(sides, value, weigh_triangle(old, new))
            return value
        if all_even(value.shape[1:3], size):
            return _resize(value, size)
        for axis in (2, 1):
            old, new = value.shape[axis], size[axis - 1]
            assert old is not None
            if old != new:
                value = _interpolate(value, axis, old, new)
        return value


def _resize(value: Tensor, size: Sequence[int]) -> Tensor:
    graph, (batch, *_, channels) = value.graph, value.shape
    found = _emit("Shape", [Tensor(graph, value.dtype, (4,), last=value.first)], "int64", (4,))
    target = concatenate([found[:2], np.array(size, np.int64)], axis=0)
    (name,) = graph.add(
        "Resize",
        [value.first, "", "", target.last],
        mode="linear",
        coordinate_transformation_mode="half_pixel",
    )
    return Tensor(graph, value.dtype, (batch, *size, channels), first=name)


def all_even(old: Sequence[Dim], new: Sequence[int]) -> bool:
    """Whether weights between pixels are all exact, so that every program computes the same."""
    return builtins.all(side is not None and side % own == 0 for side, own in zip(old, new, strict=True))


def _interpolate(value: Tensor, axis: int, old: int, new: int) -> Tensor:
    """Along one axis, to the last bit as TensorFlow does it.

    Source: TensorFlow, `core/kernels/image/resize_bilinear_op.cc`, `compute_interpolation_weights`, half pixel centers.
    """
    step = np.float32(old) / np.float32(new)
    places = (np.arange(new, dtype=np.float32) + np.float32(0.5)) * step - np.float32(0.5)
    whole = np.floor(places)
    low = np.maximum(whole, 0).astype(np.int32)
    high = np.minimum(np.ceil(places), old - 1).astype(np.int32)
    weights = (places - whole).astype(np.float32).reshape([-1 if one == axis else 1 for one in range(4)])
    one = take(value, low, axis=axis)
    return one + (take(value, high, axis=axis) - one) * weights


image = _Images


def weigh_triangle(old: int, new: int) -> Any:
    """What each of `old` pixels gives to each of `new`, (old, new), as TensorFlow averages.

    Source: TensorFlow, `core/kernels/image/scale_and_translate_op.cc`, `ComputeSpansCore`, with the triangle kernel.
    """
    step = np.float32(old) / np.float32(new)
    reach = np.maximum(step, np.float32(1))
    middles = (np.arange(new, dtype=np.float32) + np.float32(0.5)) * step
    pixels = np.arange(old, dtype=np.float32)[:, None] + np.float32(0.5)
    weights = np.maximum(1 - np.abs(pixels - middles) / reach, 0).astype(np.float32)
    return (weights / weights.sum(axis=0)).astype(np.float32)
