"""What linking an instance with a candidate would gain: how alike they are, or how near."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseflow.config import SIMILARITIES, TrackingConfig

FAR_PX = 1e6
"""A distance beyond any image: centroids nearer than this have a positive gain."""

TIE_BREAK = 1e-12
"""Weight of a px of nearness beside a similarity, so that of pairs equally unlike the nearer one is linked."""

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Instances beside the candidates they are compared with; p pairs.

    Points are gathered only when a similarity asks for them.
    """

    all_points: Floats
    """(n, nodes, 2) of all instances"""
    instance: NDArray[np.intp]
    """(p,) which of these is compared"""
    all_candidate_points: Floats
    """(m, nodes, 2) of all candidates"""
    candidate: NDArray[np.intp]
    """(p,) and with which of those"""
    area: NDArray[np.float64]
    """(p,) px², of the larger one's box: the other may be partly hidden"""
    distance: NDArray[np.float64]
    """(p,) px between the centroids"""
    shift: Floats | None = None
    """(p, 2) px by which the candidates' points are moved"""

    @property
    def points(self) -> Floats:
        """(p, nodes, 2), (x, y) in px of each instance, NaN where missing."""
        return self.all_points[self.instance]

    @property
    def candidate_points(self) -> Floats:
        """(p, nodes, 2) of each candidate, likewise."""
        points = self.all_candidate_points[self.candidate]
        return points if self.shift is None else points + self.shift[:, None]


@dataclass(frozen=True)
class Similarity:
    """How alike instances and candidates are; a file of `tracking/similarities/` holds one."""

    score: Callable[[Pairs, TrackingConfig], Floats]
    """(p,) from 0 for unlike to 1 for the same."""
    is_distance: bool = False
    """Whether the score is a distance in px instead."""

    @classmethod
    def of_distance(cls, score: Callable[[Pairs, TrackingConfig], Floats]) -> "Similarity":
        """The nearer, the more alike."""
        return cls(score, is_distance=True)


def score_pairs(pairs: Pairs, config: TrackingConfig) -> NDArray[np.float64]:
    """Gain (p,) of linking each pair, above 0; NaN where the settings do not allow it."""
    similarity: Similarity = SIMILARITIES[config.similarity]
    score = similarity.score(pairs, config)
    if similarity.is_distance:
        gain: NDArray[np.float64] = far_px(config) - score.astype(np.float64)
    else:
        allowed = np.where(score >= config.min_similarity, score, np.nan)
        gain = allowed.astype(np.float64) + TIE_BREAK * (FAR_PX - pairs.distance)
    if config.max_distance_px is not None:
        gain[pairs.distance > config.max_distance_px] = np.nan
    return gain


def far_px(config: TrackingConfig) -> float:
    """The distance at which nearness gains nothing."""
    return config.max_distance_px or FAR_PX


def is_distance(config: TrackingConfig) -> bool:
    """Whether gains are px of nearness, rather than similarities from 0 to 1."""
    similarity: Similarity = SIMILARITIES[config.similarity]
    return similarity.is_distance
