"""Model folders, as far as they can be read without Keras: ours, and those that SLEAP wrote."""

from poseflow.models.profile import DescribedModel, ModelFolder, check_together, find_skeleton
from poseflow.models.reading import find_format, needed_files, read_model_folder

__all__ = [
    "DescribedModel",
    "ModelFolder",
    "check_together",
    "find_format",
    "find_skeleton",
    "needed_files",
    "read_model_folder",
]
