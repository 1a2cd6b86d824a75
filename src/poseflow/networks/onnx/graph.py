"""ONNX graphs that are written while functions of tensors run: a tensor here is a name in the graph, and its shape."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, checker, helper, numpy_helper

OPSET, IR_VERSION = 17, 8  # of 2022, which programs that read ONNX know by now
Dim = int | None
Shape = tuple[Dim, ...]
TYPES = {
    "float32": TensorProto.FLOAT,
    "float16": TensorProto.FLOAT16,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "uint8": TensorProto.UINT8,
    "bool": TensorProto.BOOL,
}
FIRST, LAST = (0, 3, 1, 2), (0, 2, 3, 1)  # axes of images with channels last as channels first, and back


@dataclass
class Graph:
    """Nodes and constants so far; all parts of one model are written into one graph."""

    nodes: list[NodeProto] = field(default_factory=list)
    constants: dict[str, TensorProto] = field(default_factory=dict)
    inputs: list[Any] = field(default_factory=list)
    prefix: str = ""
    """Of the names of all nodes that are added."""
    _known: dict[tuple[str, tuple[int, ...], bytes], str] = field(default_factory=dict)
    _count: int = 0

    def name(self, kind: str) -> str:
        """A name that nothing else has."""
        self._count += 1
        return f"{self.prefix}{kind}_{self._count}"

    def add_input(self, name: str, dtype: str, shape: Shape, channels_first: bool = False) -> "Tensor":
        """A tensor that the model is given.

        Args:
            shape: with channels last; None for sides that are known when it runs.
            channels_first: whether it is given so.
        """
        self.inputs.append(_describe(name, dtype, order(shape, FIRST) if channels_first else shape))
        return Tensor(self, dtype, shape, **{"first" if channels_first else "last": name})

    def add_constant(self, values: Any) -> str:
        """Name of an array's constant; equal ones are kept once."""
        array = np.ascontiguousarray(values)  # of a scalar it makes a vector
        array = array.reshape(np.shape(values))
        key = (str(array.dtype), array.shape, array.tobytes())
        if key not in self._known:
            name = self._known[key] = self.name("constant")
            self.constants[name] = numpy_helper.from_array(array, name)
        return self._known[key]

    def add(self, kind: str, inputs: Sequence[str], outputs_count: int = 1, **attributes: Any) -> list[str]:
        """Add a node; gives the names of its outputs."""
        outputs = [self.name(kind.lower()) for _ in range(outputs_count)]
        self.nodes.append(helper.make_node(kind, list(inputs), outputs, name=outputs[0], **attributes))
        return outputs

    def build(self, outputs: Mapping[str, "Tensor"], channels_first: Sequence[str] = ()) -> ModelProto:
        """The model, whose outputs have these names.

        Args: `channels_first`: those of the outputs that are images with their channels first.
        """
        infos = []
        for name, tensor in outputs.items():
            first = name in channels_first
            self.nodes.append(helper.make_node("Identity", [tensor.first if first else tensor.last], [name], name=name))
            infos.append(_describe(name, tensor.dtype, order(tensor.shape, FIRST) if first else tensor.shape))
        graph = helper.make_graph(self.nodes, "poseflow", self.inputs, infos, [*self.constants.values()])
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="poseflow"
        )
        checker.check_model(model)
        return model


def order(shape: Shape, axes: Sequence[int]) -> Shape:
    """A shape with its axes in another order."""
    return tuple(shape[axis] for axis in axes)


def _describe(name: str, dtype: str, shape: Shape) -> Any:
    sides = [f"{name}_{axis}" if side is None else side for axis, side in enumerate(shape)]
    if shape and shape[0] is None:
        sides[0] = "batch"
    return helper.make_tensor_value_info(name, TYPES[dtype], sides)


class Tensor:
    """A value in a graph, with channels last as in Keras; of images there may be one with channels first too.

    Networks in ONNX have channels first. So each form is made of the other only where something asks for it.
    """

    __array_ufunc__ = None  # NumPy's operators leave what they do to ours

    def __init__(
        self, graph: Graph, dtype: str, shape: Shape, last: str | None = None, first: str | None = None
    ) -> None:
        self.graph, self.dtype, self.shape = graph, dtype, tuple(shape)
        self._last, self._first = last, first
        self.sides: dict[int, Tensor] = {}
        """Sides that are known when the model runs, as far as they were asked for."""

    @property
    def ndim(self) -> int:
        """How many axes it has."""
        return len(self.shape)

    @property
    def last(self) -> str:
        """Its name, channels last."""
        if self._last is None:
            assert self._first is not None
            (self._last,) = self.graph.add("Transpose", [self._first], perm=LAST)
        return self._last

    @property
    def first(self) -> str:
        """Name of an image (batch, height, width, channels) with channels first."""
        if self._first is None:
            assert self._last is not None
            (self._first,) = self.graph.add("Transpose", [self._last], perm=FIRST)
        return self._first

    @property
    def is_first(self) -> bool:
        """Whether it is there with channels first."""
        return self._first is not None

    def __getitem__(self, index: Any) -> "Tensor":
        return _ops().take_part(self, index)

    def __iter__(self) -> Any:
        raise TypeError("a tensor of a graph has no values to go through")

    def __add__(self, other: Any) -> "Tensor":
        return _ops().add(self, other)

    def __radd__(self, other: Any) -> "Tensor":
        return _ops().add(other, self)

    def __sub__(self, other: Any) -> "Tensor":
        return _ops().subtract(self, other)

    def __rsub__(self, other: Any) -> "Tensor":
        return _ops().subtract(other, self)

    def __mul__(self, other: Any) -> "Tensor":
        return _ops().multiply(self, other)

    def __rmul__(self, other: Any) -> "Tensor":
        return _ops().multiply(other, self)

    def __truediv__(self, other: Any) -> "Tensor":
        return _ops().divide(self, other)

    def __rtruediv__(self, other: Any) -> "Tensor":
        return _ops().divide(other, self)

    def __floordiv__(self, other: Any) -> "Tensor":
        return _ops().floor_divide(self, other)

    def __mod__(self, other: Any) -> "Tensor":
        return _ops().mod(self, other)

    def __neg__(self) -> "Tensor":
        return _ops().negative(self)

    def __pow__(self, other: Any) -> "Tensor":
        return _ops().power(self, other)

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> "Tensor":  # type: ignore[override]
        return _ops().equal(self, other)

    def __ne__(self, other: object) -> "Tensor":  # type: ignore[override]
        return _ops().logical_not(_ops().equal(self, other))

    def __bool__(self) -> bool:
        raise TypeError("a tensor of a graph has no value to decide by")

    def __gt__(self, other: Any) -> "Tensor":
        return _ops().greater(self, other)

    def __ge__(self, other: Any) -> "Tensor":
        return _ops().greater_equal(self, other)

    def __lt__(self, other: Any) -> "Tensor":
        return _ops().less(self, other)

    def __le__(self, other: Any) -> "Tensor":
        return _ops().less_equal(self, other)

    def __and__(self, other: Any) -> "Tensor":
        return _ops().logical_and(self, other)

    def __or__(self, other: Any) -> "Tensor":
        return _ops().logical_or(self, other)

    def __invert__(self) -> "Tensor":
        return _ops().logical_not(self)


Value = Any
"""A tensor, an array or a number."""


def _ops() -> Any:
    from poseflow.networks.onnx import ops  # which is written in terms of tensors

    return ops
