"""Messages about recordings and their frames."""

from typing import Literal

from poseflow.server.messages.common import Message, SkeletonFacts

State = Literal["done", "running", "waiting", "failed", "quarantined"]


class RecordingRow(Message):
    """A recording in the list."""

    name: str
    videos: list[str]
    state: State
    reason: str | None
    frames: int | None
    duration_s: float | None
    start: str | None
    animals_per_frame: float | None
    expected_errors: float | None
    open_items: int | None
    items: int | None
    edits: int | None
    """Claims that hold."""
    pending_edits: int | None
    """Claims, retractions too, that are newer than the tables."""
    group: dict[str, str]


class RecordingList(Message):
    """All recordings, those first that need a person most."""

    recordings: list[RecordingRow]
    complete: bool
    """Whether all figures are known; else they are being read, and the event `recordings` follows."""
    warnings: list[str]


class VideoFacts(Message):
    """A video of a recording."""

    name: str
    fingerprint: str
    frames: int
    width: int
    height: int
    channels: int
    fps: float | None
    variable_fps: bool
    duration_s: float | None
    start: str | None
    offset_s: float
    offset_frames: int
    state: Literal["ok", "quarantined", "missing"]
    reason: str | None
    problems: list[str]
    codec: str | None
    packets: bool
    """Whether it is worth while to ask for packets."""
    rotation: int
    keyframes: int
    poses: Literal["tracked", "predicted", "none"]
    file: str
    failed_frames: int


class Recording(Message):
    """All that a view of a recording begins with."""

    name: str
    state: State
    reason: str | None
    videos: list[VideoFacts]
    names: list[str]
    animals: int | None
    skeleton: SkeletonFacts | None
    release: str | None
    pixels_per_mm: float | None
    facts: dict[str, str]
    problems: list[str]
    tables: str | None


class PacketsHead(Message):
    """What a run of packets is, for the decoder's configuration and the way from time stamps to frames."""

    video: str
    from_frame: int
    to_frame: int
    codec: str
    description: str | None
    coded_width: int
    coded_height: int
    width: int
    height: int
    rotation: int
    next: int | None
    previous: int | None
