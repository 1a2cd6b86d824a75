"""What a format of other programs' predictions is to the rest of the package."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from pydantic import BaseModel, ConfigDict

from poseflow.core.registry import Registry
from poseflow.core.skeleton import Skeleton
from poseflow.media.stills import IMAGE_SUFFIXES
from poseflow.tables import Instances


class PredictedVideo(BaseModel):
    """A video that a file of predictions is about."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    """In its file."""
    recorded: str | None = None
    """Its path as the file gives it; None: the file names none, and its own name tells (`find_video`)."""
    images: tuple[str, ...] = ()
    """Of a folder of images those that the file lists, by name; a frame's number is its image's place in this list."""
    frames: int
    """One more than the last frame that the file knows of."""
    fps: float | None = None
    width: int = 0
    height: int = 0


class PredictionsFile(BaseModel):
    """What a file of predictions holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tool: str
    tool_version: str | None = None
    skeleton: Skeleton
    class_names: tuple[str, ...] = ()
    videos: tuple[PredictedVideo, ...]
    left_out: tuple[str, ...] = ()
    """What the file holds and a predictions table does not, a few words each."""


@dataclass(frozen=True)
class PredictionsReader:
    """A format of files of predictions."""

    files: str
    """Program and file names, for messages: `SLEAP .slp`."""
    recognize: Callable[[Path], bool]
    """Whether a file is of this format, by its content and not by its name; reads little.

    The file is there and not empty, and one that is HDF5 can be opened and leads to no other file.
    """
    describe: Callable[[Path], PredictionsFile]
    """What a file holds, in little memory; raises PredictionsError, which names the file, where it is damaged."""
    iter_instances: Callable[[Path, int, tuple[int, int]], Iterator[Instances]]
    """The instances of a video, by its number, in frames [start, stop), a bounded number at once; frames ascend.

    Points as they are in the file, NaN where missing. `score` and `point_scores` are NaN where the file gives none.
    """


def name_recording(files: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Path of the recording that a file of predictions lists as these files, and its images, where it is a folder.

    Of several that are no images, parts of one recording, the path is the first's.

    Raises: ValueError for images of several folders.
    """
    paths = [PureWindowsPath(file) for file in files]
    if not all(path.suffix.lower() in IMAGE_SUFFIXES for path in paths):
        return files[0], ()
    folders = {path.parent.as_posix() for path in paths}
    if len(folders) > 1:
        raise ValueError(f"images must be of one folder, got {', '.join(sorted(folders))}")
    return folders.pop(), tuple(path.name for path in paths)


READERS = Registry[PredictionsReader]("prediction_readers", "a format of predictions")
