"""Animals found in frames: the one form in which decoding, tables and tracking pass them on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poseflow.core.errors import TableError

COLUMNS = ("frame_idx", "score", "points", "point_scores", "class_scores", "shifted", "hidden")
"""Fields of `Instances`."""


@dataclass(frozen=True, eq=False)
class Instances:
    """Animals found in frames; row i of every array is instance i.

    As the predictions table has them, with `score` as its column `instance_score`. Missing points are NaN, with score 0
    or NaN.
    """

    frame_idx: NDArray[np.int64]
    """(n,) number of the frame in its video, or of the image in its batch."""
    score: NDArray[np.float32]
    """(n,)"""
    points: NDArray[np.float32]
    """(n, nodes, 2), (x, y) in full-resolution px."""
    point_scores: NDArray[np.float32]
    """(n, nodes)"""
    class_scores: NDArray[np.float32]
    """(n, classes), probabilities of ID models; classes may be 0."""
    shifted: NDArray[np.float32]
    """(n, lags, nodes, 2): `[:, k - 1]` is the points moved by optical flow onto the frame k later; lags may be 0."""
    hidden: NDArray[np.float32]
    """(n, nodes), probability that a node is hidden where it was found, NaN for a missing one; (n, 0): not told."""

    def __len__(self) -> int:
        return len(self.frame_idx)

    @property
    def lags(self) -> int:
        """How many frames ahead `shifted` reaches."""
        return int(self.shifted.shape[1])

    @property
    def tells_hidden(self) -> bool:
        """Whether there is `hidden`."""
        return bool(self.hidden.shape[1])

    @staticmethod
    def from_arrays(
        frame_idx: ArrayLike,
        score: ArrayLike,
        points: ArrayLike,
        point_scores: ArrayLike,
        class_scores: ArrayLike | None = None,
        shifted: ArrayLike | None = None,
        hidden: ArrayLike | None = None,
    ) -> "Instances":
        """Build from arrays or lists of any number type; without what is left out of classes, flow and `hidden`."""
        frames, poses = np.asarray(frame_idx, np.int64), np.asarray(points, np.float32)
        n, nodes, _ = poses.shape
        return Instances(
            frame_idx=frames,
            score=np.asarray(score, np.float32),
            points=poses,
            point_scores=np.asarray(point_scores, np.float32),
            class_scores=np.asarray(np.empty((n, 0)) if class_scores is None else class_scores, np.float32),
            shifted=np.asarray(np.empty((n, 0, nodes, 2)) if shifted is None else shifted, np.float32),
            hidden=np.asarray(np.empty((n, 0)) if hidden is None else hidden, np.float32),
        )

    @staticmethod
    def empty(nodes: int, classes: int = 0, lags: int = 0, tells_hidden: bool = False) -> "Instances":
        """No instance of a skeleton of so many nodes."""
        shifted, hidden = np.empty((0, lags, nodes, 2)), np.empty((0, nodes if tells_hidden else 0))
        return Instances.from_arrays(
            [], [], np.empty((0, nodes, 2)), np.empty((0, nodes)), np.empty((0, classes)), shifted, hidden
        )

    @staticmethod
    def concatenate(parts: "Sequence[Instances]") -> "Instances":
        """All of some parts, at least one, in their order."""
        return Instances(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS})

    def take(self, rows: NDArray[Any] | slice) -> "Instances":
        """Those of a mask (n,), of a slice or at positions."""
        return Instances(**{name: getattr(self, name)[rows] for name in COLUMNS})


def check_shapes(instances: Instances, nodes: int, classes: int, lags: int, tells_hidden: bool = False) -> None:
    """Raise TableError where a column has not a row for each instance, or another number of nodes, classes or lags."""
    n = len(instances)
    shapes = {
        "score": (n,),
        "points": (n, nodes, 2),
        "point_scores": (n, nodes),
        "class_scores": (n, classes),
        "shifted": (n, lags, nodes, 2),
        "hidden": (n, nodes if tells_hidden else 0),
    }
    for name, shape in shapes.items():
        if getattr(instances, name).shape != shape:
            raise TableError(f"{name} must have shape {shape}, got {getattr(instances, name).shape}")
