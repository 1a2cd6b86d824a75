"""The step `assemble`: a video's pose table from its predictions, tracks and times."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from poseflow.media import VideoIndex
from poseflow.runs.provenance import describe_assembly
from poseflow.tables import PoseSource, assemble_files, read_tracks


def assemble_poses(
    predictions: Sequence[Path],
    tracks: Path,
    index: VideoIndex,
    out: Path,
    names: tuple[str, str],
    pixels_per_mm: float | None = None,
    start: datetime | None = None,
) -> None:
    """Put a video's pose table together.

    Args:
        predictions: tables of the video, in any order. tracks: of its recording.
        names: of the recording and of the video.
        pixels_per_mm: scale of the images, where it is known.
        start: when the video began, where that is known better than the file does.
    """
    recording, video = names
    source = PoseSource(recording, video, pixels_per_mm, start, describe_assembly())
    assemble_files(list(predictions), read_tracks(tracks, video), index, source, out)
