"""Model folders on disk, without Keras."""

from pathlib import Path

from poseflow.config import read_model_config
from poseflow.core.errors import ModelError, SkeletonError
from poseflow.core.files import read_json
from poseflow.core.skeleton import Skeleton
from poseflow.models.profile import ModelFolder
from poseflow.models.sleap import settings as sleap

SETTINGS, SKELETON, WEIGHTS = "config.yaml", "skeleton.json", "model.weights.h5"
SLEAP_NN_FILES = ("best.ckpt", "last.ckpt", "training_config.yaml", "initial_config.yaml")


def is_sleap_folder(folder: str | Path) -> bool:
    """Whether SLEAP wrote it: it has a file of SLEAP's, and no settings of ours."""
    folder = Path(folder)
    has_sleap_files = any((folder / name).is_file() for name in (sleap.SETTINGS, sleap.WEIGHTS))
    return has_sleap_files and not (folder / SETTINGS).is_file()


def needed_files(folder: str | Path) -> tuple[Path, ...]:
    """Files that a model folder must have, settings first and weights last, whether or not they are there.

    Raises: ModelError for the folder of a model of sleap-nn.
    """
    _refuse_sleap_nn(Path(folder))
    names = (sleap.SETTINGS, sleap.WEIGHTS) if is_sleap_folder(folder) else (SETTINGS, SKELETON, WEIGHTS)
    return tuple(Path(folder) / name for name in names)


def read_model_folder(folder: str | Path) -> ModelFolder:
    """Read what a model folder says of its network; the network itself stays closed.

    Raises: ModelError, or ConfigError for our own config.yaml, naming the file and its fault.
    """
    folder = Path(folder)
    _refuse_sleap_nn(folder)
    if is_sleap_folder(folder):
        return sleap.read_sleap_folder(folder)
    try:
        skeleton = Skeleton.model_validate(read_json(folder / SKELETON))
        text = (folder / SETTINGS).read_text(encoding="utf-8")
    except (OSError, ValueError, SkeletonError) as error:
        raise ModelError(f"{folder}: must be the folder of a trained model: {error}") from None
    return ModelFolder(folder, read_model_config(folder / SETTINGS), skeleton, text)


def _refuse_sleap_nn(folder: Path) -> None:
    """Say so where a model was trained by SLEAP 1.5 or later, whose networks are PyTorch's."""
    readable = (SETTINGS, WEIGHTS, sleap.WEIGHTS)
    if any((folder / name).is_file() for name in SLEAP_NN_FILES) and not any(
        (folder / name).is_file() for name in readable
    ):
        raise ModelError(
            f"{folder}: must be a model of poseflow ({SETTINGS}, {SKELETON}, {WEIGHTS}) or of SLEAP 1.0 to 1.4 "
            f"({sleap.SETTINGS}, {sleap.WEIGHTS}), got one of sleap-nn (SLEAP 1.5 and later, PyTorch), which cannot be "
            "read: train on the same labels with poseflow"
        )
