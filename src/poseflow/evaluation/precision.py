"""Mean average precision and recall of matched poses."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from poseflow.evaluation.matches import FrameMatch

OKS_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALL_THRESHOLDS = np.linspace(0, 1, 101)


def score_precision(
    similarity: NDArray[np.float64], confidence: NDArray[np.float64], truths: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Average precision and recall at each OKS threshold of 0.50, 0.55, …, 0.95.

    A prediction is right where its similarity reaches the threshold. Going through the predictions from the most
    confident one, precision and recall are noted; the best precision at or beyond each of 101 recalls 0, 0.01, …, 1
    (0 for a recall that is never reached) is averaged; recall is that of all predictions.

    Args:
        similarity: (p,) of each prediction with its match, 0 without one.
        confidence: (p,) what predictions are sorted by.
        truths: number of labeled instances.

    Returns: (10,) average precision and (10,) recall; NaN where nothing is labeled.
    Source: Pereira et al. 2022, Methods, "Accuracy metrics" (PoseTrack, Pascal VOC).
    """
    if not truths:
        return np.full(len(OKS_THRESHOLDS), np.nan), np.full(len(OKS_THRESHOLDS), np.nan)
    if not len(similarity):
        return np.zeros(len(OKS_THRESHOLDS)), np.zeros(len(OKS_THRESHOLDS))
    ranked = similarity[np.argsort(-confidence, kind="stable")]
    right = np.cumsum(ranked >= OKS_THRESHOLDS[:, None], axis=1)
    recall = right / truths
    precision = right / np.arange(1, len(ranked) + 1)
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    average = np.empty(len(OKS_THRESHOLDS))
    for threshold in range(len(OKS_THRESHOLDS)):
        reached = np.searchsorted(recall[threshold], RECALL_THRESHOLDS)
        average[threshold] = np.append(best[threshold], 0)[reached].mean()
    return average, recall[:, -1]


def score_precision_paper(matches: Sequence[FrameMatch]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Average precision and recall by the paper: predictions are sorted by their OKS.

    Since those without a match come last, false positives lower no precision here.
    """
    similarity = _similarity_of_pairs(matches)
    return score_precision(similarity, similarity, _truths(matches))


def score_precision_coco(matches: Sequence[FrameMatch]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Average precision and recall as in COCO: sorted by the instance's score; false positives count."""
    similarity = np.concatenate([_similarity_of_pairs(matches), np.zeros(sum(len(m.false_positives) for m in matches))])
    confidence = np.concatenate(
        [_scores_of_pairs(matches), np.array([m.scores[j] for m in matches for j in m.false_positives], np.float64)]
    )
    return score_precision(similarity, confidence, _truths(matches))


def score_precision_sleap(matches: Sequence[FrameMatch]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Average precision and recall as SLEAP 1.x's code has it: as COCO, but false positives are not counted.

    Source: `sleap/nn/evals.py`, `compute_generalized_voc_metrics`.
    """
    return score_precision(_similarity_of_pairs(matches), _scores_of_pairs(matches), _truths(matches))


def _similarity_of_pairs(matches: Sequence[FrameMatch]) -> NDArray[np.float64]:
    return np.array([m.similarity[pair] for m in matches for pair in m.pairs], np.float64)


def _scores_of_pairs(matches: Sequence[FrameMatch]) -> NDArray[np.float64]:
    return np.array([m.scores[j] for m in matches for _, j in m.pairs], np.float64)


def _truths(matches: Sequence[FrameMatch]) -> int:
    return sum(len(m.truth) for m in matches)
