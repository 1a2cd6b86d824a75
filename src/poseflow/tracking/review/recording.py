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
from poseflow.tracking.tracker import Corrections


def track_and_review(
    predictions: Mapping[str, Sequence[Path]],
    indexes: Mapping[str, VideoIndex],
    starts: Mapping[str, datetime],
    corrections: Sequence[str | Path],
    out: tuple[str | Path, str | Path, str | Path],
    configs: tuple[TrackingConfig, ReviewConfig],
    note: Mapping[str, Any],
) -> int:
    """Track a recording as a person corrected it, and list what is to be reviewed.

    Args:
        predictions: shards of each of its videos. indexes: of each. starts: as `arrange_files`.
        corrections: label files, as `read_corrections`.
        out: tracks table, list and label file of review items.
        note: how the table is made (`poseflow.runs.provenance`); what was corrected is added to it.

    Returns: how many review items there are.
    """
    tracking, review = configs
    tracks, table, labels = out
    files = arrange_files(predictions, indexes, starts)
    corrected = read_corrections(corrections, files, {video: index.path for video, index in indexes.items()})
    metadata = {**note, "corrected": _list_corrected(corrected, files)}
    items = track_recording(files, tracking, tracks, corrected, metadata)
    return write_review(items, files, indexes, tracks, (table, labels), review)


def _list_corrected(corrected: Corrections, files: Sequence[RecordingFile]) -> list[list[int | str]]:
    """Video, frame, row of its predictions, and name or track, of each instance that a person corrected."""
    first_rows = count_rows(files)
    found: list[list[int | str]] = []
    for frame, rows in sorted(corrected.tracks.items()):
        for row, track in sorted(rows.items()):
            position = int(np.searchsorted(first_rows, row, side="right")) - 1
            name = corrected.names[row] if track is None else f"{UNNAMED}{track}"
            found.append([files[position].video, frame - files[position].start, row - first_rows[position], name])
    return found
