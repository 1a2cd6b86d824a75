"""Which frames' predictions look wrong."""

import numpy as np
from numpy.typing import NDArray

from poseflow.tables import Predictions

BLOCK_FRAMES = 4096


def score_confidence(predictions: Predictions) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """How sure the networks were of each frame: the mean score of its instances, a missing one counting 0.

    As many animals are expected as most frames have; a frame with more instances is divided by their number. Frames
    without any instance are left out, since most of them show none.

    Returns: Frame indices (n,), ascending, and their scores (n,).
    """
    frames, counts = np.unique(predictions.frame_idx, return_counts=True)
    if not len(frames):
        return frames, np.empty(0)
    sums = np.add.reduceat(predictions.score.astype(np.float64), np.cumsum(counts) - counts)
    return frames, sums / np.maximum(counts, np.bincount(counts).argmax())


def score_jumps(predictions: Predictions) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """How far a point leaps away from where it was in the frame before and is in the frame after, in px.

    Each instance is compared with the nearest of either neighbor frame, node by node; the smaller of both distances
    counts, so that steady motion, or an animal's turn, is no leap. A frame's score is that of its worst point; it is 0
    where a neighbor frame has no instance.

    Returns: Frame indices (n,), ascending, and their scores (n,).
    """
    frames, counts = np.unique(predictions.frame_idx, return_counts=True)
    leaps = np.zeros(len(frames))
    starts = np.cumsum(counts) - counts
    for block in range(0, len(frames), BLOCK_FRAMES):
        # One frame more at either end, as neighbors.
        first, last = max(block - 1, 0), min(block + BLOCK_FRAMES + 1, len(frames))
        rows = slice(starts[first], starts[last - 1] + counts[last - 1])
        padded = _pad(predictions.points[rows], counts[first:last])
        consecutive = np.diff(frames[first:last]) == 1
        before, after = _displacements(padded[1:], padded[:-1]), _displacements(padded[:-1], padded[1:])
        before[~consecutive], after[~consecutive] = np.nan, np.nan
        smaller = np.minimum(before[:-1], after[1:])
        worst = np.where(np.isnan(smaller), 0, smaller).max(axis=(1, 2), initial=0)
        leaps[first + 1 : last - 1] = np.maximum(leaps[first + 1 : last - 1], worst)
    return frames, leaps


def _pad(points: NDArray[np.float32], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Rows of frames with `counts` instances each as (frames, most instances, nodes, 2), NaN where there are fewer."""
    padded = np.full((len(counts), counts.max(), *points.shape[1:]), np.nan)
    frame = np.repeat(np.arange(len(counts)), counts)
    position = np.arange(len(points)) - np.repeat(np.cumsum(counts) - counts, counts)
    padded[frame, position] = points
    return padded


def _displacements(poses: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of each node from the same node of the nearest instance of the other frame, (frames, instances, nodes).

    The nearest has the least median distance of nodes, which one leaping node does not sway.
    """
    distances = np.linalg.norm(poses[:, :, None] - others[:, None], axis=-1)
    comparable = np.isfinite(distances).any(axis=-1)
    median = np.full(comparable.shape, np.inf)
    median[comparable] = np.nanmedian(distances[comparable], axis=-1)
    nearest = median.argmin(axis=2)[:, :, None, None]
    nearest_displacement = np.take_along_axis(distances, nearest, axis=2)[:, :, 0]
    return np.where(np.isfinite(median.min(axis=2))[:, :, None], nearest_displacement, np.nan)
