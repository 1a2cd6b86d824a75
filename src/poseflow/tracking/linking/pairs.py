"""What linking an instance with a candidate would gain: how alike they are, or how near."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseflow.config import TrackingConfig
from poseflow.core.similarity import find_boxes, find_centroids, score_iou, score_node_distance, score_oks

FAR_PX = 1e6
"""A distance beyond any image: centroids nearer than this have a positive gain."""

TIE_BREAK = 1e-12
"""Weight of a px of nearness beside a similarity, so that of pairs equally unlike the nearer one is linked."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Instances beside the candidates they are compared with; p pairs."""

    here: Floats
    """(p, ...) what is compared of the instance"""
    there: Floats
    """(p, ...) and of the candidate"""
    area: NDArray[np.float64]
    """(p,) px², of the larger one's box: the other may be partly hidden"""
    distance: NDArray[np.float64]
    """(p,) px between the centroids"""


def score_pairs(pairs: Pairs, config: TrackingConfig) -> NDArray[np.float64]:
    """Gain (p,) of linking each pair, above 0; NaN where the settings do not allow it."""
    gain = SIMILARITIES[config.similarity].gain(pairs, config)
    if config.max_distance_px is not None:
        gain[pairs.distance > config.max_distance_px] = np.nan
    return gain


def far_px(config: TrackingConfig) -> float:
    """The distance at which nearness gains nothing."""
    return config.max_distance_px or FAR_PX


def _gain_of_nearness(pairs: Pairs, config: TrackingConfig) -> NDArray[np.float64]:
    return far_px(config) - pairs.distance


def _gain_of_oks(pairs: Pairs, config: TrackingConfig) -> NDArray[np.float64]:
    here, there, area = pairs.here[:, None], pairs.there[:, None], pairs.area[:, None]
    return _with_tie_break(score_oks(here, there, config.oks_factor, area=area)[:, 0, 0], pairs, config)


def _gain_of_iou(pairs: Pairs, config: TrackingConfig) -> NDArray[np.float64]:
    # A box as a pose of two nodes is its own box.
    corners = (len(pairs.here), 1, 2, 2)
    return _with_tie_break(score_iou(pairs.here.reshape(corners), pairs.there.reshape(corners))[:, 0, 0], pairs, config)


def _gain_of_normalized_distance(pairs: Pairs, config: TrackingConfig) -> NDArray[np.float64]:
    """exp(-d), d the mean distance of the nodes that both have, in sizes of the animal; 0 without such a node."""
    distance = score_node_distance(pairs.here[:, None], pairs.there[:, None])[:, 0, 0]
    return _with_tie_break(np.nan_to_num(np.exp(-distance / np.sqrt(pairs.area))), pairs, config)


def _with_tie_break(similarity: NDArray[np.floating[Any]], pairs: Pairs, config: TrackingConfig) -> NDArray[np.float64]:
    allowed = np.where(similarity >= config.min_similarity, similarity, np.nan)
    return allowed.astype(np.float64) + TIE_BREAK * (FAR_PX - pairs.distance)


@dataclass(frozen=True)
class Similarity:
    """What is taken of points (..., nodes, 2) to compare, and what linking each pair then gains (p,)."""

    feature: Callable[[Floats], Floats]
    gain: Callable[[Pairs, TrackingConfig], NDArray[np.float64]]
    in_px: bool = False
    """Whether the gain is a distance; else it is a similarity, 0 to 1."""


SIMILARITIES = {
    "centroid": Similarity(find_centroids, _gain_of_nearness, in_px=True),
    "oks": Similarity(np.copy, _gain_of_oks),
    "iou": Similarity(find_boxes, _gain_of_iou),
    "normalized": Similarity(np.copy, _gain_of_normalized_distance),
}
