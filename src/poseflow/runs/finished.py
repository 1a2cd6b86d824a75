"""Finished work of which the run does not know yet, because it was killed meanwhile; so that it is not done again.

Snakemake deletes the output of a job whose end it did not see before it starts the job again.
"""

import shutil
from pathlib import Path

from poseflow.core.errors import TableError
from poseflow.core.files import link_or_copy
from poseflow.tables import check_predictions, open_table


def keep_finished(table: Path, folder: Path) -> None:
    """Give a finished predictions table a second name in a folder, so that it survives until the run has noted it."""
    kept = _kept(table, folder)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.unlink(missing_ok=True)
    link_or_copy(table, kept)


def take_finished(table: Path, folder: Path, frames: tuple[int, int], made_from: str) -> bool:
    """Give a table that an earlier job finished its name back; False where there is none, or it was made from else.

    Args:
        made_from: key of all that the rows depend on, as in the table's metadata.
    """
    kept = _kept(table, folder)
    if not kept.exists():
        return False
    try:
        with open_table(kept, "predictions") as (_, note):
            is_same = bool(note.get("metadata", {}).get("made_from") == made_from)
        check_predictions(kept, frames)
    except TableError:
        is_same = False
    if is_same:
        table.unlink(missing_ok=True)
        link_or_copy(kept, table)
    return is_same


def clear_noted(kept: Path, result: Path, later: Path) -> None:
    """Remove what was kept for a run that is killed, once the run has noted the result.

    Snakemake starts no later step before it has: where that step's file is newer than the result, nobody needs what was
    kept any more.
    """
    if kept.exists() and result.exists() and later.exists() and later.stat().st_mtime >= result.stat().st_mtime:
        shutil.rmtree(kept, ignore_errors=True)


def _kept(table: Path, folder: Path) -> Path:
    return folder / table.stem  # no suffix: a reader's `**/*.parquet` must not find the table twice
