"""Where optical flow saw points go, as the predictions table keeps it: in few bytes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

STEP_PX = 1 / 8
"""Displacements are whole multiples of it: a twentieth of the error of flow on flies (docs/scale.md)."""


def encode_displacements(points: NDArray[Any], shifted: NDArray[Any]) -> NDArray[np.float32]:
    """Displacements from frame to frame: most of an animal's points hardly move, and all of them alike.

    Args:
        points: (n, nodes, 2) px. shifted: (n, lags, nodes, 2) px, these points on the frames that follow; NaN where
            flow lost them.

    Returns: (n, lags, nodes, 2) float32 px, multiples of STEP_PX, each from the last frame before on which the point
        was seen; NaN as in `shifted`. `decode_displacements` is within STEP_PX / 2 of `shifted`, and gives these again.
    """
    away = (np.round((shifted - points[:, None]) / STEP_PX) * STEP_PX).astype(np.float32)
    steps: NDArray[np.float32] = np.empty_like(away)
    last = np.zeros(points.shape, np.float32)
    for lag in range(away.shape[1]):
        steps[:, lag] = away[:, lag] - last
        last = np.where(np.isnan(away[:, lag]), last, away[:, lag])
    return steps


def decode_displacements(points: NDArray[Any], steps: NDArray[Any]) -> NDArray[np.float32]:
    """Where the points were on the frames that follow, (n, lags, nodes, 2) px; see `encode_displacements`."""
    away = np.nancumsum(steps, axis=1, dtype=np.float32)
    return np.asarray(np.where(np.isnan(steps), np.nan, points[:, None] + away), np.float32)
