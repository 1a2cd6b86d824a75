"""How rightly tracked animals are named, over time."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseflow.evaluation.blocks import Numbered, iter_blocks

BINS = 100


def evaluate_names(
    truth: Numbered,
    true_names: Sequence[str],
    tracked: Numbered,
    names: Sequence[str | None],
    frames: NDArray[np.int64],
    match_px: float,
) -> dict[str, Any]:
    """Share of the detected animals (the nearest instance is within `match_px`) that have their names.

    Args:
        truth: animals; their number is the position in `true_names`.
        tracked: instances. names: (n,) of each, None for one without.
        frames: that both have, ascending.

    Returns: `identity_accuracy`, `identity_named` (share that has any name), both of the detected animals;
        `identity_over_time`: [first frame, last frame, accuracy] of each hundredth of the frames, None where none
        was detected. All None where nobody has a name.
    """
    if not any(name is not None for name in names) or not len(frames):
        return {"identity_accuracy": None, "identity_named": None, "identity_over_time": []}
    code = {name: number for number, name in enumerate(true_names)}
    given = np.array([-1 if name is None else code.get(name, len(code)) for name in names])
    matched, named, right = (np.zeros(len(frames), np.int64) for _ in range(3))
    begin = 0
    for block in iter_blocks(truth, tracked, frames, match_px):
        part = slice(begin, begin := begin + len(block.frames))
        if 0 in block.distance.shape:
            continue
        distance = np.where(np.isnan(block.distance), np.inf, block.distance)
        best = distance.argmin(axis=2)
        mutual = np.take_along_axis(distance.argmin(axis=1), best, axis=1) == np.arange(distance.shape[1])
        detected = mutual & np.isfinite(distance.min(axis=2))
        called = given[np.take_along_axis(block.track_rows, best, axis=1)]
        matched[part] = detected.sum(axis=1)
        named[part] = (detected & (called >= 0)).sum(axis=1)
        right[part] = (detected & (called == block.animals)).sum(axis=1)
    edges = np.linspace(0, len(frames), min(BINS, len(frames)) + 1).astype(int)
    over_time = [[int(frames[a]), int(frames[b - 1]), _share(right[a:b], matched[a:b])] for a, b in pairwise(edges)]
    return {
        "identity_accuracy": _share(right, matched),
        "identity_named": _share(named, matched),
        "identity_over_time": over_time,
    }


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> float | None:
    return float(part.sum() / whole.sum()) if whole.any() else None
