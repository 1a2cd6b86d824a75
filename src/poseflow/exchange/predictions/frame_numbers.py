"""Which frames the rows of a file are of."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

OFF_GRID = 0.1
"""Part of a frame by which a time may be off."""


def number_times(exact: NDArray[np.float64]) -> NDArray[np.float64]:
    """Whole frames of times that are given in frames; where one is off, all count one after the other."""
    numbers = np.round(exact)
    if not np.isfinite(exact).all() or (np.abs(exact - numbers) > OFF_GRID).any():
        return np.arange(len(exact), dtype=float)
    return numbers


def choose_frames(
    blocks: Iterable[tuple[NDArray[np.int64], NDArray[np.float64]]], frames: tuple[int, int]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """The rows of frames [start, stop), of blocks of frame numbers (n,) and values (n, columns).

    Raises: ValueError where frames are there twice, or not in order.
    """
    before = -1
    for numbers, values in blocks:
        if np.diff(numbers, prepend=before).min(initial=1) < 1:
            raise ValueError(f"a table must have each frame once, in order, got others after frame {before}")
        before = int(numbers[-1]) if len(numbers) else before
        wanted = (numbers >= frames[0]) & (numbers < frames[1])
        if wanted.any():
            yield numbers[wanted], values[wanted]
        if before >= frames[1]:
            return
