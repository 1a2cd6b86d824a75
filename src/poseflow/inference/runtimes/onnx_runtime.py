"""Microsoft's ONNX Runtime, on the processor; on NVIDIA's GPUs through its provider for TensorRT."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from onnx import ModelProto

from poseflow.config import PredictConfig
from poseflow.core.errors import ConfigError
from poseflow.core.processors import count_processors
from poseflow.inference.pipeline import Pipeline
from poseflow.inference.pipelines import build_pipeline
from poseflow.inference.runtimes.graphs import GraphRuntime, Session, require

CPU, CUDA, TENSORRT = "CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"


class OnnxRuntime(GraphRuntime):
    """Graphs in ONNX Runtime, by the first of its providers that can run each part."""

    def __init__(self, providers: Sequence[str] = (CPU,)) -> None:
        self._package = require("onnxruntime", "onnxruntime")
        self._providers = list(providers)
        self.uses_gpu = CUDA in providers
        if missing := set(providers) - set(self._package.get_available_providers()):
            got = ", ".join(self._package.get_available_providers())
            raise ConfigError(
                f"runtime tensorrt must have {' and '.join(sorted(missing))}, which onnxruntime-gpu has where CUDA and "
                f"TensorRT are installed, got {got}"
            )

    def open(self, graph: ModelProto) -> Session:
        """Load a graph."""
        options = self._package.SessionOptions()
        options.intra_op_num_threads = count_processors()
        # Threads that wait in a loop take the processor from those that decode frames and follow points.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        session = self._package.InferenceSession(graph.SerializeToString(), options, providers=self._providers)
        names = [one.name for one in session.get_inputs()]

        def run(arrays: list[NDArray[Any]]) -> Sequence[NDArray[Any]]:
            outputs: Sequence[NDArray[Any]] = session.run(None, dict(zip(names, arrays, strict=True)))
            return outputs

        return run


def load_with_onnxruntime(folders: Sequence[str | Path], config: PredictConfig) -> Pipeline:
    """Load models that work together: the runtime `onnxruntime`."""
    return _load(OnnxRuntime(), folders, config)


def load_with_tensorrt(folders: Sequence[str | Path], config: PredictConfig) -> Pipeline:
    """Load models that work together: the runtime `tensorrt`, with CUDA for what TensorRT cannot run."""
    return _load(OnnxRuntime((TENSORRT, CUDA, CPU)), folders, config)


def _load(runtime: OnnxRuntime, folders: Sequence[str | Path], config: PredictConfig) -> Pipeline:
    return build_pipeline([runtime.load(folder, config.precision) for folder in folders], config, runtime)
