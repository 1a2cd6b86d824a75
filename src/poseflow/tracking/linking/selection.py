"""Which instances are tracked at all."""

import numpy as np
from numpy.typing import NDArray

from poseflow.config import TrackingConfig
from poseflow.tables import Predictions


def select_instances(predictions: Predictions, config: TrackingConfig) -> NDArray[np.intp]:
    """Rows of `predictions` that may be animals, and of each frame the best `config.animals`.

    Whole frames must be given; rows are sorted by score within a frame, as in every predictions table.
    """
    may_be = may_be_animals(predictions.instance_score, predictions.points, predictions.point_scores, config)
    rows = np.flatnonzero(may_be)
    if config.animals is None:
        return rows
    frames = predictions.frame_idx[rows]
    rank = np.arange(len(rows)) - np.searchsorted(frames, frames)
    return rows[rank < config.animals]


def may_be_animals(
    instance_score: NDArray[np.float32],
    points: NDArray[np.float32],
    point_scores: NDArray[np.float32],
    config: TrackingConfig,
) -> NDArray[np.bool_]:
    """Which instances have enough points, and score enough, to be taken for animals.

    Args:
        instance_score: (n,). points: (n, nodes, 2), NaN where missing. point_scores: (n, nodes).
        config: `min_points`, `min_instance_score`, and `min_partial_score`, which is compared with the mean over the
            points that are there.

    Returns: (n,).
    """
    there = ~np.isnan(points).any(axis=-1)
    count = there.sum(axis=-1)
    mean = np.where(there, point_scores, 0).sum(axis=-1) / np.maximum(count, 1)
    partial = max(config.min_partial_score, config.min_instance_score)
    # "not below", so that a missing score does not pass
    is_sure = (instance_score >= config.min_instance_score) | (mean >= partial)
    may_be: NDArray[np.bool_] = (count >= config.min_points) & is_sure
    return may_be
