"""What a container's clock tells: where it restarts, and where frames are missing."""

import numpy as np
from numpy.typing import NDArray

_REGULAR_SHARE = 0.95  # of steps alike, from which on a longer one is a hole; else the rate varies by itself
_HOLE_STEPS = 1.5
_LISTED_RANGES = 3


def split_at_restarts(dts: NDArray[np.int64], is_known: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Number of the part, from 0, that each packet is in, (packets,): a new one begins where the clock jumps back.

    Args:
        dts: decoding timestamps in stored order, (packets,). They grow in any sound stream. A single one that is far
            too high or too low is damage, and no restart.
        is_known: whether a packet has one, (packets,).
    """
    (known,) = np.nonzero(is_known)
    if len(known) < 3:
        return np.zeros(len(dts), np.int64)
    before, last, here = (dts[known[place : len(known) - 2 + place]] for place in range(3))
    after = np.append(here[1:], here[-1])
    parts = np.append([0, 0], np.cumsum((here < last) & (here <= before) & (after <= last)))
    following = np.searchsorted(known, np.arange(len(dts)))
    return parts[np.minimum(following, len(known) - 1)]


def join_parts(pts: NDArray[np.int64], parts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Timestamps in order of display, (frames,): those of each part follow the part before, one usual step later.

    Args:
        pts: of frames in any order, (frames,).
        parts: number of each frame's part, (frames,).
    """
    order = np.lexsort((pts, parts))
    steps = np.diff(pts[order])
    is_border = np.diff(parts[order]) > 0
    if np.any(is_border):
        steps[is_border] = max(1, np.median(steps[~is_border])) if not np.all(is_border) else 1
    return pts[order[:1]].sum() + np.concatenate([[0], np.cumsum(steps)])[: len(pts)]


def find_doubtful(ticks: NDArray[np.int64], keyframes: NDArray[np.int64]) -> tuple[NDArray[np.int64], str | None]:
    """Frames from a hole in otherwise regular times to the next keyframe, (n,), and what is to be said of them.

    There a packet may be lost from which the frames after it were predicted.

    Args:
        ticks: timestamps in order of display, (frames,).
        keyframes: frames that depend on no other, ascending.
    """
    steps = np.diff(ticks)
    nothing = np.zeros(0, np.int64)
    if not len(steps):
        return nothing, None
    median = np.median(steps)
    is_regular = np.abs(steps - median) <= max(1, 0.01 * median)
    if median <= 0 or np.mean(is_regular) < _REGULAR_SHARE:
        return nothing, None
    starts = np.flatnonzero(steps > _HOLE_STEPS * median + 1) + 1
    stops = np.append(keyframes, len(ticks))[np.searchsorted(keyframes, starts)]
    reach_on = starts < stops
    if not np.any(reach_on):
        return nothing, None
    stops, first = np.unique(stops[reach_on], return_index=True)
    starts = starts[reach_on][first]
    doubtful = np.unique(np.concatenate([np.arange(*pair) for pair in zip(starts, stops, strict=True)]))
    ranges = [f"{start} to {stop - 1}" for start, stop in zip(starts, stops, strict=True)]
    listed = ", ".join(ranges[:_LISTED_RANGES]) + (", ..." if len(ranges) > _LISTED_RANGES else "")
    return doubtful, (
        f"has {int(np.sum(reach_on))} holes in its times, where packets may be lost: "
        f"{len(doubtful)} frames from there to the next keyframe are doubtful ({listed})"
    )
