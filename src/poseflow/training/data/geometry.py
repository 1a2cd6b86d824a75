"""Points in the plane."""

import numpy as np
from numpy.typing import NDArray


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
    centers = (np.fmin.reduce(points, axis=1) + np.fmax.reduce(points, axis=1)) / 2
    if anchor is None:
        return centers
    return np.where(np.isfinite(points[:, anchor]), points[:, anchor], centers)


def scale_points(points: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    """Coordinates of the same places after an image is resized by `scale`.

    Pixel centers have whole coordinates, so the image's corner is at (-0.5, -0.5): x -> (x + 0.5) * scale - 0.5.
    """
    return ((points + 0.5) * scale - 0.5).astype(np.float32)
