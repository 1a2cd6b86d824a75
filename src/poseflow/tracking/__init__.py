"""Tracking: from instances to tracks and names, by tables alone."""

from poseflow.tracking.identities import choose_names
from poseflow.tracking.linking import follow_animals, link_tracks
from poseflow.tracking.moments import Moment
from poseflow.tracking.recording import RecordingFile, arrange_files, count_rows, track_recording
from poseflow.tracking.selection import may_be_animals
from poseflow.tracking.tracker import Statements

__all__ = [
    "Moment",
    "RecordingFile",
    "Statements",
    "arrange_files",
    "choose_names",
    "count_rows",
    "follow_animals",
    "link_tracks",
    "may_be_animals",
    "track_recording",
]
