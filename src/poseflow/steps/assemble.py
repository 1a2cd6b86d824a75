"""The step `assemble`: a video's pose table from its predictions, tracks and times."""

from collections.abc import Sequence
from pathlib import Path

from poseflow.corrections import find_pose_edits, read_claims
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
    corrections: Sequence[Path] = (),
) -> None:
    """Put a video's pose table together.

    Args:
        predictions: tables of the video, in any order. tracks: of its recording.
        names: of the recording and of the video.
        facts: what is known of the video beyond its file.
        columns: of these facts, those that each row tells.
        corrections: logs of claims and label files of its recording, those that the tracks were made with.
    """
    recording, video = names
    known = facts or RecordingFacts()
    source = PoseSource(
        recording,
        video,
        known.pixels_per_mm,
        known.start,
        describe_assembly(corrections),
        known.columns,
        tuple(columns),
    )
    tracked, edits = read_tracks(tracks, video), None
    if corrections:
        videos = {**tracked.metadata.get("videos", {}), video: index.path}
        claims = read_claims(corrections, videos).claims
        edits = find_pose_edits(claims, video, predictions, tracked.metadata.get("added", ()))
    assemble_files(list(predictions), tracked, index, source, out, edits)
