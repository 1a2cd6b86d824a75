"""Keras in this process, on whatever backend it has."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from keras import ops

from poseflow.config import Precision, PredictConfig
from poseflow.inference.pipeline import Pipeline
from poseflow.inference.pipelines import build_pipeline
from poseflow.inference.runtimes.runtime import Runtime, Stage
from poseflow.models.loading import load_model
from poseflow.models.trained import TrainedModel
from poseflow.networks.compiled import compile_function, has_gpu


class KerasRuntime(Runtime):
    """Networks of Keras, compiled with what is done with their maps."""

    def __init__(self) -> None:
        self.uses_gpu = has_gpu()

    def load(self, folder: str | Path, precision: Precision) -> TrainedModel:
        """See `models.loading.load_model`."""
        return load_model(folder, precision)

    def compile(self, function: Callable[..., Any]) -> Stage:
        """See `networks.compiled.compile_function`."""
        return compile_function(function)

    def compile_resizing(self, function: Callable[..., Any]) -> Stage:
        """Not compiled: XLA might combine operations, and round otherwise."""
        return function

    def put(self, images: Any) -> Any:
        """A tensor on the device."""
        return ops.convert_to_tensor(images)


def load_with_keras(folders: Sequence[str | Path], config: PredictConfig) -> Pipeline:
    """Load trained models that work together, as networks of Keras: the runtime `keras`.

    Raises ModelError for folders that are no models or do not go together, SkeletonError where skeletons differ.
    """
    runtime = KerasRuntime()
    return build_pipeline([runtime.load(folder, config.precision) for folder in folders], config, runtime)
