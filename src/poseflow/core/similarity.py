"""How alike poses are: object keypoint similarity, overlap of boxes, distance of centroids.

Every function takes leading dimensions as they come, so that many frames are scored in one call: `truth` is (..., n,
nodes, 2) and `found` (..., m, nodes, 2), both x and y in px with NaN where missing; the score is (..., n, m).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating[Any]]

EYE_FACTOR = 0.025
"""Uncertainty of the easiest human keypoint, the eye, by COCO; the paper takes it for every node."""

THIN = 0.1
"""A box whose short side is a smaller part of the long one says more about how an animal lies than how large it is."""

LEAST_LENGTH_PX = 10.0
"""Of an animal whose points are all in one place, or of which only one is known."""


def find_boxes(points: ArrayLike) -> Floats:
    """Bounding boxes (..., 4) as x_min, y_min, x_max, y_max of points (..., nodes, 2); NaN without a point."""
    points = _as_floats(points)
    missing = np.isnan(points)
    low = np.where(missing, np.inf, points).min(axis=-2)
    high = np.where(missing, -np.inf, points).max(axis=-2)
    boxes = np.concatenate([low, high], axis=-1)
    return np.where(np.isfinite(boxes), boxes, np.nan).astype(points.dtype)


def find_box_areas(points: ArrayLike) -> Floats:
    """Areas (...) in px² of the bounding boxes of points (..., nodes, 2)."""
    boxes = find_boxes(points)
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def find_oks_areas(points: ArrayLike) -> Floats:
    """Areas (...) in px² by which OKS measures: those of the boxes, but not next to nothing for animals in a line.

    A pose along an axis of the image has a box without area; the thinner its box, the more the square of its length
    counts in place of it: from no part at a share of THIN to the whole of it for a line. NaN without a point.
    """
    boxes = find_boxes(points)
    sides = boxes[..., 2:] - boxes[..., :2]
    long, short = sides.max(axis=-1), sides.min(axis=-1)
    thin = short / np.where(long > 0, long, 1)
    areas: Floats = np.maximum(long * short, np.maximum(long, LEAST_LENGTH_PX) ** 2 * (1 - thin / THIN))
    return areas


def find_centroids(points: ArrayLike) -> Floats:
    """Centroids (..., 2): the mean of the points that are there; NaN without one."""
    points = _as_floats(points)
    missing = np.isnan(points)
    present = np.where(missing, 0, points)
    total, count = np.zeros_like(present[..., 0, :]), np.zeros(present[..., 0, :].shape, np.int16)
    # Node by node: NumPy's own sum along the last axis but one takes four times as long.
    for node in range(points.shape[-2]):
        total += present[..., node, :]
        count += ~missing[..., node, :]
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(points.dtype)


def score_oks(
    truth: ArrayLike,
    found: ArrayLike,
    factor: float | Sequence[float] = EYE_FACTOR,
    *,
    area: ArrayLike | None = None,
    coco: bool = False,
) -> Floats:
    """Object keypoint similarity of every pair: 1 for the same pose, towards 0 as nodes drift apart.

    exp(-d² / (2 area factor²)) of each node of the true pose, averaged over the nodes that are visible in it; d is the
    distance in px. A visible node that was not found counts 0; a found node that is not visible in the true pose does
    not count.

    Args:
        truth: (..., n, nodes, 2).
        found: (..., m, nodes, 2).
        factor: the nodes' uncertainty, for all or for each.
        area: in px², for all or (..., n), where it is not that of the true pose's bounding box (`find_oks_areas`).
        coco: double the factor, as COCO's evaluation and SLEAP's code do; the paper's equation, taken by its letter,
            does not and is stricter.

    Returns: (..., n, m); NaN where the true pose has no node.
    Source: Pereira et al. 2022, Methods, "Accuracy metrics"; doubled: Ronchi & Perona, ICCV 2017, eq. 1, and SLEAP 1.x,
        `sleap/nn/evals.py`, `compute_oks` (the same machine epsilon added to the area, and the same area but for poses
        in a line, which SLEAP gives none, so that nothing is ever like them).
    """
    truth, found = np.asarray(truth, np.float64), np.asarray(found, np.float64)
    alpha = np.asarray(find_oks_areas(truth) if area is None else area, np.float64)
    spread = np.asarray(factor, np.float64) * (2 if coco else 1)
    scale = 2 * (alpha[..., None] + np.spacing(1.0)) * spread**2
    squared = _squared_distances(truth, found)
    nodes = np.exp(-squared / np.broadcast_to(scale, (*truth.shape[:-1],))[..., :, None, :])
    visible = ~np.isnan(truth).any(axis=-1)
    counted = np.where(np.isnan(nodes) | ~visible[..., :, None, :], 0, nodes).sum(axis=-1)
    count = visible.sum(axis=-1)[..., None]
    return np.where(count > 0, counted / np.maximum(count, 1), np.nan)


def score_iou(truth: ArrayLike, found: ArrayLike) -> Floats:
    """Overlap of every pair's bounding boxes: area of the intersection over that of the union.

    Returns: (..., n, m) from 0 to 1; 0 where both boxes have no area, NaN where a pose has no node.
    """
    a, b = find_boxes(truth)[..., :, None, :], find_boxes(found)[..., None, :, :]
    low, high = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:])
    overlap = np.prod(np.maximum(high - low, 0), axis=-1)
    union = np.prod(a[..., 2:] - a[..., :2], axis=-1) + np.prod(b[..., 2:] - b[..., :2], axis=-1) - overlap
    return np.where(union == 0, 0, overlap / np.where(union == 0, 1, union))


def score_centroid_distance(truth: ArrayLike, found: ArrayLike) -> Floats:
    """Distance in px of every pair's centroids (..., n, m): smaller is more alike; NaN where a pose has no node."""
    a, b = find_centroids(truth)[..., :, None, :], find_centroids(found)[..., None, :, :]
    return np.hypot(a[..., 0] - b[..., 0], a[..., 1] - b[..., 1])


def score_node_distance(truth: ArrayLike, found: ArrayLike) -> NDArray[np.float64]:
    """Mean distance in px (..., n, m) of the nodes that both have; NaN where they share none."""
    distance = np.sqrt(_squared_distances(np.asarray(truth, np.float64), np.asarray(found, np.float64)))
    there = ~np.isnan(distance)
    total, count = np.where(there, distance, 0).sum(axis=-1), there.sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _as_floats(points: ArrayLike) -> Floats:
    array = np.asarray(points)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _squared_distances(truth: Floats, found: Floats) -> Floats:
    """(..., n, m, nodes) px²; NaN where a node is missing in either."""
    difference = truth[..., :, None, :, :] - found[..., None, :, :, :]
    return difference[..., 0] ** 2 + difference[..., 1] ** 2
