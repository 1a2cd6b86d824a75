"""Sets of frames as [start, stop) ranges in ascending order."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from poseflow.core.errors import TableError

Ranges = tuple[tuple[int, int], ...]


def merge_ranges(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Sort ranges and join those that touch or overlap; empty ones vanish.

    Raises: TableError for a range that ends before it begins, or begins below 0.
    """
    merged: list[tuple[int, int]] = []
    for start, stop in sorted((int(start), int(stop)) for start, stop in ranges):
        if start < 0 or stop < start:
            raise TableError(f"a range must be [start, stop) with 0 <= start <= stop, got [{start}, {stop})")
        if start == stop:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return tuple(merged)


def clip_ranges(ranges: Sequence[tuple[int, int]], start: int, stop: int) -> Ranges:
    """The part of `ranges` that lies in [start, stop)."""
    return tuple((max(a, start), min(b, stop)) for a, b in ranges if max(a, start) < min(b, stop))


def in_ranges(values: NDArray[np.int64], ranges: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    """For each value, whether it lies in one of the (merged) ranges."""
    borders = np.array(ranges, np.int64).reshape(-1)
    inside: NDArray[np.bool_] = np.searchsorted(borders, values, side="right") % 2 == 1
    return inside


def count_frames(ranges: Sequence[tuple[int, int]]) -> int:
    """How many frames the ranges hold."""
    return sum(stop - start for start, stop in ranges)


def check_ranges(ranges: Sequence[tuple[int, int]], what: str) -> None:
    """Raise TableError unless the ranges are ascending and do not touch."""
    if tuple(tuple(part) for part in ranges) != merge_ranges(ranges):
        raise TableError(f"{what} must be ascending ranges that do not touch, got {list(ranges)}")
