"""Name the instances of each frame by their appearance."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseflow.config import TrackingConfig
from poseflow.core.errors import ConfigError
from poseflow.core.matching import match_pairs
from poseflow.tables import Predictions


def name_instances(
    predictions: Predictions, rows: NDArray[Any], config: TrackingConfig
) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """Name instances by the matching with the greatest total probability in each frame, a name at most once.

    An animal that resembles nobody, or one whom another resembles more, stays unnamed.

    Args:
        predictions: whole frames.
        rows: (n,) instances that are tracked, ascending; the others take no names.
        config: a name whose probability is below `min_identity_score` is not given.

    Returns: the place of each instance's name in `class_names`, -1 for none, and its probability, NaN for none.

    Raises: ConfigError where the predictions have no class probabilities.
    Source: Pereira et al. 2022, Methods, "Appearance-based ID models".
    """
    _check_names(predictions, rows, config)
    scores = predictions.class_scores[rows]
    codes = choose_names(predictions.frame_idx[rows], scores, config.min_identity_score)
    named = codes >= 0
    given = np.full(len(rows), np.nan, np.float32)
    given[named] = scores[named, codes[named]]
    return codes.astype(np.int16), given


def choose_names(
    frame: NDArray[np.integer[Any]], class_scores: NDArray[np.floating[Any]], min_score: float
) -> NDArray[np.int64]:
    """Choose the name of each instance: of each frame the matching with the greatest total probability.

    Args:
        frame: (n,) each instance's frame, ascending.
        class_scores: (n, names) probabilities; a name whose probability is below `min_score` is not given.

    Returns: (n,) the place of the name, -1 for none; a name occurs at most once in a frame.
    """
    _, first, place = np.unique(frame, return_index=True, return_inverse=True)
    rank = np.arange(len(frame)) - first[place]
    gains = np.zeros((len(first), int(rank.max(initial=-1)) + 1, class_scores.shape[1]), np.float32)
    gains[place, rank] = np.where(class_scores >= min_score, class_scores, 0)
    names: NDArray[np.int64] = match_pairs(gains)[place, rank]
    return names


def leave_unnamed(
    predictions: Predictions, rows: NDArray[Any], config: TrackingConfig
) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """As `name_instances`, naming nobody."""
    return np.full(len(rows), -1, np.int16), np.full(len(rows), np.nan, np.float32)


def name_later(
    predictions: Predictions, rows: NDArray[Any], config: TrackingConfig
) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """As `leave_unnamed`, where whole tracklets are named in the end. Raises: as `name_instances`."""
    _check_names(predictions, rows, config)
    return leave_unnamed(predictions, rows, config)


def _check_names(predictions: Predictions, rows: NDArray[Any], config: TrackingConfig) -> None:
    if len(rows) and not predictions.class_names:
        raise ConfigError(
            "tracking.identity must be none for predictions of models that tell no animals apart, got "
            + config.identity
        )


NAMINGS = {"none": leave_unnamed, "per_frame": name_instances, "per_tracklet": name_later}
