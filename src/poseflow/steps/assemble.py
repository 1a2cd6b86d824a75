"""The step `assemble`: a video's pose table from its predictions, tracks and times."""

from collections.abc import Sequence
from pathlib import Path

from poseflow.media import VideoIndex
from poseflow.runs.provenance import describe_assembly
from poseflow.runs.recording_facts import RecordingFacts
from poseflow.tables import PoseSource, assemble_files, read_tracks


def assemble_poses(
    predictions: Sequence[Path],
    tracks: Path,
    index: VideoIndex,
    out: Path,
    names: tuple[str, str],
    facts: RecordingFacts | None = None,
    columns: Sequence[str] = (),
) -> None:
    """Put a video's pose table together.

    Args:
        predictions: tables of the video, in any order. tracks: of its recording.
        names: of the recording and of the video.
        facts: what is known of the video beyond its file.
        columns: of these facts, those that each row tells.
    """
    recording, video = names
    known = facts or RecordingFacts()
    source = PoseSource(
        recording, video, known.pixels_per_mm, known.start, describe_assembly(), known.columns, tuple(columns)
    )
    assemble_files(list(predictions), read_tracks(tracks, video), index, source, out)
