"""What a writer of poses is given, and the formats that there are."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from poseflow.core.registry import Registry
from poseflow.core.skeleton import Skeleton
from poseflow.media import VideoIndex


@dataclass(frozen=True, eq=False)
class PoseStream:
    """The pose table of one video, piece by piece, so that its length does not matter."""

    skeleton: Skeleton
    pieces: Iterator[pa.Table]
    """Rows in the table's order, with the columns of `poseflow.tables.poses.pose_schema`; some 100,000 at once."""
    note: dict[str, Any]
    """The table's metadata: fps, frames that were read, scale, release and so on."""
    index: VideoIndex | None = None
    """The recording, for formats that refer to it."""


Writer = Callable[[PoseStream, Path], None]
"""Writes poses to a file, which is written whole or not at all by its caller."""

WRITERS = Registry[Writer]("writers", "the format of a file of poses")
"""By the suffix of the files, without its dot."""
