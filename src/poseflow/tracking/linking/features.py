"""What is compared of instances that are tracked."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from poseflow.config import TrackingConfig
from poseflow.core.similarity import find_centroids, find_oks_areas
from poseflow.tables import Instances, Predictions
from poseflow.tracking.linking.pairs import Floats

ONE_NODE_PX = 50.0
"""How large animals of a skeleton of one node are taken to be, which has no size of its own."""


@dataclass(frozen=True, eq=False)
class Features:
    """Instances that are tracked, sorted by frame, and what else is compared of them."""

    instances: Instances
    """`shifted` reaches over the window, not at all without flow; what flow lost has stayed where it was."""
    row: NDArray[np.int64]
    """(n,) row of the whole predictions table"""
    centroid: Floats
    """(n, 2)"""
    shifted_centroid: Floats
    """(n, window, 2) of the shifted points"""
    area: Floats
    """(n,) px², by which OKS measures (`find_oks_areas`), at least 1"""

    def __len__(self) -> int:
        return len(self.instances)

    def take(self, rows: NDArray[np.bool_]) -> "Features":
        """Those of a mask (n,)."""
        return Features(
            self.instances.take(rows), self.row[rows], self.centroid[rows], self.shifted_centroid[rows], self.area[rows]
        )

    def join(self, later: "Features") -> "Features":
        """These, then `later`."""
        return Features(
            Instances.concatenate([self.instances, later.instances]),
            np.concatenate([self.row, later.row]),
            np.concatenate([self.centroid, later.centroid]),
            np.concatenate([self.shifted_centroid, later.shifted_centroid]),
            np.concatenate([self.area, later.area]),
        )


def describe_candidates(predictions: Predictions, rows: NDArray[np.intp], config: TrackingConfig) -> Features:
    """What is compared of some rows of the predictions."""
    chosen = predictions.take(rows)
    points, shifted = chosen.points, chosen.shifted[:, : config.window_frames if config.candidates == "flow" else 0]
    centroid, shifted_centroid = find_centroids(points), find_centroids(shifted)
    lost = np.isnan(shifted_centroid[..., 0])
    stayed = np.nonzero(lost)[0]
    shifted[lost], shifted_centroid[lost] = points[stayed], centroid[stayed]
    return Features(
        instances=replace(chosen, shifted=shifted),
        row=rows + predictions.first_row,
        centroid=centroid,
        shifted_centroid=shifted_centroid,
        area=np.maximum(find_oks_areas(points), 1) if points.shape[1] > 1 else np.full(len(rows), ONE_NODE_PX**2),
    )
