"""Animals and tracks beside each other, frame by frame, some thousand frames at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from poseflow.core.similarity import score_node_distance

BLOCK_FRAMES = 4096


class Numbered(Protocol):
    """Animals or tracks over time; rows are sorted by frame."""

    @property
    def frame_idx(self) -> NDArray[np.int64]:
        """(n,) ascending."""

    @property
    def number(self) -> NDArray[np.int64]:
        """(n,) of the animal or track, once in a frame."""

    @property
    def points(self) -> NDArray[np.float32]:
        """(n, nodes, 2) px, NaN where missing."""


@dataclass(frozen=True, eq=False)
class FrameBlock:
    """Frames as arrays of one width; b frames, at most k animals and h tracks."""

    frames: NDArray[np.int64]
    """(b,)"""
    animal_rows: NDArray[np.int64]
    """(b, k) rows of the truth, by the animals' numbers, -1 beyond"""
    track_rows: NDArray[np.int64]
    """(b, h) rows of what was tracked, likewise"""
    animals: NDArray[np.int64]
    """(b, k) their numbers, -1 beyond"""
    tracks: NDArray[np.int64]
    """(b, h) likewise"""
    distance: NDArray[np.float64]
    """(b, k, h) px, NaN where they are too far apart to match"""


def iter_blocks(truth: Numbered, tracked: Numbered, frames: NDArray[np.int64], match_px: float) -> Iterator[FrameBlock]:
    """Compare animals and tracks in `frames` (ascending); `match_px`: most that the nodes of a match differ by."""
    orders = [np.lexsort((side.number, side.frame_idx)) for side in (truth, tracked)]
    for begin in range(0, len(frames), BLOCK_FRAMES):
        wanted = frames[begin : begin + BLOCK_FRAMES]
        animal_rows, track_rows = (
            _rows_of(side, order, wanted) for side, order in zip((truth, tracked), orders, strict=True)
        )
        distance = score_node_distance(truth.points[animal_rows], tracked.points[track_rows])
        distance[~(distance <= match_px)] = np.nan
        distance[(animal_rows < 0)[:, :, None] | (track_rows < 0)[:, None]] = np.nan
        numbers = (_numbers_of(truth, animal_rows), _numbers_of(tracked, track_rows))
        yield FrameBlock(wanted, animal_rows, track_rows, *numbers, distance)


def _rows_of(side: Numbered, order: NDArray[np.intp], frames: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows (frames, most in a frame) of each frame by number, -1 beyond."""
    at = side.frame_idx[order]
    begin, stop = np.searchsorted(at, frames), np.searchsorted(at, frames, side="right")
    most = int((stop - begin).max(initial=0))
    position = begin[:, None] + np.arange(most)
    inside = position < stop[:, None]
    if not len(order):
        return np.full(position.shape, -1, np.int64)
    return np.where(inside, order[np.minimum(position, len(order) - 1)], -1)


def _numbers_of(side: Numbered, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.where(rows >= 0, np.append(side.number, 0)[rows], -1)
