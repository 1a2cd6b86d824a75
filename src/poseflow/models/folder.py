"""Trained models on disk: read a model folder back."""

from dataclasses import dataclass
from pathlib import Path

import keras

from poseflow.config import ModelConfig, Precision, read_model_config
from poseflow.errors import ModelError
from poseflow.files import read_json
from poseflow.models.build import build_model
from poseflow.skeleton import Skeleton


@dataclass(frozen=True)
class TrainedModel:
    """A network with its weights, its profile and its skeleton."""

    path: Path
    config: ModelConfig
    skeleton: Skeleton
    network: keras.Model

    @property
    def identities(self) -> tuple[str, ...]:
        """Names of the animals that it tells apart, in the order of its classes."""
        return self.config.head.identities or ()


def load_model(path: str | Path, precision: Precision = "auto") -> TrainedModel:
    """Read a model folder as `train_model` writes it; raises ModelError naming the folder and what it lacks."""
    path = Path(path)
    needed = ("config.yaml", "skeleton.json", "model.weights.h5")
    missing = [name for name in needed if not (path / name).is_file()]
    if missing:
        raise ModelError(f"{path}: must be a model folder with {', '.join(needed)}, got none of {', '.join(missing)}")
    config = read_model_config(path / "config.yaml")
    training = config.training.model_copy(update={"precision": precision})
    skeleton = Skeleton.model_validate(read_json(path / "skeleton.json"))
    network = build_model(config.model_copy(update={"training": training}), skeleton)
    try:
        network.load_weights(path / "model.weights.h5")
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: model.weights.h5 must fit config.yaml: {error}") from error
    return TrainedModel(path, config, skeleton, network)
