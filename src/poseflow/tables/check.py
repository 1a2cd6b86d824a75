"""Whether a shard's table is what its job was to make."""

from pathlib import Path

from poseflow.core.errors import TableError
from poseflow.tables.digest import RowsDigest
from poseflow.tables.parquet import open_table
from poseflow.tables.writer import KIND


def check_predictions(path: str | Path, frames: tuple[int, int]) -> None:
    """Read a predictions table back from disk; raises TableError where it is not what was written.

    Args:
        frames: [start, stop) that must have been read.

    Compared are the frames, the number of rows, and the hash of all rows that the writer left in the file.
    """
    path = Path(path)
    with open_table(path, KIND) as (file, note):
        wanted = [list(frames)] if frames[1] > frames[0] else []
        if note.get("frames") != wanted:
            raise TableError(f"{path}: frames must be {wanted}, got {note.get('frames')}")
        digest = RowsDigest(file.schema_arrow)
        for group in range(file.num_row_groups):
            digest.update(file.read_row_group(group))
        found = {"rows": digest.rows, "rows_hash": digest.hexdigest()}
    for what, value in found.items():
        if note.get(what) != value:
            raise TableError(f"{path}: {what} must be {note.get(what)}, as written, got {value}")
