"""Messages about poses, lanes and what is to be reviewed."""

from typing import Literal

from poseflow.server.messages.common import Message


class PosesHead(Message):
    """What a window of poses is about."""

    video: str
    from_frame: int
    to_frame: int
    nodes: list[str]
    names: list[str]
    cursor: str
    applied: list[str]
    """Ids of the claims that are laid over the tables here."""
    tables: str | None
    scale: float
    failed: list[int]
    reviewed: list[int]
    added: list[str]
    """Ids of the claims of the animals that people added: of row -1, -2, and so on."""
    source: Literal["tracks", "predictions", "none"]


class Span(Message):
    """Frames start to stop - 1."""

    start: int
    stop: int


class Run(Message):
    """A stretch of an animal's lane; several tracklets where they are too short to be told apart."""

    start: int
    stop: int
    coverage: float
    count: int
    tracklet: int | None
    track: int | None
    score: float | None


class Lane(Message):
    """An animal, or a track that is not named."""

    kind: Literal["name", "track"]
    name: str
    index: int
    track: int | None
    runs: list[Run]


class Mark(Message):
    """Claims that hold, at a place of the seek bar."""

    frame: int
    stop: int
    kind: str
    count: int
    author: str
    id: str


class ItemMark(Message):
    """A review item on the seek bar."""

    frame: int
    id: str
    kind: str
    expected_errors: float


class Lanes(Message):
    """The lanes of a video, in a range of frames."""

    from_frame: int
    to_frame: int
    bins: int
    lanes: list[Lane]
    gaps: list[Span]
    failed: list[Span]
    edits: list[Mark]
    items: list[ItemMark]
    names: list[str]
    more_tracks: int
    tables: str | None


class TrackPath(Message):
    """Where an animal is along its track: (frame, x, y) of its centroid, px."""

    tracklet: int | None
    track: int
    name: str | None
    start: int
    stop: int
    rows: int
    path: list[tuple[int, float, float]]


class ReviewItem(Message):
    """A frame that a person should look at."""

    id: str
    rank: int
    video: str
    frame: int
    time_s: float | None
    kind: str
    tracks: list[int]
    identities: list[str | None]
    confidence: float | None
    frames_affected: int
    expected_errors: float
    note: str
    claim: str | None
    state: Literal["open", "answered"]
    answered_by: str | None


class Review(Message):
    """The review items of a recording, the most damaging first."""

    recording: str
    made: str | None
    items: list[ReviewItem]
    expected_errors: float
    total_expected_errors: float
    cost_s: float
