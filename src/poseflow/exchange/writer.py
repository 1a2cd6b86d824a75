"""What a writer of poses is given."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from poseflow.config import SubjectConfig
from poseflow.core.skeleton import Skeleton
from poseflow.media import VideoIndex
from poseflow.tables import iter_columns, pose_schema


@dataclass(frozen=True, eq=False)
class PoseStream:
    """The pose table of one video, which may be gone through several times, so that its length does not matter."""

    table: Path
    skeleton: Skeleton
    note: dict[str, Any]
    """The table's metadata: fps, frames that were read, scale, release and so on."""
    path: Path
    """Where the file will lie when it is whole: for formats that name other files from there."""
    index: VideoIndex | None = None
    """The recording, for formats that refer to it."""
    subject: SubjectConfig = field(default_factory=SubjectConfig)
    """What is known about the animals, for archives."""

    @property
    def schema(self) -> pa.Schema:
        """The table's columns."""
        return pose_schema(self.skeleton, self.note.get("columns", ()), self.tells_hidden)

    @property
    def tells_hidden(self) -> bool:
        """Whether it says of each node how likely it is hidden."""
        return bool(self.note.get("tells_hidden", False))

    @property
    def has_recording(self) -> bool:
        """Whether the recording is known, sound and still there: predictions of others may be of one that is not."""
        return self.index is not None and self.index.is_ok and Path(self.index.path).exists()

    @property
    def pieces(self) -> Iterator[pa.Table]:
        """Rows in the table's order, with the columns of `poseflow.tables.poses.pose_schema`; some 30,000 at once."""
        return iter_columns(self.table, self.schema.names)

    def blocks(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """As `pieces`, some of the columns or all; no frame is cut in two."""
        rest: pa.Table | None = None
        for piece in iter_columns(self.table, columns or self.schema.names):
            rows = piece if rest is None else pa.concat_tables([rest, piece]).unify_dictionaries().combine_chunks()
            frame_idx = rows.column("frame_idx").to_numpy()
            whole = int(np.searchsorted(frame_idx, frame_idx[-1])) if len(frame_idx) else 0
            if whole:
                yield rows.slice(0, whole)
            rest = rows.slice(whole)
        if rest is not None and rest.num_rows:
            yield rest


Writer = Callable[[PoseStream, Path], None]
"""Writes poses to a file or folder, which appears whole or not at all by its caller's care."""
