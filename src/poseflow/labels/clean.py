"""What of a label file counts: instances a person made, of one skeleton, without repetition."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import sleap_io as sio

from poseflow.errors import LabelsError
from poseflow.labels.skeletons import node_order
from poseflow.labels.videos import frame_key


def clean_labels(labels: sio.Labels, path: Path, include_predictions: bool) -> sio.Labels:
    """Keep what counts as a label: frames with an animal, and those marked as having none.

    Predicted instances count only with `include_predictions`, and not where a person corrected them. Instances
    without any point are dropped. What remains are user instances of one skeleton.

    Args:
        path: The file they come from, for messages.

    Raises:
        LabelsError: No labeled frame or point remains, or a frame has the same instance twice.
        SkeletonError: The file's skeletons differ.
    """
    if not labels.skeletons:
        raise LabelsError(f"{path} must have a skeleton, got none")
    skeleton, orders = labels.skeletons[0], {}
    for other in labels.skeletons:
        orders[id(other)] = node_order(skeleton, other, path, path)
    frames = []
    for (video, frame_idx), same in _by_place(labels.labeled_frames).items():
        chosen = [instance for frame in same for instance in chosen_instances(frame, include_predictions)]
        kept = [
            sio.Instance.from_numpy(points, skeleton=skeleton, track=instance.track)
            for instance in chosen
            if np.isfinite(points := instance.numpy()[orders[id(instance.skeleton)]]).any()
        ]
        negative = any(frame.is_negative for frame in same)
        if kept or negative:
            frames.append(
                sio.LabeledFrame(video=video, frame_idx=frame_idx, instances=kept, is_negative=negative and not kept)
            )
    _check_frames(frames, labels, path, include_predictions)
    return sio.Labels(
        labeled_frames=frames,
        videos=list(dict.fromkeys(frame.video for frame in frames)),
        skeletons=[skeleton],
        tracks=_tracks_in_use(labels.tracks, frames),
    )


def chosen_instances(frame: sio.LabeledFrame, include_predictions: bool) -> list[sio.Instance]:
    """User instances of a frame; if asked, predicted ones too that no user instance stands for."""
    users = [instance for instance in frame.instances if type(instance) is sio.Instance]
    if not include_predictions:
        return users
    corrected = {id(instance.from_predicted) for instance in users}
    tracks = {id(instance.track) for instance in users if instance.track is not None}
    return users + [
        instance
        for instance in frame.instances
        if isinstance(instance, sio.PredictedInstance)
        and id(instance) not in corrected
        and id(instance.track) not in tracks
    ]


def identity_of(instance: sio.Instance) -> str | None:
    """An instance's identity: the name of its track."""
    return instance.track.name if instance.track is not None else None


def _by_place(frames: Iterable[sio.LabeledFrame]) -> dict[tuple[sio.Video, int], list[sio.LabeledFrame]]:
    places: dict[tuple[sio.Video, int], list[sio.LabeledFrame]] = defaultdict(list)
    for frame in frames:
        places[frame.video, frame.frame_idx].append(frame)
    return places


def _check_frames(frames: list[sio.LabeledFrame], labels: sio.Labels, path: Path, include_predictions: bool) -> None:
    if not frames:
        raise LabelsError(f"{path} must have labeled frames, got {_what_instead(labels, include_predictions)}")
    repeated = [frame for frame in frames if _repeats_instance(frame)]
    if repeated:
        key = frame_key(repeated[0].video, repeated[0].frame_idx)
        raise LabelsError(
            f"{path}: instances of a frame must differ, got the same one twice in frame {key.number} of {key.video}"
            + (f" and in {len(repeated) - 1} other frames" if len(repeated) > 1 else "")
        )


def _what_instead(labels: sio.Labels, include_predictions: bool) -> str:
    instances = [instance for frame in labels.labeled_frames for instance in frame.instances]
    if not instances:
        return "none"
    predicted = sum(isinstance(instance, sio.PredictedInstance) for instance in instances)
    if predicted and not include_predictions:
        return f"{predicted} predicted instances only (labels.include_predictions: true counts them)"
    return f"{len(instances)} instances whose points are all missing"


def _repeats_instance(frame: sio.LabeledFrame) -> bool:
    points = [instance.numpy().tobytes() for instance in frame.instances]
    return len(set(points)) < len(points)


def _tracks_in_use(tracks: list[sio.Track], frames: list[sio.LabeledFrame]) -> list[sio.Track]:
    used = {id(instance.track) for frame in frames for instance in frame.instances}
    return [track for track in tracks if id(track) in used]
