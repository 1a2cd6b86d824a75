"""Which instances are tracked at all."""

import numpy as np
from numpy.typing import NDArray

from poseflow.config import TrackingConfig
from poseflow.tables import Predictions


def select_instances(predictions: Predictions, config: TrackingConfig) -> NDArray[np.intp]:
    """Rows of `predictions` that have enough points and score, and of each frame the best `config.animals`.

    Whole frames must be given; rows are sorted by score within a frame, as in every predictions table.
    """
    points = (~np.isnan(predictions.points).any(axis=-1)).sum(axis=-1)
    # "not below", so that a missing score does not pass
    good = (points >= config.min_points) & (predictions.instance_score >= config.min_instance_score)
    rows = np.flatnonzero(good)
    if config.animals is None:
        return rows
    frames = predictions.frame_idx[rows]
    rank = np.arange(len(rows)) - np.searchsorted(frames, frames)
    return rows[rank < config.animals]
