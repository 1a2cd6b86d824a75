"""Intel's OpenVINO, on any processor."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from poseflow.config import Precision, PredictConfig
from poseflow.core.processors import count_processors
from poseflow.inference.pipeline import Pipeline
from poseflow.inference.pipelines import build_pipeline
from poseflow.inference.runtimes.graphs import GraphRuntime, Session, require
from poseflow.networks.onnx.network import split_at_network

Values = dict[str, NDArray[Any]]  # by name in the graph
NUMBERS = {"mixed_bfloat16": "bf16", "mixed_float16": "f16"}


class OpenVINORuntime(GraphRuntime):
    """Graphs in OpenVINO."""

    def __init__(self, precision: Precision = "auto") -> None:
        """Load the library; `precision` is that of the networks' arithmetic, float32 where it says none."""
        self._core = require("openvino", "openvino").Core()
        self._numbers = NUMBERS.get(precision, "f32")

    def open(self, graph: ModelProto) -> Session:
        """Load a graph; where networks compute in fewer bits, what stands round the network does not.

        Left to itself, OpenVINO rounds pixel coordinates to bfloat16 too, whose steps are 2 px beyond 256.
        """
        parts = None if self._numbers == "f32" else split_at_network(graph)
        formats = ("f32", self._numbers, "f32")
        steps = [self._compile(part, numbers) for part, numbers in zip(parts or (graph,), formats, strict=False)]
        inputs, outputs = ([one.name for one in side] for side in (graph.graph.input, graph.graph.output))

        def run(arrays: list[NDArray[Any]]) -> Sequence[NDArray[Any]]:
            values = dict(zip(inputs, arrays, strict=True))
            for step in steps:
                values |= step(values)
            return [values[name] for name in outputs]

        return run

    def _compile(self, graph: ModelProto, numbers: str) -> Callable[[Values], Values]:
        """A function that takes what it needs of values by name, and gives those that it makes."""
        # One request at a time, by all cores: batches come one after the other.
        hints = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": count_processors(),
            "INFERENCE_PRECISION_HINT": numbers,
        }
        compiled = self._core.compile_model(self._core.read_model(io.BytesIO(graph.SerializeToString())), "CPU", hints)
        request = compiled.create_infer_request()
        inputs, outputs = ([one.names for one in side] for side in (compiled.inputs, compiled.outputs))

        def run(values: Values) -> Values:
            request.infer([values[min(names & values.keys())] for names in inputs], share_inputs=True)
            # Its own memory is written over by the next call.
            arrays = [np.array(request.get_output_tensor(number).data) for number in range(len(outputs))]
            return {name: array for names, array in zip(outputs, arrays, strict=True) for name in names}

        return run


def load_with_openvino(folders: Sequence[str | Path], config: PredictConfig) -> Pipeline:
    """Load models that work together: the runtime `openvino`."""
    runtime = OpenVINORuntime(config.precision)
    return build_pipeline([runtime.load(folder, config.precision) for folder in folders], config, runtime)
