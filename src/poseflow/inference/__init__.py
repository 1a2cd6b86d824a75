"""From video frames to instances."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from poseflow.inference.labeled import predict_package
    from poseflow.inference.pipeline import Pipeline, load_pipeline
    from poseflow.inference.predict import predict_shard
    from poseflow.inference.predictor import Predictor, load_predictor

__all__ = [
    "Pipeline",
    "Predictor",
    "load_pipeline",
    "load_predictor",
    "predict_package",
    "predict_shard",
]

_MODULES = {
    "Pipeline": "pipeline",
    "Predictor": "predictor",
    "load_pipeline": "pipeline",
    "load_predictor": "predictor",
    "predict_package": "labeled",
    "predict_shard": "predict",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for, and no more: readers of labels alone take a second, which `predict` does not need."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
