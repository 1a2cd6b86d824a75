"""The step `export`: a pose table in a format of other programs."""

from collections.abc import Sequence
from pathlib import Path

from poseflow.config import SubjectConfig, suffix_of
from poseflow.config.exports import SUFFIXES
from poseflow.core.errors import TableError
from poseflow.exchange import export_poses
from poseflow.media import VideoIndex
from poseflow.runs.places import Places


def export_table(table: Path, out: Path, format: str | None, index: VideoIndex | None, subject: SubjectConfig) -> None:
    """Write a pose table in another format, or in that which the end of `out` says; as `export_poses`."""
    export_poses(table, out, format, index, subject)


def find_tables(paths: Sequence[Path]) -> list[Path]:
    """Pose tables: files as they are, and all that lie in folders.

    Raises: TableError for a folder without one.
    """
    tables = []
    for path in paths:
        found = [path]
        if path.is_dir():
            exports = tuple(SUFFIXES.values())
            found = [file for file in sorted(path.rglob("*.parquet")) if not file.name.endswith(exports)]
            found = [file for file in found if not file.name.startswith(".")]
        tables += found
        if not found:
            raise TableError(f"{path} must hold pose tables (*.parquet), got none")
    return tables


def place_of(table: Path, format: str) -> Path:
    """Where a table's export belongs: among the results that the table lies in, else beside it."""
    table = table.absolute()
    places, recording = Places.around(table), table.parent.name
    if places.pose_table(recording, table.stem) == table:
        return places.export(format, recording, table.stem)
    return table.with_name(f"{table.stem}{suffix_of(format)}")
