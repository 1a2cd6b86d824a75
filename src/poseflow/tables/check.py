"""Whether a shard's table is what its job was to make, and finished tables of which the workflow does not know yet."""

import shutil
from pathlib import Path

from poseflow.core.errors import TableError
from poseflow.core.files import link_or_copy
from poseflow.tables.digest import RowsDigest
from poseflow.tables.parquet import open_table
from poseflow.tables.writer import KIND

KEPT = ".finished"
"""Folder beside the tables with a second name of each that a job has finished and the workflow not yet noted."""


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


def keep_finished(path: str | Path) -> None:
    """Give a finished table a second name, so that it survives until the workflow has noted it.

    Snakemake deletes the output of a job whose end it did not see, because it was killed meanwhile, before it starts
    the job again.
    """
    kept = _kept(path)
    kept.parent.mkdir(exist_ok=True)
    kept.unlink(missing_ok=True)
    link_or_copy(path, kept)


def take_finished(path: str | Path, frames: tuple[int, int], made_from: str) -> bool:
    """Give a table that an earlier job finished its name back; False where there is none, or it was made from else.

    Args:
        made_from: key of all that the rows depend on, as in the table's metadata.
    """
    kept = _kept(path)
    if not kept.exists():
        return False
    try:
        with open_table(kept, KIND) as (_, note):
            is_same = bool(note.get("metadata", {}).get("made_from") == made_from)
        check_predictions(kept, frames)
    except TableError:
        is_same = False
    if is_same:
        Path(path).unlink(missing_ok=True)
        link_or_copy(kept, path)
    return is_same


def clear_finished(folder: str | Path) -> None:
    """Remove the second names; the workflow knows the tables."""
    shutil.rmtree(Path(folder) / KEPT, ignore_errors=True)


def _kept(path: str | Path) -> Path:
    path = Path(path)
    return path.parent / KEPT / path.stem  # no suffix: a reader's `**/*.parquet` must not find the table twice
