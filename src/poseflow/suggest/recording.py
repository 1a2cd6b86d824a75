"""From a recording to a file of frames to label, in one step."""

from collections.abc import Collection
from pathlib import Path

import sleap_io as sio

from poseflow.config import ExtractConfig
from poseflow.core.skeleton import Skeleton
from poseflow.labels import write_with_images
from poseflow.media import VideoIndex
from poseflow.suggest.label_file import write_suggestions
from poseflow.suggest.propose import propose_frames
from poseflow.tables import Predictions


def suggest_frames(
    index: VideoIndex,
    path: str | Path,
    config: ExtractConfig,
    labeled: Collection[int] = (),
    predictions: Predictions | None = None,
    skeleton: Skeleton | None = None,
) -> list[int]:
    """Propose frames of a recording and write them for SLEAP's GUI; gives the frames.

    Args:
        path: Output, `.pkg.slp`; without frames where the recording is quarantined.
        labeled: Frames that are labeled already (`poseflow.labels.find_labeled_frames`).
        predictions: Of this recording, as starting points.
        skeleton: Of the labels there are, if any; else that of the predictions, else the person defines one.
    """
    if not index.is_ok:
        write_with_images(sio.Labels(), path, channels=1)
        return []
    frames = propose_frames(index, config, labeled, predictions)
    write_suggestions(index, frames, path, predictions, skeleton)
    return frames
