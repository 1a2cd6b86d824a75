"""Match predicted with labeled instances, frame by frame."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from poseflow.config import EvaluationConfig
from poseflow.core.similarity import find_oks_areas, score_centroid_distance, score_oks
from poseflow.core.skeleton import Skeleton


class LabeledPoses(Protocol):
    """One frame's labels (`poseflow.labels.FrameLabels`)."""

    @property
    def video(self) -> str:
        """The video's name."""

    @property
    def frame_idx(self) -> int:
        """Number of the frame in it."""

    @property
    def points(self) -> NDArray[np.float32]:
        """(n, nodes, 2) px, NaN where not visible."""

    @property
    def identities(self) -> Sequence[str | None]:
        """(n,) names, None for an animal without one."""


@dataclass(frozen=True, eq=False)
class PredictedPoses:
    """What was predicted in one frame."""

    points: NDArray[np.float32]
    """(n, nodes, 2) px, NaN where missing"""
    scores: NDArray[np.float32]
    """(n,) confidence of each instance"""
    names: tuple[str | None, ...] | None = None
    """(n,) given to the instances, None for one without; None where nobody is named"""


@dataclass(frozen=True, eq=False)
class FrameMatch:
    """The pairs of one frame, and what has none."""

    video: str
    frame_idx: int
    truth: NDArray[np.float64]
    """(n, nodes, 2)"""
    predicted: NDArray[np.float64]
    """(m, nodes, 2)"""
    scores: NDArray[np.float64]
    """(m,)"""
    similarity: NDArray[np.float64]
    """(n, m)"""
    pairs: tuple[tuple[int, int], ...]
    """Positions in `truth` and `predicted` that belong together."""
    true_names: tuple[str | None, ...]
    """(n,)"""
    predicted_names: tuple[str | None, ...]
    """(m,)"""

    @property
    def false_negatives(self) -> list[int]:
        """Positions of labeled instances without a prediction."""
        return sorted(set(range(len(self.truth))) - {i for i, _ in self.pairs})

    @property
    def false_positives(self) -> list[int]:
        """Positions of predicted instances without a label."""
        return sorted(set(range(len(self.predicted))) - {j for _, j in self.pairs})

    @property
    def errors_px(self) -> NDArray[np.float64]:
        """(n, nodes) distance of each labeled node to the predicted one; NaN where either is missing."""
        errors = np.full(self.truth.shape[:2], np.nan)
        for i, j in self.pairs:
            errors[i] = np.hypot(*(self.truth[i] - self.predicted[j]).T)
        return errors


def match_poses(
    truth: Sequence[LabeledPoses],
    predicted: Mapping[tuple[str, int], PredictedPoses],
    skeleton: Skeleton,
    config: EvaluationConfig,
    *,
    coco: bool,
) -> list[FrameMatch]:
    """Match the instances of every labeled frame.

    Predicted instances choose in order of their scores: each takes the most similar labeled one that is left, if they
    are similar at all. Similarity is OKS; a labeled animal of which one node is visible is taken to be as large as the
    others are in the median. For a skeleton of one node, which has no size, it is nearness within `match_px`.

    Args:
        truth: labeled frames; networks ran on all of them, so in one that is not in `predicted` nothing was detected.
        predicted: instances by video and frame.
        coco: OKS in the COCO form, else the paper's (see `score_oks`).

    Source: Pereira et al. 2022, Methods, "Accuracy metrics"; the order as in SLEAP 1.x, `sleap/nn/evals.py`,
        `match_instances`.
    """
    usual_area = _find_usual_area(truth, len(skeleton.nodes))
    return [_match_frame(labels, predicted, skeleton, config, coco, usual_area) for labels in truth]


def _find_usual_area(truth: Sequence[LabeledPoses], nodes: int) -> float:
    """Median area in px² of the labeled animals with two visible nodes or more; NaN without any."""
    poses = np.concatenate([np.empty((0, nodes, 2)), *(np.reshape(labels.points, (-1, nodes, 2)) for labels in truth)])
    areas = find_oks_areas(poses[_count_visible(poses) > 1])
    return float(np.median(areas)) if len(areas) else np.nan


def _count_visible(poses: NDArray[np.float64]) -> NDArray[np.intp]:
    return (~np.isnan(poses).any(axis=-1)).sum(axis=-1)


def _match_frame(
    labels: LabeledPoses,
    predicted: Mapping[tuple[str, int], PredictedPoses],
    skeleton: Skeleton,
    config: EvaluationConfig,
    coco: bool,
    usual_area: float,
) -> FrameMatch:
    nodes = len(skeleton.nodes)
    labeled = np.asarray(labels.points, np.float64).reshape(-1, nodes, 2)
    visible = np.flatnonzero(_count_visible(labeled)).tolist()
    true_points, true_names = labeled[visible], tuple(labels.identities[i] for i in visible)
    names: tuple[str | None, ...] = ()
    points, scores = np.empty((0, nodes, 2)), np.empty(0)
    poses = predicted.get((labels.video, labels.frame_idx))
    if poses is not None:
        points = np.asarray(poses.points, np.float64).reshape(-1, nodes, 2)
        present = np.flatnonzero(_count_visible(points)).tolist()
        names = tuple(poses.names[j] if poses.names is not None else None for j in present)
        points, scores = points[present], np.asarray(poses.scores, np.float64)[present]
    if nodes == 1:
        scored = 1 - score_centroid_distance(true_points, points) / config.match_px
    else:
        areas = find_oks_areas(true_points)
        area = np.where((_count_visible(true_points) > 1) | np.isnan(usual_area), areas, usual_area)
        scored = score_oks(true_points, points, config.oks_factor, area=area, coco=coco)
    similarity = np.asarray(scored, np.float64)
    pairs = match_greedily(similarity, scores)
    video, number = labels.video, labels.frame_idx
    return FrameMatch(video, number, true_points, points, scores, similarity, pairs, true_names, names)


def match_greedily(similarity: NDArray[np.float64], scores: NDArray[np.float64]) -> tuple[tuple[int, int], ...]:
    """Pairs (labeled, predicted): each predicted instance, the highest score first, takes the most similar label left.

    Args:
        similarity: (n, m); 0 or less is no match.
        scores: (m,).
    """
    left = similarity.copy()
    pairs = []
    for j in np.argsort(-scores, kind="stable").tolist():
        i = int(left[:, j].argmax()) if len(left) else -1
        if i >= 0 and left[i, j] > 0:
            pairs.append((i, j))
            left[i] = 0
    return tuple(pairs)
