"""What a person's claims mean for the tracker: which rows are which animals, in the recording's frames and rows."""

from collections.abc import Sequence

from poseflow.corrections import Standing, VideoEdits
from poseflow.exchange.slp import number_of
from poseflow.tracking.linking.linker import TrackOf
from poseflow.tracking.recording import RecordingFile, count_rows
from poseflow.tracking.tracker import Corrections


def as_corrections(standing: Standing, files: Sequence[RecordingFile]) -> Corrections:
    """Corrections of a whole recording from what claims mean for each of its videos.

    A name of the form `track_3` means the track of that number, any other name the animal, from that frame on.

    Args:
        files: of the recording.
    """
    first_rows = dict(zip((file.video for file in files), count_rows(files), strict=False))
    corrections = Corrections(
        kept=frozenset(first_rows[file.video] + row for file in files for row in _edits(standing, file).kept),
        removed=frozenset(first_rows[file.video] + row for file in files for row in _edits(standing, file).removed),
    )
    for file in files:
        edits, first = _edits(standing, file), first_rows[file.video]
        for row, (frame, name) in edits.names.items():
            number = number_of(name)
            corrections.tracks.setdefault(frame + file.start, {})[first + row] = number
            if number is None:
                corrections.names[first + row] = name
        for row, (frame, video, earlier) in edits.continued.items():
            corrections.tracks.setdefault(frame + file.start, {})[first + row] = TrackOf(first_rows[video] + earlier)
        corrections.reviewed.update(file.start + frame for frame in edits.reviewed)
    return corrections


def _edits(standing: Standing, file: RecordingFile) -> VideoEdits:
    return standing.videos.get(file.video, VideoEdits())
