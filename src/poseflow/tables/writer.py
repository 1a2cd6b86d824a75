"""Write a predictions table, in one go or while a video is being read."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from poseflow.core.errors import TableError
from poseflow.core.skeleton import Skeleton
from poseflow.tables.columns import class_arrays, floats_of_shape, node_arrays, predictions_schema, shifted_arrays
from poseflow.tables.digest import RowsDigest
from poseflow.tables.parquet import TableWriter
from poseflow.tables.predictions import Predictions
from poseflow.tables.ranges import in_ranges, merge_ranges

KIND = "predictions"


class PredictionsWriter:
    """Write a predictions table in bounded memory, while a video is being read.

    Example:
        with PredictionsWriter(path, skeleton, lags=5) as writer:
            writer.append(frame_idx, instance_score, points, point_scores, shifted)
            writer.close(frames=[(0, 1000)], failed_frames=[])

    The file appears when the block ends; without `close`, or after an exception, there is none.
    """

    def __init__(
        self,
        path: str | Path,
        skeleton: Skeleton,
        lags: int = 0,
        class_names: Sequence[str] = (),
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self.skeleton, self.lags, self.class_names = skeleton, lags, tuple(class_names)
        self.metadata = metadata or {}
        self._table = TableWriter(path, predictions_schema(skeleton, lags, self.class_names))
        self._digest = RowsDigest(self._table.schema)
        self._first: int | None = None
        self._last: int | None = None

    def __enter__(self) -> Self:
        self._table.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._table.__exit__(kind, error, trace)

    def append(
        self,
        frame_idx: ArrayLike,
        instance_score: ArrayLike,
        points: ArrayLike,
        point_scores: ArrayLike,
        shifted: ArrayLike | None = None,
        class_scores: ArrayLike | None = None,
    ) -> None:
        """Append the instances of some frames; all of a frame's come in one call, and frames in ascending order.

        Shapes as in `Predictions`; `shifted` may be left out without lags, `class_scores` without classes. Instances of
        one frame are sorted by score here.
        """
        frame_idx = np.asarray(frame_idx, np.int64)
        n, nodes = len(frame_idx), len(self.skeleton.nodes)
        if n == 0:
            return
        scores = floats_of_shape(instance_score, (n,), "instance_score")
        order = np.lexsort((-scores, frame_idx))
        if self._last is not None and frame_idx[order[0]] <= self._last:
            raise TableError(
                f"{self._table.path}: appended frames must come after frame {self._last}, got {frame_idx[order[0]]}"
            )
        columns = [
            pa.array(frame_idx[order]),
            pa.array(scores[order]),
            *node_arrays(
                floats_of_shape(points, (n, nodes, 2), "points")[order],
                floats_of_shape(point_scores, (n, nodes), "point_scores")[order],
            ),
            *class_arrays(floats_of_shape(class_scores, (n, len(self.class_names)), "class_scores")[order]),
            *shifted_arrays(floats_of_shape(shifted, (n, self.lags, nodes, 2), "shifted")[order]),
        ]
        rows = pa.Table.from_arrays(columns, schema=self._table.schema)
        self._digest.update(rows)
        self._table.write(rows)
        self._first = int(frame_idx[order[0]]) if self._first is None else self._first
        self._last = int(frame_idx[order[-1]])

    def close(self, frames: Sequence[tuple[int, int]], failed_frames: ArrayLike = ()) -> None:
        """Say which frames were read, as [start, stop), and which of them could not be decoded."""
        ranges = merge_ranges(frames)
        for frame in (self._first, self._last):
            if frame is not None and not in_ranges(np.array([frame]), ranges).all():
                raise TableError(
                    f"{self._table.path}: frames must cover every row's frame, got {ranges} and row {frame}"
                )
        self._table.finish(
            {
                "table": KIND,
                "version": 1,
                "skeleton": self.skeleton.model_dump(mode="json"),
                "lags": self.lags,
                "class_names": list(self.class_names),
                "rows": self._digest.rows,
                "rows_hash": self._digest.hexdigest(),
                "frames": [list(part) for part in ranges],
                "failed_frames": np.unique(np.asarray(failed_frames, np.int64)).tolist(),
                "metadata": self.metadata,
            }
        )


def write_predictions(predictions: Predictions, path: str | Path) -> None:
    """Write a whole predictions table."""
    p = predictions
    with PredictionsWriter(path, p.skeleton, p.lags, p.class_names, p.metadata) as writer:
        writer.append(
            p.frame_idx,
            p.instance_score,
            p.points,
            p.point_scores,
            p.shifted,
            p.class_scores,
        )
        writer.close(p.frames, p.failed_frames)
