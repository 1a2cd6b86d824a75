"""From a recording to a file of frames to label, in one step."""

from pathlib import Path

import sleap_io as sio

from poseflow.config import ExtractConfig
from poseflow.extract.propose import propose_frames
from poseflow.extract.suggest import write_suggestions
from poseflow.labels import frame_key, skeleton_of, write_with_images
from poseflow.media import VideoIndex
from poseflow.tables import Predictions


def suggest_frames(
    index: VideoIndex,
    path: str | Path,
    config: ExtractConfig,
    labels: sio.Labels | None = None,
    predictions: Predictions | None = None,
) -> list[int]:
    """Propose frames of a recording and write them for SLEAP's GUI; gives the frames.

    Args:
        path: Output, `.pkg.slp`; without frames where the recording is quarantined.
        labels: What is labeled already: these frames are not proposed again, and their skeleton is used.
        predictions: Of this recording, as starting points.
    """
    skeleton = skeleton_of(labels) if labels else None
    if not index.is_ok:
        write_with_images(sio.Labels(), path, channels=1)
        return []
    frames = propose_frames(index, config, find_labeled_frames(labels, index) if labels else (), predictions)
    write_suggestions(index, frames, path, predictions, skeleton)
    return frames


def find_labeled_frames(labels: sio.Labels, index: VideoIndex) -> set[int]:
    """Frames of a recording that are labeled, in whatever file; recordings are told by their file's name."""
    keys = (frame_key(frame.video, frame.frame_idx) for frame in labels.labeled_frames)
    return {key.number for key in keys if key.video == Path(index.path).name}
