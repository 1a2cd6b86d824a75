"""Which instances are tracked at all."""

import numpy as np
from numpy.typing import NDArray

from poseflow.config import TrackingConfig
from poseflow.tables import Instances, Predictions


def select_instances(
    predictions: Predictions,
    config: TrackingConfig,
    kept: NDArray[np.int64] | None = None,
    removed: NDArray[np.int64] | None = None,
) -> NDArray[np.intp]:
    """Rows of `predictions` that may be animals, and of each frame the best `config.animals`.

    Whole frames must be given; rows are sorted by score within a frame, as in every predictions table.

    Args:
        kept: rows of the whole table that are animals, by a person's word. removed: those that are none.
    """
    may_be = may_be_animals(predictions, config)
    is_kept = _are_among(kept, predictions)
    may_be = (may_be | is_kept) & ~_are_among(removed, predictions)
    rows = np.flatnonzero(may_be)
    if config.animals is None:
        return rows
    frames = predictions.frame_idx[rows]
    order = np.lexsort((~is_kept[rows], frames))  # sorts stably: by score still
    rank = np.arange(len(rows)) - np.searchsorted(frames, frames)
    return np.sort(rows[order][rank < config.animals])


def _are_among(rows: NDArray[np.int64] | None, predictions: Predictions) -> NDArray[np.bool_]:
    """Which of a block's instances are among some rows of the whole table, in ascending order."""
    found = np.zeros(len(predictions), np.bool_)
    if rows is not None and len(rows):
        begin, stop = np.searchsorted(rows, [predictions.first_row, predictions.first_row + len(predictions)])
        found[rows[begin:stop] - predictions.first_row] = True
    return found


def may_be_animals(instances: Instances, config: TrackingConfig) -> NDArray[np.bool_]:
    """Which instances have enough points, and score enough, to be taken for animals.

    Args:
        instances: n of them.
        config: `min_points`, `min_instance_score`, and `min_partial_score`, which is compared with the mean over the
            points that are there.

    Returns: (n,).
    """
    present = ~np.isnan(instances.points).any(axis=-1)
    count = present.sum(axis=-1)
    mean = np.where(present, instances.point_scores, 0).sum(axis=-1) / np.maximum(count, 1)
    partial = max(config.min_partial_score, config.min_instance_score)
    # "not below", so that a missing score does not pass
    is_sure = (instances.score >= config.min_instance_score) | (mean >= partial)
    may_be: NDArray[np.bool_] = (count >= config.min_points) & is_sure
    return may_be
