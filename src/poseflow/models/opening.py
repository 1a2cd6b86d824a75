"""Exported models, opened without Keras."""

from pathlib import Path

import onnx

from poseflow.core.errors import ModelError
from poseflow.models.exported import NETWORK, read_description
from poseflow.models.profile import ModelFolder
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
    _check_heads(folder, settings, network)
    framing = FRAMINGS[described.framing](described.frame_size)
    return TrainedModel(folder, settings.config, settings.skeleton, network, framing)


def _check_heads(folder: Path, settings: ModelFolder, network: StoredNetwork) -> None:
    """Raise ModelError where the network is another than the settings beside it say: points would lie elsewhere."""
    subject = settings.config.describe_subject(settings.skeleton)
    for name, head in settings.config.heads.items():
        expected = head.count_channels(subject), head.stride
        found = network.depths.get(name), network.strides.get(name)
        if found != expected:
            wanted, got = (f"{depth} and {stride}" for depth, stride in (expected, found))
            what = f"{folder / NETWORK}: depth and output_stride of {name}"
            raise ModelError(f"{what} must be {wanted} by the settings, got {got}")
