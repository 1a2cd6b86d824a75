"""Trained models as ONNX: what a model folder holds, whoever trained it."""

from dataclasses import replace
from pathlib import Path

from poseflow.config import Precision
from poseflow.core.errors import ModelError
from poseflow.models.exported import NumberFormat, describe_export, write_exported
from poseflow.models.loading import load_model
from poseflow.models.reading import find_format, read_model_folder
from poseflow.models.trained import TrainedModel
from poseflow.networks.onnx.network import StoredNetwork, convert_network

POLICIES: dict[NumberFormat, Precision] = {"float32": "float32", "float16": "mixed_float16"}


def convert_model(folder: Path, precision: NumberFormat = "float32") -> TrainedModel:
    """Open a model folder with its network in ONNX.

    Raises: ModelError for a folder that is no model, or a network of layers that cannot be written.
    """
    model = load_model(folder, POLICIES[precision])
    return replace(model, network=StoredNetwork(convert_network(model.network)))


def write_model(model: TrainedModel, key: str, precision: NumberFormat, out: Path) -> None:
    """Write a model of `convert_model` as an exported model's folder.

    Args: `key` of the contents of the model's own folder.
    """
    if not isinstance(model.network, StoredNetwork):
        raise ModelError(f"{model.path}: its network must be in ONNX to be written, got {type(model.network).__name__}")
    folder = read_model_folder(model.path)
    described = describe_export(folder, model.config, key, find_format(model.path), precision)
    write_exported(described, model.network.model.SerializeToString(), out)
