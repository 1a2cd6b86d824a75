"""Model folders, as far as they can be read without Keras: ours, and those that SLEAP (1.0 to 1.4) wrote."""

from poseflow.models.profile import DescribedModel, ModelFolder, check_together
from poseflow.models.reading import is_sleap_folder, needed_files, read_model_folder

__all__ = [
    "DescribedModel",
    "ModelFolder",
    "check_together",
    "is_sleap_folder",
    "needed_files",
    "read_model_folder",
]
