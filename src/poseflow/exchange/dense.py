"""Poses with a place for every frame and animal, as most formats hold them: a window of frames at a time."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from poseflow.exchange.writer import PoseStream
from poseflow.tables import Individuals, hidden_columns, interpolate_times, node_columns, stack_columns

logger = logging.getLogger(__name__)

WINDOW_VALUES = 1 << 22
MOST_FRAMES = 1 << 16


class FrameGrid:
    """Places for frames that are given as sorted [start, stop) ranges, one after the other."""

    def __init__(self, ranges: Sequence[Sequence[int]]) -> None:
        self._starts = np.array([start for start, _ in ranges], np.int64)
        self._ends = np.cumsum([stop - start for start, stop in ranges], dtype=np.int64)

    def __len__(self) -> int:
        """How many there are."""
        return int(self._ends[-1]) if len(self._ends) else 0

    def place(self, frame_idx: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where frames stand; they must be among them."""
        part = np.searchsorted(self._starts, frame_idx, side="right") - 1
        before = np.concatenate([[0], self._ends])[part]
        return np.asarray(frame_idx - self._starts[part] + before, np.int64)

    def frames(self, start: int, stop: int) -> NDArray[np.int64]:
        """The frames that stand at the places from `start` to `stop`."""
        place = np.arange(start, stop)
        part = np.searchsorted(self._ends, place, side="right")
        before = np.concatenate([[0], self._ends])[part]
        return np.asarray(self._starts[part] + place - before, np.int64)


@dataclass(frozen=True, eq=False)
class Window:
    """Consecutive frames of a grid, with every individual; what is missing is NaN."""

    start: int
    """Place of the first frame in the grid."""
    frame_idx: NDArray[np.int64]
    nodes: NDArray[np.float32]
    """(frames, individuals, nodes, 3): x, y, score."""
    scores: NDArray[np.float32]
    """(frames, individuals): of the instances."""
    tracks: NDArray[np.int32]
    """(frames, individuals): numbers of the tracks; -1 where the animal is not there."""

    @property
    def stop(self) -> int:
        """Place after the last frame."""
        return self.start + len(self.frame_idx)

    @cached_property
    def present(self) -> NDArray[np.bool_]:
        """(individuals,): which are in any of the frames."""
        return np.asarray((self.tracks >= 0).any(axis=0), np.bool_)


def find_individuals(poses: PoseStream, share_slots: bool = True) -> Individuals:
    """The table's animals; a warning where several tracks share a place, and their numbers are lost."""
    found = Individuals(poses.blocks(["frame_idx", "track", "identity"]), share_slots)
    if found.shared:
        logger.warning(
            "%s: tracks without a name that follow one another share %d columns, slot_0 and so on, since this format "
            "has a column for each animal",
            poses.table, sum(name.startswith("slot_") for name in found.names),
        )  # fmt: skip
    return found


def iter_windows(poses: PoseStream, individuals: Individuals, grid: FrameGrid) -> Iterator[Window]:
    """All frames of a grid, in memory that grows with the animals alone."""
    animals, nodes = max(len(individuals), 1), len(poses.skeleton.nodes)
    length = max(1, min(WINDOW_VALUES // (animals * nodes * 3), MOST_FRAMES))
    window: Window | None = None
    for block in poses.blocks():
        rows = _Rows.of(block, individuals, grid, poses)
        done = 0
        while done < len(rows.place):
            while window is None or rows.place[done] >= window.stop:
                if window is not None:
                    yield window
                window = _empty_window(0 if window is None else window.stop, length, grid, individuals, nodes)
            stop = int(np.searchsorted(rows.place, window.stop))
            rows.fill(window, slice(done, stop))
            done = stop
    place = 0 if window is None else window.stop
    if window is not None:
        yield window
    for start in range(place, len(grid), length):
        yield _empty_window(start, length, grid, individuals, nodes)


@dataclass(frozen=True, eq=False)
class _Rows:
    place: NDArray[np.int64]
    individual: NDArray[np.int64]
    nodes: NDArray[np.float32]
    scores: NDArray[np.float32]
    tracks: NDArray[np.int32]

    @classmethod
    def of(cls, block: pa.Table, individuals: Individuals, grid: FrameGrid, poses: PoseStream) -> "_Rows":
        return cls(
            grid.place(block.column("frame_idx").to_numpy()),
            individuals.find(block),
            node_values(block, poses),
            block.column("instance_score").to_numpy(),
            block.column("track").to_numpy(),
        )

    def fill(self, window: Window, rows: slice) -> None:
        at = self.place[rows] - window.start, self.individual[rows]
        window.nodes[at] = self.nodes[rows]
        window.scores[at] = self.scores[rows]
        window.tracks[at] = self.tracks[rows]


def node_values(block: pa.Table, poses: PoseStream) -> NDArray[np.float32]:
    """The nodes' columns of some rows: (rows, nodes, 3), x, y, score."""
    values = stack_columns(block, node_columns(poses.skeleton))
    return values.reshape(block.num_rows, len(poses.skeleton.nodes), 3)


def find_hidden(block: pa.Table, poses: PoseStream) -> NDArray[np.bool_]:
    """Which nodes (rows, nodes) of some rows are hidden rather than not; none where the table does not tell."""
    if not poses.tells_hidden:
        return np.zeros((block.num_rows, len(poses.skeleton.nodes)), np.bool_)
    return np.asarray(stack_columns(block, hidden_columns(poses.skeleton)) > 0.5, np.bool_)


def find_times(poses: PoseStream, grid: FrameGrid, length: int) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Seconds of all frames of a grid, some at once, with their places.

    They are those of the rows; of a frame without an animal those of the recording where it is given, else between its
    neighbors'; numbers of frames where the recording has no times.
    """
    known = [np.unique(_frames_and_times(block), axis=1) for block in poses.blocks(["frame_idx", "time_s"])]
    frames, times = np.concatenate([np.empty((2, 0)), *known], axis=1)
    index = poses.index if poses.index is not None and poses.index.is_ok and len(poses.index.timestamps) else None
    for start in range(0, len(grid), length):
        place = slice(start, min(start + length, len(grid)))
        wanted = grid.frames(place.start, place.stop)
        if index is not None:
            yield place, index.time_s(wanted)
        else:
            yield place, interpolate_times(wanted, frames.astype(np.int64), times, poses.note["fps"])


def _frames_and_times(block: pa.Table) -> NDArray[np.float64]:
    return np.stack([block.column("frame_idx").to_numpy().astype(np.float64), block.column("time_s").to_numpy()])


def _empty_window(start: int, length: int, grid: FrameGrid, individuals: Individuals, nodes: int) -> Window:
    frames = grid.frames(start, min(start + length, len(grid)))
    shape = len(frames), len(individuals)
    return Window(
        start,
        frames,
        np.full((*shape, nodes, 3), np.nan, np.float32),
        np.full(shape, np.nan, np.float32),
        np.full(shape, -1, np.int32),
    )


def round_for_text(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Coordinates for text: off by 5e-7 px at most, where the shortest digits of float32 may be off by 1e-4."""
    return np.asarray(np.round(values.astype(np.float64), 6), np.float64)
