"""One animal found twice."""

import numpy as np
from numpy.typing import NDArray

from poseflow.core.similarity import find_boxes, score_oks

LEAST_AREA_PX2 = 100.0  # an animal of one visible point has a box without area


def find_duplicates(frame: NDArray[np.integer], points: NDArray[np.float32], min_oks: float) -> NDArray[np.bool_]:
    """Find instances whose pose is nearly that of a better one of the same frame.

    Two peaks on one anchor give two crops of the same animal, and the same pose twice.

    Args:
        frame: (n,) each instance's frame, ascending; the instances of a frame come best first.
        points: (n, nodes, 2), (x, y) in px, NaN where missing.
        min_oks: instances at least so alike (COCO's form) are one.

    Returns: (n,) true for an instance to be dropped.
    """
    drop = np.zeros(len(frame), bool)
    _, starts, counts = np.unique(frame, return_index=True, return_counts=True)
    for start, count in zip(starts[counts > 1], counts[counts > 1], strict=True):
        own = points[start : start + count]
        alike = score_oks(own, own, area=_sizes(own), coco=True) >= min_oks
        for later in range(1, count):
            drop[start + later] = (alike[:later, later] & ~drop[start : start + later]).any()
    return drop


def _sizes(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Half the squared diagonal of each box: a square's area, but not next to nothing for an animal along an axis."""
    boxes = find_boxes(points)
    return np.maximum(((boxes[:, 2:] - boxes[:, :2]) ** 2).sum(axis=1) / 2, LEAST_AREA_PX2)
