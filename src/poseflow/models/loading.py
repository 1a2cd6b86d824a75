"""Trained models on disk: read a model folder back, ours or SLEAP's."""

from collections.abc import Callable
from pathlib import Path

import h5py
import keras

from poseflow.config import ModelConfig, Precision
from poseflow.core.errors import ModelError
from poseflow.core.files import read_json
from poseflow.media.hdf5_links import find_outside
from poseflow.models import ModelFolder, find_format, needed_files, read_model_folder
from poseflow.models.sleap.network import read_sleap_network
from poseflow.models.sleap.nn_network import read_nn_network
from poseflow.models.trained import TrainedModel
from poseflow.networks.build import build_model
from poseflow.networks.framing import SleapFraming, SleapNNFraming
from poseflow.networks.normalization import fold_normalization
from poseflow.networks.precision import choose_precision

TRAINING_FACTS = "training.json"


def load_model(path: str | Path, precision: Precision = "auto") -> TrainedModel:
    """Read a model folder, as `train_model`, SLEAP (1.0 to 1.4) or today's SLEAP (sleap-nn) writes it.

    Raises: ModelError naming the folder and what it lacks, or the file and its fault.
    """
    path = Path(path)
    folder = _open_folder(path)
    return LOADERS[find_format(path)](folder, precision)


def read_own_network(path: str | Path, precision: Precision = "float32") -> tuple[keras.Model, ModelFolder]:
    """The network of a folder of ours as it was trained, its normalization not folded.

    Raises: ModelError naming the folder and what it lacks, or the file and its fault.
    """
    folder = _open_folder(Path(path))
    return _read_own(folder, _with_precision(folder.config, precision)), folder


def _open_folder(path: Path) -> ModelFolder:
    if not path.is_dir():
        raise ModelError(f"{path}: must be a model's folder, got {'a file' if path.exists() else 'nothing there'}")
    needed = needed_files(path)
    missing = [file.name for file in needed if not file.is_file()]
    if missing:
        names = ", ".join(file.name for file in needed)
        raise ModelError(f"{path}: must be a model folder with {names}, got none of {', '.join(missing)}")
    return read_model_folder(path)


def _with_precision(config: ModelConfig, precision: Precision) -> ModelConfig:
    return config.model_copy(update={"training": config.training.model_copy(update={"precision": precision})})


def _read_own(folder: ModelFolder, config: ModelConfig) -> keras.Model:
    network = build_model(config, folder.skeleton)
    weights = needed_files(folder.path)[-1]
    try:
        with h5py.File(weights) as file:
            if outside := find_outside(file):
                raise ValueError(f"it must hold its weights itself, got {outside}")
        network.load_weights(weights)
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder.path}: {weights.name} must fit config.yaml: {error}") from error
    return network


def _load_own(folder: ModelFolder, precision: Precision) -> TrainedModel:
    config = _with_precision(folder.config, _find_own_precision(folder) if precision == "auto" else precision)
    network = _read_own(folder, config)
    if config.backbone.batch_norm:
        bare = config.backbone.model_copy(update={"batch_norm": False})
        plain = build_model(config.model_copy(update={"backbone": bare}), folder.skeleton)
        fold_normalization(network, plain)
        network = plain
    return TrainedModel(folder.path, folder.config, folder.skeleton, network)


def _find_own_precision(folder: ModelFolder) -> Precision:
    """The number format that a network was trained in, where this machine computes in it, else float32."""
    facts = folder.path / TRAINING_FACTS
    trained = read_json(facts).get("precision") if facts.is_file() else None
    return "mixed_bfloat16" if trained == choose_precision("auto") == "mixed_bfloat16" else "float32"


def _load_sleap(folder: ModelFolder, precision: Precision) -> TrainedModel:
    network = read_sleap_network(needed_files(folder.path)[-1], folder, precision)
    seen = folder.config.input.model_copy(update={"channels": network.inputs[0].shape[-1]})
    config = folder.config.model_copy(update={"input": seen})
    return TrainedModel(folder.path, config, folder.skeleton, network, SleapFraming(folder.frame_size))


def _load_sleap_nn(folder: ModelFolder, precision: Precision) -> TrainedModel:
    network = read_nn_network(needed_files(folder.path)[-1], folder, precision)
    return TrainedModel(folder.path, folder.config, folder.skeleton, network, SleapNNFraming(folder.frame_size))


def _refuse_exported(folder: ModelFolder, _: Precision) -> TrainedModel:
    raise ModelError(f"{folder.path}: an exported model runs by runtime onnxruntime or openvino, got keras")


LOADERS: dict[str, Callable[[ModelFolder, Precision], TrainedModel]] = {
    "poseflow": _load_own,
    "sleap": _load_sleap,
    "sleap_nn": _load_sleap_nn,
    "exported": _refuse_exported,
}
