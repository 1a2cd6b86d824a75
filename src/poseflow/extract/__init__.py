"""Frames worth labeling, and label files that take predictions to a person and back."""

from poseflow.extract.proofread import write_slp
from poseflow.extract.propose import propose_frames
from poseflow.extract.recording import suggest_frames
from poseflow.extract.suggest import write_suggestions

__all__ = ["propose_frames", "suggest_frames", "write_slp", "write_suggestions"]
