"""What is known about a recording before any of its frames is decoded."""

import json
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from poseflow.core.errors import VideoError
from poseflow.core.files import read_json, replacing
from poseflow.media.runs import RunLengths

_LONGEST_REASON = 500  # characters: names in a file may be endless

MediaKind = Literal["video", "image_folder", "hdf5", "imgstore", "predictions"]
"""`predictions`: of a recording that is not there, known by what another program found in it."""


class VideoIndex(BaseModel):
    """A recording's frames, timestamps, keyframes and integrity.

    A quarantined recording has `frames` 0 and a one-line `reason`; nothing else of it is to be relied on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    kind: MediaKind
    status: Literal["ok", "quarantined"] = "ok"
    reason: str | None = None
    problems: tuple[str, ...] = ()
    """What is wrong with a recording that can be read all the same."""
    frames: int = 0
    """Frames that can be displayed, counted from the packets."""
    width: int = 0
    height: int = 0
    """Of the displayed image: turned by `rotation`."""
    channels: Literal[1, 3] = 1
    codec: str | None = None
    pix_fmt: str | None = None
    color_range: Literal["full", "limited"] = "full"
    rotation: Literal[0, 90, 180, 270] = 0
    """Degrees anticlockwise by which the stored image is turned for display."""
    fps: float | None = None
    """Frames per second: the median; None where the recording has no timestamps."""
    variable_fps: bool = False
    """Whether any two neighboring frames are another time apart: frame_idx / fps is then not the time."""
    time_base: tuple[int, int] = (1, 1)
    """Seconds in a tick of the timestamps, as numerator and denominator."""
    timestamps: RunLengths = RunLengths()
    """When each frame is displayed, in ticks, in the order of display; empty where unknown."""
    recorded_at: datetime | None = None
    """When the first frame was taken, where the recording says so."""
    created_at: datetime | None = None
    """When the file was created, by its container: mostly as the recording began, sometimes when it was copied."""
    keyframes: RunLengths = RunLengths()
    """Frames from which decoding can start; the first one always, as the file's beginning."""
    other_encoders: RunLengths = RunLengths()
    """Keyframes that name another encoder than was named before, in joined recordings: decoders go by its quirks."""
    corrupt: RunLengths = RunLengths()
    """Frames known not to be readable: their packets are damaged or cut off by the container's own account, or their
    images are not there."""
    doubtful: RunLengths = RunLengths()
    """Frames between a hole in the times, where a packet may be lost, and the next keyframe: they can be decoded, but
    may show what was never there."""
    packet_order: RunLengths | None = None
    """For a video whose timestamps do not tell its frames apart: the frame of each packet as stored; -1: none."""
    seekable: bool = True
    """Whether jumping to a keyframe by its timestamp was seen to work; else packets are counted from the start."""
    intra_only: bool = False
    """Whether each frame is coded by itself."""
    size_bytes: int = 0
    h5_dataset: str | None = None

    @property
    def start(self) -> int:
        """Timestamp of the first frame, in ticks."""
        return self.timestamps.first

    def time_s(self, frame_idx: ArrayLike | None = None) -> NDArray[np.float64]:
        """Seconds from the first frame to each of `frame_idx` (any shape; None: all frames), by the container's clock.

        NaN where the recording has no timestamps.
        """
        if not len(self.timestamps):
            shape = (self.frames,) if frame_idx is None else np.shape(frame_idx)
            return np.full(shape, np.nan)
        ticks = self.timestamps.values(frame_idx) - self.start
        return ticks * self.time_base[0] / self.time_base[1]

    @cached_property
    def duration_s(self) -> float:
        """Seconds from the first frame to the last; NaN where unknown."""
        return float(self.time_s(self.frames - 1)) if self.frames else 0.0

    @cached_property
    def doubtful_ranges(self) -> list[tuple[int, int]]:
        """`doubtful` as [start, stop) ranges."""
        frames = self.doubtful.values()
        parts = np.split(frames, np.flatnonzero(np.diff(frames) > 1) + 1) if len(frames) else []
        return [(int(part[0]), int(part[-1]) + 1) for part in parts]

    @property
    def is_ok(self) -> bool:
        """Whether frames can be read."""
        return self.status == "ok"


def quarantine(path: str | Path, kind: MediaKind, reason: str) -> VideoIndex:
    """The index of a recording that cannot be read; its reason is one line, of bounded length."""
    line = " ".join(reason.split())
    line = line if len(line) <= _LONGEST_REASON else f"{line[:_LONGEST_REASON]} ..."
    return VideoIndex(path=str(path), kind=kind, status="quarantined", reason=line)


def write_index(index: VideoIndex, path: str | Path) -> None:
    """Write an index as JSON, a line for each of its keys, atomically."""
    # ASCII: file names that are no UTF-8 are kept, too.
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in index.model_dump(mode="json").items()]
    with replacing(path) as beside:
        beside.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="ascii")


def read_index(path: str | Path) -> VideoIndex:
    """Read what write_index wrote; raises VideoError naming the file."""
    try:
        return VideoIndex.model_validate(read_json(path))
    except (OSError, ValueError) as error:
        fault = str(error) if not isinstance(error, ValidationError) else f"{error.error_count()} wrong or missing keys"
        raise VideoError(f"{path} must be a video index, got {fault}") from None


def measure_rate(timestamps: NDArray[np.int64], time_base: tuple[int, int]) -> tuple[float | None, bool]:
    """Frames per second, and whether the rate varies, from timestamps in ticks, shape (frames,).

    A step may be one tick off for rounding; where all steps are alike, the rate is taken over the whole length, so
    that rounding to milliseconds does not show.
    """
    if len(timestamps) < 2:
        return None, False
    steps = np.diff(timestamps)
    median = float(np.median(steps))
    variable = bool(np.any(np.abs(steps - median) > max(1, 0.01 * median)))
    ticks = median if variable else (timestamps[-1] - timestamps[0]) / len(steps)
    if ticks <= 0:
        return None, True
    return float(time_base[1] / time_base[0] / ticks), variable
