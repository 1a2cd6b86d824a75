"""Points in the plane."""

import numpy as np
from numpy.typing import NDArray

Axes = NDArray[np.float64]
COMPLEX = np.array([1, 1j])
"""Takes (x, y) to x + iy: a turn is then a product."""
SHORTEST_PX = 1e-3
"""Between two points that tell a direction."""
UP = (0.0, -1.0)


def find_anchors(points: NDArray[np.floating], anchor: int | None) -> NDArray[np.float32]:
    """Find the point that marks each animal's place.

    Args:
        points: (instances, nodes, 2), (x, y) in px, NaN where not visible.
        anchor: index of the anchor node; where it is None or hidden, the center of the visible points' bounding box.

    Returns: (instances, 2) float32; NaN for an animal without a visible point.
    Source: Pereira et al. 2022, Methods, "Top-down multi-animal pose estimation".
    """
    points = np.asarray(points, np.float32)
    # The least and the greatest of the visible coordinates; fmin and fmax pass NaN over.
    centers: NDArray[np.float32] = (np.fmin.reduce(points, axis=1) + np.fmax.reduce(points, axis=1)) / 2
    if anchor is None:
        return centers
    return np.where(np.isfinite(points[:, anchor]), points[:, anchor], centers)


def scale_points(points: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    """Coordinates of the same places after an image is resized by `scale`.

    Pixel centers have whole coordinates, so the image's corner is at (-0.5, -0.5): x -> (x + 0.5) * scale - 0.5.
    """
    return ((points + 0.5) * scale - 0.5).astype(np.float32)


def find_headings(points: NDArray[np.floating], anchor: int | None, node: int) -> NDArray[np.float32]:
    """Find which way animals head: from the anchor to a node ahead of it.

    Of an animal that lacks one of the two, its other nodes tell, by the pose that animals have on average: the rotation
    of it that fits them best.

    Args:
        points: (instances, nodes, 2), (x, y) in px, NaN where not visible.
        anchor: index of the anchor node; where it is None, the center of the visible points' bounding box.
        node: index of the node that they head to.

    Returns: (instances, 2) float32, unit vectors (x, y); NaN where nothing tells.
    """
    places = np.asarray(points, np.float64) @ COMPLEX
    anchors = find_anchors(points, None) @ COMPLEX if anchor is None else places[:, anchor]
    ways = _unit(places[:, node] - anchors)
    upright = (places - anchors[:, None]) * ways.conj()[:, None]
    seen = np.isfinite(upright)
    usual = np.where(seen, upright, 0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    usual[~seen.any(axis=0)] = np.nan
    known = np.isfinite(places) & np.isfinite(usual)
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    own, model = (
        np.where(known, pose - np.where(known, pose, 0).sum(axis=1, keepdims=True) / count, 0)
        for pose in (places, usual)
    )
    ways = np.where(np.isfinite(ways), ways, _unit((own * model.conj()).sum(axis=1)))
    return np.stack([ways.real, ways.imag], axis=-1).astype(np.float32)


def _unit(vectors: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Of length 1; NaN where they have no direction."""
    unit, length = np.full(vectors.shape, complex(np.nan, np.nan)), np.abs(vectors)
    known = length > SHORTEST_PX
    unit[known] = vectors[known] / length[known]
    return unit


def find_axes(headings: NDArray[np.floating]) -> Axes:
    """The turns (..., 2, 2) of (x, y) by which headings (..., 2), unit vectors, are up; none where it is not known."""
    known = np.isfinite(headings).all(axis=-1, keepdims=True)
    x, y = np.moveaxis(np.where(known, np.asarray(headings, np.float64), UP), -1, 0)
    return np.stack([np.stack([-y, x], axis=-1), np.stack([-x, -y], axis=-1)], axis=-2)
