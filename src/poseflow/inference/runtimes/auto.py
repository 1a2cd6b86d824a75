"""The runtime `auto` of models of which no release says what runs them."""

from collections.abc import Sequence
from pathlib import Path

from poseflow.config import PredictConfig
from poseflow.config.predict import RUNTIMES
from poseflow.inference.pipeline import Pipeline
from poseflow.models import find_format
from poseflow.runs.runtimes import is_installed

OF_EXPORTED = ("openvino", "onnxruntime")  # the faster one first, as measured in docs/benchmarks.md


def load_by_format(folders: Sequence[str | Path], config: PredictConfig) -> Pipeline:
    """Load models that work together: exported ones by a runtime that is installed, all others by Keras."""
    exported = all(find_format(folder) == "exported" for folder in folders)
    runtime = next((name for name in OF_EXPORTED if is_installed(name)), OF_EXPORTED[-1]) if exported else "keras"
    pipeline: Pipeline = RUNTIMES[runtime](folders, config.model_copy(update={"runtime": runtime}))
    return pipeline
