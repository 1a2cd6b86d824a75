"""Intel's OpenVINO, on any processor."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseflow.config import Precision, PredictConfig
from poseflow.core.processors import count_processors
from poseflow.inference.pipeline import Pipeline
from poseflow.inference.pipelines import build_pipeline
from poseflow.inference.runtimes.graphs import GraphRuntime, Session, require

NUMBERS = {"mixed_bfloat16": "bf16", "mixed_float16": "f16"}


class OpenVINORuntime(GraphRuntime):
    """Graphs in OpenVINO."""

    def __init__(self, precision: Precision = "auto") -> None:
        """Load the library; `precision` is that of the networks' arithmetic, float32 where it says none."""
        self._core = require("openvino", "openvino").Core()
        self._numbers = NUMBERS.get(precision, "f32")

    def open(self, graph: bytes) -> Session:
        """Load a graph."""
        model = self._core.read_model(io.BytesIO(graph))
        # One request at a time, by all cores: batches come one after the other.
        hints = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": count_processors(),
            "INFERENCE_PRECISION_HINT": self._numbers,
        }
        compiled = self._core.compile_model(model, "CPU", hints)
        request = compiled.create_infer_request()
        outputs = [*compiled.outputs]

        def run(arrays: list[NDArray[Any]]) -> Sequence[NDArray[Any]]:
            request.infer(arrays, share_inputs=True)
            # Its own memory is written over by the next call.
            return [np.array(request.get_tensor(output).data) for output in outputs]

        return run


def load_with_openvino(folders: Sequence[str | Path], config: PredictConfig) -> Pipeline:
    """Load models that work together: the runtime `openvino`."""
    runtime = OpenVINORuntime(config.precision)
    return build_pipeline([runtime.load(folder, config.precision) for folder in folders], config, runtime)
