"""What a format of other programs' predictions is to the rest of the package."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from poseflow.core.registry import Registry
from poseflow.core.skeleton import Skeleton
from poseflow.tables import Instances


class PredictedVideo(BaseModel):
    """A video that a file of predictions is about."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    """In its file."""
    recorded: str | None = None
    """Its path as the file gives it; None: the file names none, and its own name tells (`find_video`)."""
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


READERS = Registry[PredictionsReader]("prediction_readers", "a format of predictions")
