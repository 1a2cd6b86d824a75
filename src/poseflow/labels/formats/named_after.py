"""The recording of a label file that names none: the one that the file is named after."""

from pathlib import Path

from poseflow.config import VideosConfig
from poseflow.core.errors import LabelsError
from poseflow.media.lookup import key_of_name

SUFFIXES = frozenset(Path(pattern).suffix for pattern in VideosConfig().patterns)
FORMER = ".mp4"
"""Suffix of a recording that is not there."""


def guess_recording(path: Path, stem: str) -> str:
    """Path of the recording beside a label file whose name, without its suffix, is in `stem`, that of the label file.

    Of several the one of the longest name (`labels.000_cage1.analysis.h5` is about `cage1.mp4`, not `cage.mp4`); where
    there is none, the name that it would have.

    Raises: LabelsError where several are called so.
    """
    key = key_of_name(stem)
    beside = [file for file in sorted(path.absolute().parent.iterdir()) if file.suffix.lower() in SUFFIXES]
    named = [file for file in beside if key_of_name(file.stem) in key]
    longest = [file for file in named if len(file.stem) == max(len(one.stem) for one in named)]
    if len(longest) > 1:
        listed = ", ".join(file.name for file in longest)
        raise LabelsError(f"{path}: its recording must be one, got several of its name: {listed}")
    return str(longest[0]) if longest else f"{stem}{FORMER}"
