"""Track a recording as a person corrected it, and list what is to be looked at next."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from poseflow.config import ReviewConfig, TrackingConfig
from poseflow.exchange.slp import UNNAMED
from poseflow.media import VideoIndex
from poseflow.tracking.recording import RecordingFile, arrange_files, count_rows, track_recording
from poseflow.tracking.review.corrections import read_corrections
from poseflow.tracking.review.listing import write_review
from poseflow.tracking.tracker import Statements


def track_and_review(
    predictions: Mapping[str, Sequence[Path]],
    indexes: Mapping[str, VideoIndex],
    starts: Mapping[str, datetime],
    corrections: Sequence[str | Path],
    out: tuple[str | Path, str | Path, str | Path],
    configs: tuple[TrackingConfig, ReviewConfig],
    note: Mapping[str, Any],
) -> int:
    """Track a recording as a person corrected it, and list what is in doubt.

    Args:
        predictions: shards of each of its videos. indexes: of each. starts: as `arrange_files`.
        corrections: label files, as `read_corrections`.
        out: tracks table, list and label file of moments.
        note: how the table is made (`poseflow.runs.provenance`); what was corrected is added to it.

    Returns: how many moments there are to look at.
    """
    tracking, review = configs
    tracks, table, labels = out
    files = arrange_files(predictions, indexes, starts)
    statements = read_corrections(corrections, files, {video: index.path for video, index in indexes.items()})
    metadata = {**note, "corrected": _list_corrected(statements, files)}
    moments = track_recording(files, tracking, tracks, statements, metadata)
    return write_review(moments, files, indexes, tracks, (table, labels), review)


def _list_corrected(statements: Statements, files: Sequence[RecordingFile]) -> list[list[int | str]]:
    """Video, frame, row of its predictions, and name or track, of each instance that a person said something about."""
    first_rows = count_rows(files)
    found: list[list[int | str]] = []
    for frame, rows in sorted(statements.tracks.items()):
        for row, track in sorted(rows.items()):
            place = int(np.searchsorted(first_rows, row, side="right")) - 1
            name = statements.names[row] if track is None else f"{UNNAMED}{track}"
            found.append([files[place].video, frame - files[place].start, row - first_rows[place], name])
    return found
