"""A recording's tracks against its labels."""

from typing import Any

import numpy as np
import sleap_io as sio

from poseflow.config import EvaluationConfig
from poseflow.errors import SkeletonError
from poseflow.evaluation.tracks import Trajectories, evaluate_tracks
from poseflow.labels import FrameLabels, frame_key, identity_of
from poseflow.skeleton import Skeleton
from poseflow.tables import Predictions, Tracks


def evaluate_recording(
    labels: sio.Labels, video: str, predictions: Predictions, tracks: Tracks, config: EvaluationConfig | None = None
) -> dict[str, Any]:
    """Measure a recording's tracks in its labeled frames; as `evaluate_tracks`.

    Args:
        labels: Labels whose tracks name the animals, of this recording and maybe others.
        video: The recording's file name.
        predictions: The whole table; tracks: what was linked of it.

    Raises: SkeletonError where labels and predictions have different nodes.
    """
    truth = Trajectories.from_labels(list_frames(labels, video, predictions.skeleton))
    return evaluate_tracks(truth, Trajectories.from_tracks(predictions, tracks), config)


def list_frames(labels: sio.Labels, video: str, skeleton: Skeleton) -> list[FrameLabels]:
    """Labeled frames of one recording, its nodes in the skeleton's order."""
    names = labels.skeletons[0].node_names
    if set(names) != set(skeleton.nodes):
        raise SkeletonError(f"{video}: labels must have the nodes {', '.join(skeleton.nodes)}, got {', '.join(names)}")
    order = [names.index(node) for node in skeleton.nodes]
    frames = []
    for frame in labels.labeled_frames:
        key = frame_key(frame.video, frame.frame_idx)
        if key.video == video:
            points = np.array([instance.numpy()[order] for instance in frame.instances], np.float32)
            identities = tuple(identity_of(instance) for instance in frame.instances)
            frames.append(FrameLabels(key.video, key.number, points.reshape(-1, len(order), 2), identities))
    return frames
