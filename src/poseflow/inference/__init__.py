"""From video frames to instances."""

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
