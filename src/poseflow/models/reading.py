"""Model folders on disk, without Keras."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from poseflow.config import read_model_config
from poseflow.core.errors import ModelError, SkeletonError
from poseflow.core.files import read_json
from poseflow.core.skeleton import Skeleton
from poseflow.models import exported
from poseflow.models.profile import ModelFolder
from poseflow.models.sleap import nn_settings as sleap_nn
from poseflow.models.sleap import settings as sleap

SETTINGS, SKELETON, WEIGHTS = "config.yaml", "skeleton.json", "model.weights.h5"


@dataclass(frozen=True)
class FolderFormat:
    """What a program writes beside its models. The first file has the settings, the last the weights."""

    files: tuple[str, ...]
    read: Callable[[Path], ModelFolder]


def find_format(folder: str | Path) -> str:
    """Who wrote a model folder: `poseflow`, `sleap` (1.0 to 1.4) or `sleap_nn` (SLEAP 1.5 on); or `exported`.

    Settings of ours go before all others, then the format of which all files are there, then the one of which there is
    any; without any it is a folder of ours, which lacks its files.
    """
    folder = Path(folder)
    if (folder / SETTINGS).is_file():
        return "poseflow"
    if (folder / exported.SETTINGS).is_file():
        return "exported"
    for enough in (all, any):
        for name in ("sleap", "sleap_nn"):
            if enough((folder / file).is_file() for file in FORMATS[name].files):
                return name
    return "poseflow"


def needed_files(folder: str | Path) -> tuple[Path, ...]:
    """Files that a model folder must have, settings first and weights last, whether or not they are there."""
    return tuple(Path(folder) / name for name in FORMATS[find_format(folder)].files)


def read_model_folder(folder: str | Path) -> ModelFolder:
    """Read what a model folder says of its network; the network itself stays closed.

    Raises: ModelError, or ConfigError for our own config.yaml, naming the file and its fault.
    """
    return FORMATS[find_format(folder)].read(Path(folder))


def _read_own(folder: Path) -> ModelFolder:
    try:
        skeleton = Skeleton.model_validate(read_json(folder / SKELETON))
        text = (folder / SETTINGS).read_text(encoding="utf-8")
    except (OSError, ValueError, SkeletonError) as error:
        raise ModelError(f"{folder}: must be the folder of a trained model: {error}") from None
    return ModelFolder(folder, read_model_config(folder / SETTINGS), skeleton, text)


FORMATS = {
    "poseflow": FolderFormat((SETTINGS, SKELETON, WEIGHTS), _read_own),
    "sleap": FolderFormat((sleap.SETTINGS, sleap.WEIGHTS), sleap.read_sleap_folder),
    "exported": FolderFormat((exported.SETTINGS, exported.NETWORK), exported.read_exported_folder),
    "sleap_nn": FolderFormat((sleap_nn.SETTINGS, sleap_nn.WEIGHTS), sleap_nn.read_nn_folder),
}
