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
from poseflow.tables.columns import instance_arrays, predictions_schema
from poseflow.tables.digest import RowsDigest
from poseflow.tables.instances import Instances, check_shapes
from poseflow.tables.parquet import TableWriter
from poseflow.tables.predictions import Predictions
from poseflow.tables.ranges import in_ranges, merge_ranges

KIND = "predictions"


class PredictionsWriter:
    """Write a predictions table in bounded memory, while a video is being read.

    Example:
        with PredictionsWriter(path, skeleton, lags=5) as writer:
            writer.append(instances)
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
        tells_hidden: bool = False,
    ) -> None:
        self.skeleton, self.lags, self.class_names = skeleton, lags, tuple(class_names)
        self.tells_hidden = tells_hidden
        self.metadata = metadata or {}
        self._table = TableWriter(path, predictions_schema(skeleton, lags, self.class_names, tells_hidden))
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

    def append(self, instances: Instances) -> None:
        """Append the instances of some frames; all of a frame's come in one call, and frames in ascending order.

        Those of one frame are sorted by score here. Raises: TableError for other shapes than the table's, and for
        frames that are out of order.
        """
        check_shapes(instances, len(self.skeleton.nodes), len(self.class_names), self.lags, self.tells_hidden)
        if not len(instances):
            return
        rows = instances.take(np.lexsort((-instances.score, instances.frame_idx)))
        first, last = int(rows.frame_idx[0]), int(rows.frame_idx[-1])
        if self._last is not None and first <= self._last:
            raise TableError(f"{self._table.path}: appended frames must come after frame {self._last}, got {first}")
        table = pa.Table.from_arrays(instance_arrays(rows), schema=self._table.schema)
        self._digest.update(table)
        self._table.write(table)
        self._first = first if self._first is None else self._first
        self._last = last

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
                **({"tells_hidden": True} if self.tells_hidden else {}),
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
    with PredictionsWriter(path, p.skeleton, p.lags, p.class_names, p.metadata, p.tells_hidden) as writer:
        writer.append(p)
        writer.close(p.frames, p.failed_frames)
