"""Peaks to animals, on the host, for all frames of a batch at once."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from poseflow.core.matching import match_pairs
from poseflow.core.skeleton import Skeleton

Floats = NDArray[np.float32]


class Assembled(NamedTuple):
    """Animals put together from peaks, frame by frame in ascending order.

    frame: (n,) number of the frame in the batch. points: (n, nodes, 2), (x, y), NaN where missing. point_scores:
    (n, nodes), 0 where missing. class_scores: (n, classes), of no classes where there are none.
    """

    frame: NDArray[np.int64]
    points: Floats
    point_scores: Floats
    class_scores: Floats


def link_peaks(
    peaks: Floats,
    peak_scores: Floats,
    edge_scores: Floats,
    skeleton: Skeleton,
    min_edge_score: float,
    weigh_peaks: bool = True,
) -> Assembled:
    """Grow animals edge by edge along the skeleton's tree.

    Of each edge, the matching of source with destination peaks with the greatest total score counts, but for pairs
    below `min_edge_score`. Edges are followed from the root (`Skeleton.growth_order`): a peak joins the animal of
    the peak that it is matched with, and where that has none yet, the two begin one. A peak without a partner is no
    animal; where a node in the tree's middle is missed, the two halves are two animals. Of a skeleton that is no tree,
    an edge that closes a ring is not used, and a node without an edge stays missing.

    Args:
        peaks: (frames, nodes, k, 2), NaN where there are fewer than k. peak_scores: (frames, nodes, k).
        edge_scores: (frames, edges, k, k) of `score_edge_candidates`.
        min_edge_score: above 0.
        weigh_peaks: a pair's score counts times its peaks' scores: a false peak beside a true one has a short edge, and
            the field along it is as strong as along the true one. False: the edge's score alone, as in the paper; as
            many pairs as can be are matched, and those below `min_edge_score` are left out afterwards, as in SLEAP.

    Source: Pereira et al. 2022, Methods, "Bottom-up multi-animal pose estimation".
    """
    if weigh_peaks:
        sources, targets = ([edge[end] for edge in skeleton.edges] for end in (0, 1))
        gains = np.where(edge_scores >= min_edge_score, edge_scores, 0)
        matched = match_pairs(gains * peak_scores[:, sources, :, None] * peak_scores[:, targets, None, :])
    else:
        matched = _match_all(edge_scores, min_edge_score)
    owner, count = _grow(matched, skeleton, peaks.shape)
    nodes = len(skeleton.nodes)
    first = np.cumsum(count) - count
    total = int(count.sum())
    points = np.full((total, nodes, 2), np.nan, np.float32)
    scores = np.zeros((total, nodes), np.float32)
    frame, node, place = np.nonzero(owner >= 0)
    row = first[frame] + owner[frame, node, place]
    points[row, node], scores[row, node] = peaks[frame, node, place], peak_scores[frame, node, place]
    return Assembled(np.repeat(np.arange(len(count)), count), points, scores, np.empty((total, 0), np.float32))


def _match_all(edge_scores: Floats, min_edge_score: float) -> NDArray[np.int64]:
    """The destination peak of each source peak, (frames, edges, k), -1 for none, of the most pairs that can be."""
    missing = np.isnan(edge_scores)
    scores = np.where(missing, 0, edge_scores).astype(np.float64)
    # One pair more is worth more than all that others can gain by it.
    spread = (scores.max(initial=0) - scores.min(initial=0)) * scores.shape[-1] + 1
    matched = match_pairs(np.where(missing, 0, scores - scores.min(initial=0) + spread))
    given = np.take_along_axis(scores, np.maximum(matched, 0)[..., None], axis=-1)[..., 0]
    return np.where((matched >= 0) & (given >= min_edge_score), matched, -1)


def _grow(
    matched: NDArray[np.int64], skeleton: Skeleton, shape: tuple[int, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number the animals of each frame.

    Args:
        matched: (frames, edges, k), the destination peak of each source peak, -1 for none.
        shape: of the peaks.

    Returns: each peak's animal (frames, nodes, k), -1 for none; and how many animals each frame has (frames,).
    """
    owner = np.full(shape[:3], -1)
    count = np.zeros(shape[0], np.int64)
    for edge, known, new in skeleton.growth_order():
        frame, source = np.nonzero(matched[:, edge] >= 0)
        target = matched[frame, edge, source]
        old_peak, new_peak = (source, target) if known == skeleton.edges[edge][0] else (target, source)
        alone = owner[frame, known, old_peak] < 0
        started = frame[alone]
        # `started` ascends, so this counts up from 0 in each frame.
        rank = np.arange(len(started)) - np.searchsorted(started, started)
        owner[started, known, old_peak[alone]] = count[started] + rank
        count += np.bincount(started, minlength=len(count))
        owner[frame, new, new_peak] = owner[frame, known, old_peak]
    return owner, count


def group_peaks_by_class(
    peaks: Floats, peak_scores: Floats, class_scores: Floats, min_class_score: float, weigh_peaks: bool = True
) -> Assembled:
    """Give peaks to classes: of each node at most one to a class, with the greatest total score.

    A peak that would get another class than its most likely one is left out: it is rather a second find of an animal
    that has a better one. An animal's class scores are the mean over its peaks.

    Args:
        peaks: (frames, nodes, k, 2), NaN where there are fewer than k. peak_scores: (frames, nodes, k).
        class_scores: (frames, nodes, k, classes) of `score_classes`.
        min_class_score: a class less likely than this is not given.
        weigh_peaks: a class score counts times the peak's score: a false peak beside an animal is just as surely that
            animal's as the true one. False: the class score alone, as in the paper.

    Source: Pereira et al. 2022, Methods, "Appearance-based ID models"; the most likely class as in SLEAP 1.x,
        `sleap/nn/identity.py`, `group_class_peaks`.
    """
    _, nodes, _, classes = class_scores.shape
    missing = np.isnan(class_scores)
    scores = np.where(missing, 0, class_scores)
    gains = np.where(scores >= min_class_score, scores, 0)
    matched = match_pairs(gains * peak_scores[..., None] if weigh_peaks else gains)
    given = np.take_along_axis(scores, np.maximum(matched, 0)[..., None], axis=3)[..., 0]
    frame, node, place = np.nonzero((matched >= 0) & (given == scores.max(axis=3, initial=0)))
    animal = frame * classes + matched[frame, node, place]
    present = np.unique(animal)
    row = np.searchsorted(present, animal)
    points = np.full((len(present), nodes, 2), np.nan, np.float32)
    point_scores = np.zeros((len(present), nodes), np.float32)
    points[row, node], point_scores[row, node] = peaks[frame, node, place], peak_scores[frame, node, place]
    sums = np.zeros((len(present), classes), np.float32)
    np.add.at(sums, row, scores[frame, node, place])
    sums /= np.bincount(row, minlength=len(present))[:, None]
    return Assembled(present // max(classes, 1), points, point_scores, sums)
