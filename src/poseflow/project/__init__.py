"""A lab's project: a folder with its settings, which imports the workflow from the package; made, and upgraded."""

from poseflow.project.look import FoundLabels, FoundRecordings, find_local_zone, look_at_labels, look_at_recordings
from poseflow.project.make import MACHINES, Answers, make_project
from poseflow.project.recommend import LabeledAnimals, Recommendation, recommend_models
from poseflow.project.upgrade import describe_upgrade

__all__ = [
    "MACHINES",
    "Answers",
    "FoundLabels",
    "FoundRecordings",
    "LabeledAnimals",
    "Recommendation",
    "describe_upgrade",
    "find_local_zone",
    "look_at_labels",
    "look_at_recordings",
    "make_project",
    "recommend_models",
]
