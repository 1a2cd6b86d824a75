"""Exported models on disk: a network in ONNX, and beside it all that a model folder says of it."""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from poseflow.config import ModelConfig, PredictConfig
from poseflow.core.errors import ModelError
from poseflow.core.files import read_json, replacing, write_json
from poseflow.core.skeleton import Skeleton
from poseflow.models.profile import ModelFolder

SETTINGS, NETWORK = "exported.json", "network.onnx"
NumberFormat = Literal["float32", "float16"]


class ExportedModel(BaseModel):
    """What is said of an exported network: what its model folder said, and how it was exported."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    """The model's folder."""
    key: str
    """Of the contents of that folder."""
    version: str
    """Of poseflow."""
    precision: NumberFormat
    framing: str
    """Who trained the network, which says how frames are preprocessed (`networks.framing.FRAMINGS`)."""
    frame_size: tuple[int | None, int | None] | None
    config: dict[str, Any]
    skeleton: Skeleton
    text: str


@dataclass(frozen=True)
class ExportSettings:
    """How models are exported.

    to: onnx, openvino or savedmodel. size: (height, width) of the frames that they will be given; None: networks alone.
    """

    to: str
    precision: NumberFormat
    size: tuple[int, int] | None
    predict: PredictConfig


def describe_export(
    folder: ModelFolder, config: ModelConfig, key: str, framing: str, precision: NumberFormat
) -> ExportedModel:
    """What is said of a model that is exported.

    Args:
        config: the open model's, which says how many channels the network sees.
        key: of the folder's contents.
        framing: who trained it.
    """
    return ExportedModel(
        source=str(folder.path),
        key=key,
        version=version("poseflow"),
        precision=precision,
        framing=framing,
        frame_size=folder.frame_size,
        config=config.model_dump(mode="json"),
        skeleton=folder.skeleton,
        text=folder.text,
    )


def write_exported(described: ExportedModel, network: bytes, folder: Path) -> None:
    """Write an exported model, the description last: without it the folder is no model."""
    with replacing(folder / NETWORK) as path:
        path.write_bytes(network)
    write_json(described.model_dump(mode="json"), folder / SETTINGS)


def read_description(folder: Path) -> ExportedModel:
    """Read what is said of an exported model; raises ModelError naming the file where it is none."""
    try:
        return ExportedModel.model_validate(read_json(folder / SETTINGS))
    except (OSError, ValueError, ValidationError) as error:
        raise ModelError(f"{folder / SETTINGS}: must be what `poseflow export-model` wrote: {error}") from None


def read_exported_folder(folder: Path) -> ModelFolder:
    """Read what an exported model says of itself; raises ModelError."""
    described = read_description(folder)
    try:
        config = ModelConfig.model_validate(described.config)
    except ValidationError as error:
        raise ModelError(f"{folder / SETTINGS}: config must be a model's profile: {error}") from None
    return ModelFolder(folder, config, described.skeleton, described.text, described.frame_size)
