"""The step `split`: labeled frames as training, validation and test set, each one file with its images."""

from collections.abc import Mapping
from pathlib import Path

from poseflow.config import SplitConfig
from poseflow.labels import split_labels, write_package
from poseflow.runs.fingerprints import check_labels, describe_sections, key_of_dataset
from poseflow.steps.label_files import LabelFiles


def split_dataset(
    labels: LabelFiles, out: Mapping[str, Path], settings: SplitConfig, channels: int = 1, dataset: str | None = None
) -> dict[str, int]:
    """Divide labeled frames, for good.

    Args:
        out: files of `train`, `val` and `test`.
        channels: of the images; see `labels.write_package`.
        dataset: key of the dataset that the run was planned with; None where no run was.

    Returns: how many frames each set has.
    Raises: LabelsError, also where the labels no longer make the dataset that was planned.
    """
    read, corrected = labels.read_with_corrected()
    if dataset is not None:  # asked once the labels have been read, so that what is saved meanwhile counts too
        step = describe_sections("split", split=settings)
        check_labels(key_of_dataset(step, labels.key, channels, labels.corrected_key), dataset)
    sets = split_labels(read, settings, corrected)
    for side, part in sets.items():
        write_package(part, out[side], channels)
    return {side: len(part.labeled_frames) for side, part in sets.items()}
