"""Write proposed frames as a label file in which a person labels them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import sleap_io as sio

from poseflow.core.skeleton import Skeleton
from poseflow.exchange.slp import build_instances, video_of
from poseflow.labels import to_sleap, write_with_images
from poseflow.media import VideoIndex, open_video
from poseflow.tables import Predictions


def write_suggestions(
    index: VideoIndex,
    frames: Sequence[int],
    path: str | Path,
    predictions: Predictions | None = None,
    skeleton: Skeleton | None = None,
) -> None:
    """Write frames, with their images, as suggestions for SLEAP's GUI, atomically.

    Args:
        frames: Frame indices, ascending.
        path: Output, `.pkg.slp`.
        predictions: Of this recording; those of the frames become predicted instances to start from.
        skeleton: Without predictions; None: the person defines it in the GUI.
    """
    skeleton = predictions.skeleton if predictions else skeleton
    video = video_of(index)
    labeled = []
    if predictions:
        sleap_skeleton = to_sleap(predictions.skeleton)
        rows = np.flatnonzero(np.isin(predictions.frame_idx, np.asarray(frames, np.int64)))
        instances = build_instances(predictions, rows, sleap_skeleton, {})
        labeled = [
            sio.LabeledFrame(video=video, frame_idx=frame, instances=members) for frame, members in instances.items()
        ]
        skeletons = [sleap_skeleton]
    else:
        skeletons = [to_sleap(skeleton)] if skeleton else []
    labels = sio.Labels(
        labeled_frames=labeled,
        suggestions=[sio.SuggestionFrame(video=video, frame_idx=int(frame)) for frame in frames],
        videos=[video],
        skeletons=skeletons,
    )
    write_with_images(labels, path, channels=3 if _has_color(index, frames) else 1)


def _has_color(index: VideoIndex, frames: Sequence[int]) -> bool:
    with open_video(index) as video:
        images = (image for _, image in video.read_frames(list(frames), channels=3) if image is not None)
        return any((image != image[..., :1]).any() for image in images)
