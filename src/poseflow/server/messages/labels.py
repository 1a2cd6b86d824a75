"""Messages about labels."""

from typing import Literal

from pydantic import Field, FiniteFloat

from poseflow.server.messages.common import Message, SkeletonFacts

MOST_ANIMALS = 200
Point = tuple[FiniteFloat, FiniteFloat]


class LabelFile(Message):
    """A label file of the project."""

    name: str
    frames: int
    animals: int
    writable: bool
    reason: str | None
    skeleton: SkeletonFacts | None
    tracks: list[str]
    revision: str | None


class LabelFiles(Message):
    """All label files."""

    files: list[LabelFile]
    folder: str


class LabeledFrame(Message):
    """A frame in a label file."""

    video: str | None
    source: str
    frame: int
    animals: int
    by_person: int
    state: Literal["labeled", "suggested", "predicted"]


class LabeledFrames(Message):
    """The frames of a label file."""

    file: str
    revision: str
    skeleton: SkeletonFacts
    tracks: list[str]
    frames: list[LabeledFrame]


class LabelAnimal(Message):
    """An animal of a labeled frame; of each node a point or null, and whether it is in view."""

    points: list[Point | None]
    visible: list[bool]
    track: str | None = Field(None, max_length=200)
    predicted: bool = False
    score: float | None = None


class LabelFrame(Message):
    """A frame of a label file as it is."""

    file: str
    video: str
    frame: int
    revision: str
    animals: list[LabelAnimal]


class FramePost(Message):
    """What a frame is to be."""

    file: str
    video: str
    frame: int = Field(ge=0)
    author: str = Field(min_length=1, max_length=200)
    revision: str | None = None
    animals: list[LabelAnimal] = Field(max_length=MOST_ANIMALS)


class RemovePost(Message):
    """A frame that is to be no label any more."""

    file: str
    video: str
    frame: int = Field(ge=0)
    author: str = Field(min_length=1, max_length=200)
    revision: str | None = None


class CreatePost(Message):
    """A label file that is to be made: `page` for labels/page.slp."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,60}$")
    skeleton: SkeletonFacts
    tracks: list[str] = Field([], max_length=200)
    author: str = Field(min_length=1, max_length=200)


class SkeletonPost(Message):
    """The skeleton of a file that has no labels yet."""

    file: str
    skeleton: SkeletonFacts


class Suggestion(Message):
    """A frame that is worth labeling."""

    video: str
    frame: int


class Suggestions(Message):
    """Frames that are worth labeling."""

    frames: list[Suggestion]
    state: Literal["none", "working", "done"]
    done: float
    fault: str | None


class SuggestPost(Message):
    """How frames are to be chosen, and how many in all."""

    file: str
    count: int = Field(ge=1, le=500)
    method: Literal["stride", "random", "diverse", "uncertain", "jump"] = "diverse"
    videos: list[str] | None = None


class StartingPoints(Message):
    """Animals that a network found in a frame."""

    animals: list[LabelAnimal]
    nodes: list[str]
