"""The step `extract`: frames of a recording that are worth labeling."""

from collections.abc import Sequence
from pathlib import Path

import sleap_io as sio

from poseflow.config import ExtractConfig
from poseflow.labels import write_with_images
from poseflow.media import VideoIndex
from poseflow.steps.label_files import LabelFiles
from poseflow.suggest.label_file import write_suggestions
from poseflow.suggest.propose import propose_frames
from poseflow.tables import read_predictions


def extract_frames(
    index: VideoIndex,
    out: Path,
    settings: ExtractConfig,
    labels: LabelFiles | None = None,
    predictions: Sequence[Path] = (),
) -> list[int]:
    """Propose frames of a recording and write them, with their images, for SLEAP's GUI.

    Args:
        index: of the recording; of one that is quarantined, a file without frames is written.
        labels: those that there are. Their frames are not proposed again, and their skeleton is the file's; without
            labels that of the predictions, else the person who labels defines one.
        predictions: tables of this recording, as starting points.

    Returns: the frames.
    Raises: LabelsError, also for labels that were saved since the run was planned.
    """
    labels = labels or LabelFiles()
    labeled, skeleton = labels.find_frames(index), labels.read_skeleton()
    labels.check()
    if not index.is_ok:
        write_with_images(sio.Labels(), out, channels=1)
        return []
    found = read_predictions(list(predictions), with_shifted=False) if predictions else None
    frames = propose_frames(index, settings, labeled, found)
    write_suggestions(index, frames, out, found, skeleton)
    return frames
