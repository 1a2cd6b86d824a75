"""Frames worth labeling, and label files that take predictions to a person and back."""

from poseflow.extract.proofread import write_slp
from poseflow.extract.propose import propose_frames
from poseflow.extract.recording import suggest_frames
from poseflow.extract.review import read_corrections, track_and_review, write_review
from poseflow.extract.suggest import write_suggestions

__all__ = [
    "propose_frames",
    "read_corrections",
    "suggest_frames",
    "track_and_review",
    "write_review",
    "write_slp",
    "write_suggestions",
]
