"""Tracking: from instances to tracks and names, by tables alone."""

from poseflow.tracking.identity.per_frame import choose_names
from poseflow.tracking.linking.selection import may_be_animals
from poseflow.tracking.recording import RecordingFile, arrange_files, count_rows, track_recording
from poseflow.tracking.review.items import ReviewItem
from poseflow.tracking.table import follow_animals, link_tracks
from poseflow.tracking.tracker import Corrections, Tracker

__all__ = [
    "Corrections",
    "RecordingFile",
    "ReviewItem",
    "Tracker",
    "arrange_files",
    "choose_names",
    "count_rows",
    "follow_animals",
    "link_tracks",
    "may_be_animals",
    "track_recording",
]
