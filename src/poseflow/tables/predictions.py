"""Predictions: what the networks found in the frames of one video, and what later steps need of the pixels."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poseflow.core.errors import TableError
from poseflow.core.skeleton import Skeleton
from poseflow.tables.instances import Instances, check_shapes
from poseflow.tables.ranges import Ranges, check_ranges, in_ranges


@dataclass(frozen=True, eq=False)
class Predictions(Instances):
    """Instances found in the frames of one video, and what is said of all of them.

    Rows are sorted by `frame_idx`, then `score` descending.
    """

    skeleton: Skeleton
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
        check_shapes(self, len(self.skeleton.nodes), len(self.class_names), self.lags, self.tells_hidden)
        _check_order(self.frame_idx, self.score, "predictions")
        check_ranges(self.frames, "frames")
        outside = ~in_ranges(self.frame_idx, self.frames)
        if outside.any():
            raise TableError(f"frame_idx must be among the frames that were read, got {self.frame_idx[outside][0]}")
        if not in_ranges(self.failed_frames, self.frames).all():
            raise TableError(
                f"failed_frames must be among the frames that were read, got {self.failed_frames.tolist()}"
            )

    @classmethod
    def from_instances(
        cls,
        skeleton: Skeleton,
        frame_idx: ArrayLike,
        points: ArrayLike,
        score: ArrayLike | None = None,
        frames: Sequence[tuple[int, int]] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> "Predictions":
        """Build from frame numbers (n,) and points (n, nodes, 2) in any order, without flow and classes.

        Scores are 1 where none are given; frames are all from 0 to the last.
        """
        frame_idx = np.asarray(frame_idx, np.int64).reshape(-1)
        points = np.asarray(points, np.float32).reshape(len(frame_idx), len(skeleton.nodes), 2)
        scores = np.ones(len(frame_idx), np.float32)
        if score is not None:
            scores[:] = score
        found = Instances.from_arrays(frame_idx, scores, points, ~np.isnan(points[..., 0]))
        if frames is None:
            frames = ((0, int(frame_idx.max()) + 1),) if len(frame_idx) else ()
        rows = found.take(np.lexsort((-scores, frame_idx)))
        return cls(**vars(rows), skeleton=skeleton, frames=tuple(frames), metadata=metadata or {})


def _check_order(frame_idx: NDArray[np.int64], score: NDArray[np.float32], what: str) -> None:
    step = np.diff(frame_idx)
    wrong = (step < 0) | ((step == 0) & (np.diff(score) > 0))
    if wrong.any():
        frame = frame_idx[1:][wrong][0]
        raise TableError(f"{what} must be sorted by frame_idx, then score descending; got frame {frame}")
