"""The pose table of a live run: written in a thread of its own, block by block, whole whenever the run ends."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from threading import Condition, Thread
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from poseflow.core.skeleton import Skeleton
from poseflow.live.poses import LivePoses
from poseflow.live.sources import SourceFacts
from poseflow.tables import Instances, PoseSource, Predictions, Tracks
from poseflow.tables.parquet import TableWriter
from poseflow.tables.poses import pose_note, pose_rows, pose_schema

BLOCK_FRAMES = 500
"""Whose rows are put together in one go."""

MOST_WAITING = 20_000
"""Frames that wait for a disk; beyond, they are not recorded, which the table says."""


@dataclass(frozen=True, eq=False)
class LiveFacts:
    """What the pose table says of a source as if it were a video (`poseflow.tables.poses.VideoFacts`)."""

    source: SourceFacts
    frames: int
    recorded_at: datetime | None
    numbers: NDArray[np.int64]
    """Of the frames whose times are known, ascending."""
    times_s: NDArray[np.float64]
    """Of these, since the source's first one."""
    problems: Sequence[str] = ()
    status: str = "ok"
    reason: str | None = None
    doubtful_ranges: Sequence[tuple[int, int]] = ()

    @property
    def width(self) -> int | None:
        """Of the image, px."""
        return self.source.width

    @property
    def height(self) -> int | None:
        """Of the image, px."""
        return self.source.height

    @property
    def fps(self) -> float | None:
        """As the source says it."""
        return self.source.fps

    def time_s(self, frame_idx: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """Seconds since the source's first frame."""
        return self.times_s if frame_idx is None else self.times_s[np.searchsorted(self.numbers, frame_idx)]


class FrameSet:
    """Numbers of frames, a bit each: those of a day at 150 frames/s are 1.6 MB."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, number: int) -> None:
        """Add a number, in any order."""
        if number // 8 >= len(self._bits):
            self._bits.extend(bytes(max(1024, number // 8 + 1 - len(self._bits))))
        self._bits[number // 8] |= 1 << number % 8

    def ranges(self) -> tuple[tuple[int, int], ...]:
        """Runs of neighboring numbers, as [start, stop), ascending."""
        bits = np.unpackbits(np.frombuffer(bytes(self._bits), np.uint8), bitorder="little")
        borders = np.flatnonzero(np.diff(bits.astype(np.int8), prepend=0, append=0))
        return tuple((int(start), int(stop)) for start, stop in borders.reshape(-1, 2))


class PoseRecord:
    """Writes a pose table while poses come; `append` never waits.

    `frame_idx` counts the source's frames, with those that were skipped; `frames_read` in the metadata says which were
    looked at. When the block ends, by an exception too, the table is whole: rows that came before it count.

    Args:
        names: that the models tell apart, and of these those that animals may get.
        metadata: JSON-able, told with the table.
    """

    def __init__(
        self,
        path: str | Path,
        skeleton: Skeleton,
        names: tuple[Sequence[str], Sequence[str]],
        facts: SourceFacts,
        source: PoseSource,
        metadata: Mapping[str, Any],
        tells_hidden: bool = False,
    ) -> None:
        self._skeleton = skeleton
        self._class_names, self._names = map(tuple, names)
        self._facts, self._source, self._metadata = facts, source, dict(metadata)
        self._tells_hidden = tells_hidden
        self._writer = TableWriter(path, pose_schema(skeleton, source.columns, tells_hidden))
        self._waiting: deque[LivePoses] = deque()
        self._changed = Condition()
        self._is_closed = False
        self._recorded = FrameSet()
        self._last = -1
        self._error: BaseException | None = None
        self._thread = Thread(target=self._work, name="live-record", daemon=True)
        self.start: datetime | None = None
        """When the source's first frame was taken, once that is known."""
        self.problems: list[str] = []
        """What is to be said of the recording, a sentence each; before it is closed."""
        self.lost = 0
        """Frames that were not recorded, since the disk was slower than they came."""

    def __enter__(self) -> Self:
        self._writer.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Write all that waits, and the table's end. Raises what went wrong with the file."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()
        error = self._error
        self._writer.__exit__(type(error) if error else None, error, None)
        if error is not None:
            raise error

    def append(self, poses: LivePoses) -> None:
        """Add a frame's animals; frames come in ascending order."""
        with self._changed:
            if self._error is not None:
                raise self._error
            if len(self._waiting) >= MOST_WAITING:
                self.lost += 1
                return
            self._waiting.append(poses)
            if len(self._waiting) >= BLOCK_FRAMES:
                self._changed.notify()

    def wait_until_written(self) -> None:
        """Wait until no whole block waits."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._waiting) < BLOCK_FRAMES or self._error is not None)

    def _work(self) -> None:
        try:
            while block := self._next_block():
                self._write(block)
            self._writer.finish(self._note())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that asks
            self._error = error

    def _next_block(self) -> list[LivePoses]:
        """The next frames, BLOCK_FRAMES of them, in the end fewer; none once all are written."""
        with self._changed:
            while len(self._waiting) < BLOCK_FRAMES and not self._is_closed:
                self._changed.wait()
            block = [self._waiting.popleft() for _ in range(min(BLOCK_FRAMES, len(self._waiting)))]
            self._changed.notify_all()
            return block

    def _write(self, block: list[LivePoses]) -> None:
        for poses in block:
            self._recorded.add(poses.frame_idx)
        self._last = block[-1].frame_idx
        kept = [poses for poses in block if len(poses)]
        if not kept:
            return
        predictions = Predictions(
            **vars(Instances.concatenate([poses.instances for poses in kept])),
            skeleton=self._skeleton,
            class_names=self._class_names,
            frames=((kept[0].frame_idx, kept[-1].frame_idx + 1),),
        )
        tracks = Tracks(
            np.arange(len(predictions)),
            predictions.frame_idx,
            np.concatenate([poses.tracklet for poses in kept]),
            np.concatenate([poses.track for poses in kept]),
            np.concatenate([poses.identity_code for poses in kept]),
            np.concatenate([poses.identity_score for poses in kept]),
            self._names,
        )
        numbers = np.array([poses.frame_idx for poses in kept], np.int64)
        facts = self._describe(numbers, np.array([poses.time_s for poses in kept]))
        self._writer.write(pose_rows(predictions, tracks, facts, self._source))

    def _describe(self, numbers: NDArray[np.int64], times_s: NDArray[np.float64]) -> LiveFacts:
        return LiveFacts(self._facts, self._last + 1, self.start, numbers, times_s, tuple(self.problems))

    def _note(self) -> dict[str, Any]:
        nodes = len(self._skeleton.nodes)
        empty = Instances.empty(nodes, len(self._class_names), tells_hidden=self._tells_hidden)
        whole = Predictions(
            **vars(empty), skeleton=self._skeleton, class_names=self._class_names, frames=self._recorded.ranges()
        )
        tracks = replace(Tracks.without_identities([], [], [], []), identity_names=self._names)
        facts = self._describe(np.empty(0, np.int64), np.empty(0))
        return pose_note(replace(whole, metadata=self._metadata), tracks, facts, self._source)
