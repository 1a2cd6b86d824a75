"""From a model profile and two packages of labels to a model folder."""

from poseflow.training.train import train_model

__all__ = ["train_model"]
