"""Exported models, opened without Keras."""

from pathlib import Path

import onnx

from poseflow.core.errors import ModelError
from poseflow.models.exported import NETWORK, read_description
from poseflow.models.reading import read_model_folder
from poseflow.models.trained import TrainedModel
from poseflow.networks.framing import FRAMINGS
from poseflow.networks.onnx.network import StoredNetwork


def open_exported(folder: Path) -> TrainedModel:
    """Open an exported model; raises ModelError naming the file and its fault."""
    described, settings = read_description(folder), read_model_folder(folder)
    if described.framing not in FRAMINGS:
        raise ModelError(f"{folder}: framing must be one of {', '.join(FRAMINGS)}, got {described.framing}")
    try:
        network = StoredNetwork(onnx.load(str(folder / NETWORK)))
    except Exception as error:
        # protobuf's error is not the same class in all of its versions.
        if not isinstance(error, OSError | ValueError | KeyError) and "Decode" not in type(error).__name__:
            raise
        raise ModelError(f"{folder / NETWORK}: must be what `poseflow export-model` wrote: {error}") from None
    framing = FRAMINGS[described.framing](described.frame_size)
    return TrainedModel(folder, settings.config, settings.skeleton, network, framing)
