"""From video frames to instances."""

from poseflow.inference.labeled import predict_package
from poseflow.inference.pipelines import Instances, Pipeline, load_pipeline
from poseflow.inference.predict import predict_shard

__all__ = ["Instances", "Pipeline", "load_pipeline", "predict_package", "predict_shard"]
