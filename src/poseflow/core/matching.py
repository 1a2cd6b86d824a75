"""Match things of two sides, at most one of the other for each, in many groups at once."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def match_pairs(gains: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Find the matching with the greatest total gain in each group.

    Where every row's best column is another one, that is it; the Hungarian algorithm decides in the groups that are
    left, which are few.

    Args:
        gains: (..., rows, columns); a pair is matched only if its gain is above 0, so one that is not allowed has 0,
            less than that, or NaN.

    Returns: (..., rows), the column of each row, -1 for none.
    Source: Kuhn 1955; Pereira et al. 2022, Methods, "Bottom-up multi-animal pose estimation".
    """
    *groups, rows, columns = gains.shape
    if 0 in gains.shape:
        return np.full((*groups, rows), -1, np.int64)
    allowed = np.where(gains > 0, gains, 0).reshape(-1, rows, columns)
    best = allowed.argmax(axis=2)
    matched = np.where(np.take_along_axis(allowed, best[..., None], axis=2)[..., 0] > 0, best, -1)
    wanted = (matched[..., None] == np.arange(columns)).sum(axis=1)
    conflicts = np.flatnonzero((wanted > 1).any(axis=1))
    if len(conflicts):
        from scipy.optimize import linear_sum_assignment  # half a second, which most programs do not need
    for group in conflicts:
        row, column = linear_sum_assignment(allowed[group], maximize=True)
        matched[group] = -1
        matched[group, row] = np.where(allowed[group, row, column] > 0, column, -1)
    return matched.reshape(*groups, rows)
