"""Model folders, as far as they can be read without Keras: ours, and those that SLEAP (1.0 to 1.4) wrote."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from poseflow import sleap
from poseflow.config import ModelConfig, find_misfit, read_model_config
from poseflow.errors import ModelError, SkeletonError
from poseflow.files import read_json
from poseflow.skeleton import Skeleton

SETTINGS, SKELETON, WEIGHTS = "config.yaml", "skeleton.json", "model.weights.h5"


@dataclass(frozen=True)
class ModelFolder:
    """What a model folder says of its network."""

    path: Path
    config: ModelConfig
    skeleton: Skeleton
    text: str
    """Its settings, YAML, to be read by people."""
    frame_size: tuple[int, int] | None = None
    """(height, width) that frames are brought to first, where SLEAP's settings say so."""


class DescribedModel(Protocol):
    """A model, open (`poseflow.models.TrainedModel`) or not (`ModelFolder`)."""

    @property
    def path(self) -> Path:
        """Its folder."""

    @property
    def config(self) -> ModelConfig:
        """Its profile."""

    @property
    def skeleton(self) -> Skeleton:
        """Of the animals that it finds."""


def check_together(models: Sequence[DescribedModel]) -> None:
    """Check that models can run together as one pipeline.

    Raises: ModelError for kinds that make no pipeline, SkeletonError where nodes differ.
    """
    if misfit := find_misfit([model.config.kind for model in models]):
        raise ModelError(f"models {misfit} in {', '.join(str(model.path) for model in models)}")
    first, *others = models
    for other in others:
        if other.skeleton.nodes != first.skeleton.nodes:
            got = ", ".join(other.skeleton.nodes)
            raise SkeletonError(f"{other.path}: nodes must be those of {first.path}, got {got}")


def is_sleap_folder(folder: str | Path) -> bool:
    """Whether SLEAP wrote it: it has a file of SLEAP's, and no settings of ours."""
    folder = Path(folder)
    has_sleap_files = any((folder / name).is_file() for name in (sleap.SETTINGS, sleap.WEIGHTS))
    return has_sleap_files and not (folder / SETTINGS).is_file()


def needed_files(folder: str | Path) -> tuple[Path, ...]:
    """Files that a model folder must have, settings first and weights last, whether or not they are there."""
    names = (sleap.SETTINGS, sleap.WEIGHTS) if is_sleap_folder(folder) else (SETTINGS, SKELETON, WEIGHTS)
    return tuple(Path(folder) / name for name in names)


def read_model_folder(folder: str | Path) -> ModelFolder:
    """Read what a model folder says of its network; the network itself stays closed.

    Raises: ModelError, or ConfigError for our own config.yaml, naming the file and its fault.
    """
    folder = Path(folder)
    if is_sleap_folder(folder):
        settings = sleap.read_sleap_settings(folder / sleap.SETTINGS)
        return ModelFolder(folder, settings.config, settings.skeleton, settings.text, settings.frame_size)
    try:
        skeleton = Skeleton.model_validate(read_json(folder / SKELETON))
        text = (folder / SETTINGS).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder}: must be the folder of a trained model: {error}") from None
    return ModelFolder(folder, read_model_config(folder / SETTINGS), skeleton, text)
