"""Trained models as ONNX: what a model folder holds, whoever trained it."""

from dataclasses import replace
from pathlib import Path

from poseflow.config import Precision
from poseflow.core.errors import ConfigError
from poseflow.models.exported import NumberFormat
from poseflow.models.loading import load_model
from poseflow.models.trained import TrainedModel
from poseflow.networks.onnx.network import StoredNetwork, convert_network

POLICIES: dict[NumberFormat, Precision] = {"float32": "float32", "float16": "mixed_float16"}


def convert_model(folder: Path, precision: NumberFormat = "float32") -> TrainedModel:
    """Open a model folder with its network in ONNX.

    Raises: ModelError for a folder that is no model, or a network of layers that cannot be written.
    """
    if precision not in POLICIES:
        raise ConfigError(f"precision must be {' or '.join(POLICIES)}, got {precision}")
    model = load_model(folder, POLICIES[precision])
    return replace(model, network=StoredNetwork(convert_network(model.network)))
