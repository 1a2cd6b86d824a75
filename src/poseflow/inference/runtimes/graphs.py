"""Runtimes that are given ONNX graphs: each stage is written as one graph, with its network as a part of it."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from poseflow.config import Precision
from poseflow.core.errors import ConfigError
from poseflow.inference.runtimes.runtime import Runtime, Stage
from poseflow.models import find_format
from poseflow.models.opening import open_exported
from poseflow.models.trained import TrainedModel
from poseflow.networks.lazy import tracing
from poseflow.networks.onnx.graph import Graph, Tensor

Session = Callable[[list[NDArray[Any]]], Sequence[NDArray[Any]]]
"""A graph that is loaded: its inputs' values, in order, give its outputs'."""


class GraphRuntime(Runtime):
    """A program that runs ONNX graphs; it says how one is opened."""

    @abstractmethod
    def open(self, graph: ModelProto) -> Session:
        """Load a graph."""

    def load(self, folder: str | Path, precision: Precision) -> TrainedModel:
        """Open an exported model, or export one now: then, and only then, Keras is imported."""
        folder = Path(folder)
        if find_format(folder) != "exported":
            from poseflow.models.exporting import convert_model  # imports Keras

            return convert_model(folder)
        return open_exported(folder)

    def compile(self, function: Callable[..., Any]) -> Stage:
        """A graph for each new shape of what the function is given."""
        return GraphStage(function, self.open)


@dataclass
class GraphStage:
    """A stage that is written as a graph when it is first called with arrays of new shapes."""

    function: Callable[..., Any]
    open: Callable[[ModelProto], Session]
    _ready: dict[Any, tuple[Session, list[Any]]] = field(default_factory=dict)

    def __call__(self, *arrays: Any) -> tuple[Any, ...]:
        """What the function gives for these arrays."""
        given = [np.ascontiguousarray(array) for array in arrays]
        key = tuple((array.shape, array.dtype) for array in given)
        if key not in self._ready:
            graph, outputs = draw_graph(self.function, given)
            self._ready[key] = self.open(graph), outputs
        session, outputs = self._ready[key]
        found = iter(session(given))
        return tuple(next(found) if isinstance(output, Tensor) else output for output in outputs)


def draw_graph(function: Callable[..., Any], arrays: Sequence[NDArray[Any]]) -> tuple[ModelProto, list[Any]]:
    """Write what a function does with arrays of these shapes as a graph.

    Returns: the graph, and what the function gives: tensors, the graph's outputs, or arrays that depend on
        nothing it is given.
    """
    graph = Graph()
    inputs = [graph.add_input(f"input{number}", str(array.dtype), array.shape) for number, array in enumerate(arrays)]
    with tracing():
        outputs = [*function(*inputs)]
    named = {f"output{number}": output for number, output in enumerate(outputs) if isinstance(output, Tensor)}
    return graph.build(named), outputs


def require(package: str, runtime: str) -> Any:
    """Import a package that a runtime needs; raises ConfigError that says how it is had."""
    try:
        return import_module(package)
    except ImportError as error:
        raise ConfigError(
            f"runtime {runtime} must have the package {package}, as in pip install 'poseflow[runtimes]', got {error}"
        ) from None
