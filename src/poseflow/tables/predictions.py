"""Predictions: what the networks found in the frames of one video, and what later steps need of the pixels."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poseflow.core.errors import TableError
from poseflow.core.skeleton import Skeleton
from poseflow.tables.ranges import Ranges, check_ranges, in_ranges


@dataclass(frozen=True, eq=False)
class Predictions:
    """Instances found in the frames of one video; row i of every array is instance i.

    Rows are sorted by `frame_idx`, then `instance_score` descending. Missing points are NaN, with score 0 or NaN.
    """

    skeleton: Skeleton
    frame_idx: NDArray[np.int64]
    """(n,)"""
    instance_score: NDArray[np.float32]
    """(n,)"""
    points: NDArray[np.float32]
    """(n, nodes, 2), x and y in full-resolution px."""
    point_scores: NDArray[np.float32]
    """(n, nodes)"""
    shifted: NDArray[np.float32]
    """(n, lags, nodes, 2): `[:, k - 1]` is the points moved by optical flow onto the frame k later; lags may be 0."""
    class_scores: NDArray[np.float32]
    """(n, classes), probabilities of ID models; classes may be 0."""
    class_names: tuple[str, ...] = ()
    frames: Ranges = ()
    """Frames that were read, as [start, stop) in ascending order."""
    failed_frames: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    """Frames among these that could not be decoded, ascending."""
    metadata: dict[str, Any] = field(default_factory=dict)
    """What made the table (JSON-able): video, release, models, versions."""
    first_row: int = 0
    """Row of the whole table at which this block of it begins (see `iter_predictions`)."""

    def __post_init__(self) -> None:
        _check_shapes(self)
        _check_order(self.frame_idx, self.instance_score, "predictions")
        check_ranges(self.frames, "frames")
        outside = ~in_ranges(self.frame_idx, self.frames)
        if outside.any():
            raise TableError(f"frame_idx must be among the frames that were read, got {self.frame_idx[outside][0]}")
        if not in_ranges(self.failed_frames, self.frames).all():
            raise TableError(
                f"failed_frames must be among the frames that were read, got {self.failed_frames.tolist()}"
            )

    def __len__(self) -> int:
        return len(self.frame_idx)

    @property
    def lags(self) -> int:
        """How many frames ahead `shifted` reaches."""
        return int(self.shifted.shape[1])

    @classmethod
    def from_instances(
        cls,
        skeleton: Skeleton,
        frame_idx: ArrayLike,
        points: ArrayLike,
        instance_score: ArrayLike | None = None,
        frames: Sequence[tuple[int, int]] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> "Predictions":
        """Build from frame numbers (n,) and points (n, nodes, 2) in any order, without flow and classes.

        Scores are 1 where none are given; frames are all from 0 to the last.
        """
        frame_idx = np.asarray(frame_idx, np.int64).reshape(-1)
        points = np.asarray(points, np.float32).reshape(len(frame_idx), len(skeleton.nodes), 2)
        scores = np.ones(len(frame_idx), np.float32)
        if instance_score is not None:
            scores[:] = instance_score
        order = np.lexsort((-scores, frame_idx))
        if frames is None:
            frames = ((0, int(frame_idx.max()) + 1),) if len(frame_idx) else ()
        return cls(
            skeleton=skeleton,
            frame_idx=frame_idx[order],
            instance_score=scores[order],
            points=points[order],
            point_scores=np.where(np.isnan(points[order, :, 0]), np.float32(0), np.float32(1)),
            shifted=np.empty((len(order), 0, len(skeleton.nodes), 2), np.float32),
            class_scores=np.empty((len(order), 0), np.float32),
            frames=tuple(frames),
            metadata=metadata or {},
        )


def _check_shapes(p: Predictions) -> None:
    n, nodes = len(p.frame_idx), len(p.skeleton.nodes)
    shapes = {
        "instance_score": (n,),
        "points": (n, nodes, 2),
        "point_scores": (n, nodes),
        "shifted": (n, p.shifted.shape[1] if p.shifted.ndim == 4 else 0, nodes, 2),
        "class_scores": (n, len(p.class_names)),
    }
    for what, shape in shapes.items():
        if getattr(p, what).shape != shape:
            raise TableError(f"{what} must have shape {shape}, got {getattr(p, what).shape}")


def _check_order(frame_idx: NDArray[np.int64], score: NDArray[np.float32], what: str) -> None:
    step = np.diff(frame_idx)
    wrong = (step < 0) | ((step == 0) & (np.diff(score) > 0))
    if wrong.any():
        frame = frame_idx[1:][wrong][0]
        raise TableError(f"{what} must be sorted by frame_idx, then instance_score descending; got frame {frame}")
