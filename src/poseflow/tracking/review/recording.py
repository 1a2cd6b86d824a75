"""Track a recording as a person corrected it, and list what is to be looked at next."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from poseflow.config import ReviewConfig, TrackingConfig
from poseflow.corrections import ListedClaim, Standing, find_edits, read_claims
from poseflow.exchange.slp import UNNAMED
from poseflow.media import VideoIndex
from poseflow.tracking.added import AddedAnimals
from poseflow.tracking.linking.linker import TrackOf
from poseflow.tracking.recording import RecordingFile, arrange_files, count_rows, track_recording
from poseflow.tracking.review.corrections import as_corrections
from poseflow.tracking.review.listing import write_review
from poseflow.tracking.tracker import Corrections

logger = logging.getLogger(__name__)


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
        corrections: logs of claims and label files, as `read_claims`.
        out: tracks table, list and label file of review items.
        note: how the table is made (`poseflow.runs.provenance`); what was corrected is added to it.

    Returns: how many review items there are.
    """
    tracking, review = configs
    tracks, table, labels = out
    files = arrange_files(predictions, indexes, starts)
    paths = {video: index.path for video, index in indexes.items()}
    claims = read_claims(corrections, paths)
    for fault in claims.faults:
        logger.warning(fault)
    standing = find_edits(claims.claims, predictions)
    corrected = as_corrections(standing, files)
    metadata = {**note, "corrected": _list_corrected(corrected, files), "videos": paths}
    added = AddedAnimals(
        {file.video: (file.start, standing.videos[file.video].added) for file in files if file.video in standing.videos}
    )
    tracked = track_recording(files, tracking, tracks, corrected, metadata, added)
    listed = [*standing.listed, *_list_untracked(tracked.untracked, standing, files), *tracked.nameless]
    return write_review(tracked.review_items, files, indexes, tracks, (table, labels), review, standing, listed)


def _list_untracked(rows: frozenset[int], standing: Standing, files: Sequence[RecordingFile]) -> list[ListedClaim]:
    """Claims about instances that are not tracked."""
    first_rows = count_rows(files) if rows else []
    listed = []
    for row in sorted(rows):
        position = int(np.searchsorted(first_rows, row, side="right")) - 1
        claim = standing.videos[files[position].video].claim_of[row - first_rows[position]]
        reason = "its animal is not tracked (tracking.animals, max_tracks or min_new_track_score)"
        listed.append(ListedClaim(claim, "orphan", reason))
    return listed


def _list_corrected(corrected: Corrections, files: Sequence[RecordingFile]) -> list[list[int | str]]:
    """Video, frame, row of its predictions, and name or track, of each instance that a person corrected."""
    first_rows = count_rows(files)
    found: list[list[int | str]] = []
    for frame, rows in sorted(corrected.tracks.items()):
        for row, track in sorted(rows.items()):
            position = int(np.searchsorted(first_rows, row, side="right")) - 1
            name = corrected.names.get(row) or (
                "the animal that it was shown to continue" if isinstance(track, TrackOf) else f"{UNNAMED}{track}"
            )
            found.append([files[position].video, frame - files[position].start, row - first_rows[position], name])
    return found
