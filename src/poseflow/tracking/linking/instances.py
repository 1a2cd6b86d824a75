"""Instances that are tracked, and what is compared of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseflow.config import TrackingConfig
from poseflow.core.similarity import find_centroids, find_oks_areas
from poseflow.tables import Predictions
from poseflow.tracking.linking.pairs import Floats

ONE_NODE_PX = 50.0
"""How large animals of a skeleton of one node are taken to be, which has no size of its own."""


@dataclass(frozen=True, eq=False)
class Instances:
    """Instances that are tracked, sorted by frame, and what is compared of them."""

    frame: NDArray[np.int64]
    """(n,)"""
    row: NDArray[np.int64]
    """(n,) row of the whole predictions table"""
    score: Floats
    """(n,)"""
    centroid: Floats
    """(n, 2)"""
    moved_centroid: Floats
    """(n, window, 2) where flow moves it to on the frames that follow; (n, 0, 2) without flow"""
    area: Floats
    """(n,) px², by which OKS measures (`find_oks_areas`), at least 1"""
    points: Floats
    """(n, nodes, 2)"""
    moved_points: Floats
    """(n, window, nodes, 2) where flow moves them to; (n, 0, nodes, 2) without flow"""

    def __len__(self) -> int:
        return len(self.frame)

    def take(self, wanted: NDArray[Any]) -> "Instances":
        """Those of a mask or at places (ascending)."""
        return Instances(**{name: values[wanted] for name, values in vars(self).items()})

    def join(self, later: "Instances") -> "Instances":
        """These, then `later`."""
        return Instances(**{name: np.concatenate([values, vars(later)[name]]) for name, values in vars(self).items()})


def describe_instances(predictions: Predictions, rows: NDArray[np.intp], config: TrackingConfig) -> Instances:
    """Take from the predictions what is compared.

    A candidate that flow has lost altogether is taken to have stayed where it was.
    """
    points = predictions.points[rows]
    moved = predictions.shifted[rows, : config.window_frames if config.candidates == "flow" else 0]
    centroid, moved_centroid = find_centroids(points), find_centroids(moved)
    lost = np.isnan(moved_centroid[..., 0])
    stayed = np.nonzero(lost)[0]
    moved[lost], moved_centroid[lost] = points[stayed], centroid[stayed]
    return Instances(
        frame=predictions.frame_idx[rows],
        row=rows + predictions.first_row,
        score=predictions.instance_score[rows],
        centroid=centroid,
        moved_centroid=moved_centroid,
        area=np.maximum(find_oks_areas(points), 1) if points.shape[1] > 1 else np.full(len(rows), ONE_NODE_PX**2),
        points=points,
        moved_points=moved,
    )
