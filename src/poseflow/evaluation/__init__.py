"""Evaluation: predictions against labels, tracks against animals."""

from poseflow.evaluation.identities import evaluate_identities
from poseflow.evaluation.matches import FrameMatch, LabeledPoses, PredictedPoses, match_poses
from poseflow.evaluation.poses import evaluate_poses, score_frames, tabulate_nodes, tabulate_points
from poseflow.evaluation.tracks import Trajectories, evaluate_tracks
from poseflow.evaluation.verdict import find_concerns, is_of_one_animal, say_accuracy
from poseflow.evaluation.videos import evaluate_recording

__all__ = [
    "FrameMatch",
    "LabeledPoses",
    "PredictedPoses",
    "Trajectories",
    "evaluate_identities",
    "evaluate_poses",
    "evaluate_recording",
    "evaluate_tracks",
    "find_concerns",
    "is_of_one_animal",
    "match_poses",
    "say_accuracy",
    "score_frames",
    "tabulate_nodes",
    "tabulate_points",
]
