"""The step `track`: a recording's instances linked into tracks, named, and what a person should look at listed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from poseflow.config import ReviewConfig, TrackingConfig
from poseflow.media import VideoIndex
from poseflow.runs.provenance import describe_tracking
from poseflow.tracking import RecordingFile, track_recording
from poseflow.tracking.review.recording import track_and_review


@dataclass(frozen=True)
class TrackedFiles:
    """What is written."""

    tracks: Path
    review_list: Path
    review_labels: Path


def track_videos(
    predictions: Mapping[str, Sequence[Path]],
    out: TrackedFiles,
    settings: tuple[TrackingConfig, ReviewConfig],
    indexes: Mapping[str, VideoIndex] | None = None,
    starts: Mapping[str, datetime] | None = None,
    corrections: Sequence[Path] = (),
) -> int:
    """Track a recording's videos as one. Reads tables only.

    Args:
        predictions: tables of each video.
        indexes: of each video; without them there is one video, and only the tracks are written.
        starts: when videos began, where that is known better than the files do.
        corrections: logs of claims, and review files as a person saved them.

    Returns: how many links there are to review.
    """
    note = describe_tracking(predictions, corrections, *settings)
    if indexes is None:
        [(video, tables)] = predictions.items()
        tracked = track_recording([RecordingFile(video, tables)], settings[0], out.tracks, metadata=note)
        return len(tracked.review_items)
    written = (out.tracks, out.review_list, out.review_labels)
    return track_and_review(predictions, indexes, starts or {}, corrections, written, settings, note)
