"""Poses for other programs: a format a file.

Other packages add formats by entry points of `poseflow.writers`, each a function of a `PoseStream` and a path.
"""

from pathlib import Path

from poseflow.core.files import replacing
from poseflow.exchange.csv import write_csv
from poseflow.exchange.slp import write_slp
from poseflow.exchange.writer import WRITERS, PoseStream, Writer
from poseflow.media import VideoIndex
from poseflow.tables import iter_poses

__all__ = ["WRITERS", "PoseStream", "Writer", "export_poses"]

WRITERS.add("csv")(write_csv)
WRITERS.add("slp")(write_slp)


def export_poses(
    table: str | Path, path: str | Path, format: str | None = None, index: VideoIndex | None = None
) -> None:
    """Write a pose table in another format; the file is written whole or not at all.

    Args:
        table: of one video. path: of the new file.
        format: one of `WRITERS`; None: that of the suffix of `path`.
        index: the recording, for formats that refer to it.

    Raises: ConfigError for a format that there is not; TableError as `iter_poses`, and as the format's writer.
    """
    write = WRITERS[format or Path(path).suffix.removeprefix(".")]
    skeleton, note, pieces = iter_poses(table)
    with replacing(path) as temporary:
        write(PoseStream(skeleton, pieces, note, index), temporary)
