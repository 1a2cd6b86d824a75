"""What of a label file counts: instances a person made, of one skeleton, without repetition."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import sleap_io as sio

from poseflow.core.errors import LabelsError, NoLabelsError, SkeletonError
from poseflow.core.wording import count_of
from poseflow.labels.hidden import build_instance, split_hidden
from poseflow.labels.stray import describe_strays, find_nowhere, find_strays, warn_of_nowhere, warn_of_strays
from poseflow.labels.videos import frame_key

logger = logging.getLogger(__name__)


def clean_labels(labels: sio.Labels, path: Path, include_predictions: bool, keep_hidden: bool = False) -> sio.Labels:
    """Keep what counts as a label: frames with an animal, and those marked as having none.

    Predicted instances count only with `include_predictions`, and not where a person corrected them; hidden nodes are
    missing without `keep_hidden`. Points that are infinite or lack a coordinate, instances without any point, and those
    of a frame that is listed twice are left out, with a line that says how many. What remains are user instances of one
    skeleton, nodes matched by name.

    Args:
        path: The file they come from, for messages.

    Raises:
        NoLabelsError: No labeled frame or point remains.
        LabelsError: A frame has the same instance twice, or is none of its video's images.
        SkeletonError: Skeletons in use have other nodes.
    """
    if not labels.skeletons:
        raise NoLabelsError(f"{path} must have labeled frames, got neither those nor a skeleton")
    _check_images(labels, path)
    skeleton, orders = choose_skeleton(labels, path, include_predictions)
    frames, strays, nowhere, left_out = [], [], [], Counter[str]()
    for (video, frame_idx), same in _by_place(labels.labeled_frames).items():
        kept = []
        for instance in _all_chosen(same, include_predictions, keep_hidden, left_out):
            order = orders[id(instance.skeleton)]
            points, hidden = split_hidden(instance, keep_hidden)
            points, hidden = points[order], hidden[order]
            stray, key = find_strays(points), frame_key(video, frame_idx)
            strays += describe_strays(stray[None], points[None], skeleton.node_names, key)
            nowhere += describe_strays(find_nowhere(points)[None], points[None], skeleton.node_names, key)
            points[stray] = np.nan
            if np.isfinite(points).any():
                kept.append(build_instance(points, hidden, skeleton, instance.track))
            else:
                left_out["instances without points"] += 1
        negative = any(frame.is_negative for frame in same)
        if kept or negative:
            frames.append(
                sio.LabeledFrame(video=video, frame_idx=frame_idx, instances=kept, is_negative=negative and not kept)
            )
    warn_of_strays(path, strays)
    warn_of_nowhere(path, nowhere)
    if left_out:
        logger.warning("%s: left out: %s", path, ", ".join(f"{count} {what}" for what, count in left_out.items()))
    _check_frames(frames, labels, path, include_predictions)
    return sio.Labels(
        labeled_frames=frames,
        videos=list(dict.fromkeys(frame.video for frame in frames)),
        skeletons=[skeleton],
        tracks=_tracks_in_use(labels.tracks, frames),
    )


def choose_skeleton(
    labels: sio.Labels, path: Path, include_predictions: bool
) -> tuple[sio.Skeleton, dict[int, list[int]]]:
    """The skeleton of the instances that count, and by `id(skeleton)` where its nodes stand in each that they use.

    Skeletons that no instance uses do not matter.

    Raises:
        SkeletonError: Skeletons in use have other nodes; names each.
    """
    in_use = {
        id(instance.skeleton): instance.skeleton
        for frame in labels.labeled_frames
        for instance in chosen_instances(frame, include_predictions)
    }
    listed = [skeleton for skeleton in labels.skeletons if id(skeleton) in in_use]
    skeletons = list({id(one): one for one in [*listed, *in_use.values()]}.values())
    if not skeletons:
        skeletons = [next((one for one in labels.skeletons if one.nodes), labels.skeletons[0])]
    check_same_nodes(skeletons, path)
    first = skeletons[0]
    unused = [one for one in labels.skeletons if one.nodes and set(one.node_names) != set(first.node_names)]
    if unused:
        named = "; ".join(map(_describe, unused))
        logger.warning("%s: left out, since no animal that counts has it: %s", path, named)
    return first, {id(one): [one.node_names.index(name) for name in first.node_names] for one in skeletons}


def check_same_nodes(skeletons: Sequence[sio.Skeleton], path: Path) -> None:
    """Raise SkeletonError where skeletons have other nodes; names each."""
    if len({frozenset(one.node_names) for one in skeletons}) > 1:
        raise SkeletonError(f"{path} must have the same nodes everywhere, got {'; '.join(map(_describe, skeletons))}")


def _describe(skeleton: sio.Skeleton) -> str:
    return f"{skeleton.name or 'a skeleton'} with {', '.join(skeleton.node_names)}"


def _all_chosen(
    frames: list[sio.LabeledFrame], include_predictions: bool, keep_hidden: bool, left_out: Counter[str]
) -> Iterator[sio.Instance]:
    """Instances that count of all entries of one frame; of entries that repeat each other, one."""
    earlier: set[bytes] = set()
    for frame in frames:
        chosen = chosen_instances(frame, include_predictions)
        own = [split_hidden(instance, keep_hidden)[0].tobytes() for instance in chosen]
        for instance, points in zip(chosen, own, strict=True):
            if points in earlier:
                left_out["instances of frames that are listed twice"] += 1
            else:
                yield instance
        earlier.update(own)


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


def _check_images(labels: sio.Labels, path: Path) -> None:
    for frame in labels.labeled_frames:
        files = frame.video.filename
        if isinstance(files, list) and not 0 <= frame.frame_idx < len(files):
            raise LabelsError(
                f"{path}: labels of images must be on frames 0 to {len(files) - 1}, got frame {frame.frame_idx}"
            )


def _by_place(frames: Iterable[sio.LabeledFrame]) -> dict[tuple[sio.Video, int], list[sio.LabeledFrame]]:
    places: dict[tuple[sio.Video, int], list[sio.LabeledFrame]] = defaultdict(list)
    for frame in frames:
        places[frame.video, frame.frame_idx].append(frame)
    return places


def _check_frames(frames: list[sio.LabeledFrame], labels: sio.Labels, path: Path, include_predictions: bool) -> None:
    if not frames:
        raise NoLabelsError(f"{path} must have labeled frames, got {_what_instead(labels, include_predictions)}")
    repeated = [frame for frame in frames if _repeats_instance(frame)]
    if repeated:
        key = frame_key(repeated[0].video, repeated[0].frame_idx)
        raise LabelsError(
            f"{path}: instances of a frame must differ, got the same one twice in frame {key.number} of {key.video}"
            + (f" and in {count_of(len(repeated) - 1, 'other frame')}" if len(repeated) > 1 else "")
        )


def _what_instead(labels: sio.Labels, include_predictions: bool) -> str:
    instances = [instance for frame in labels.labeled_frames for instance in frame.instances]
    if not instances:
        return "none"
    predicted = sum(isinstance(instance, sio.PredictedInstance) for instance in instances)
    if predicted and not include_predictions:
        return f"{count_of(predicted, 'predicted instance')} only (labels.include_predictions: true counts them)"
    return f"{count_of(len(instances), 'instance')} whose points are all missing"


def _repeats_instance(frame: sio.LabeledFrame) -> bool:
    points = [split_hidden(instance)[0].tobytes() for instance in frame.instances]
    return len(set(points)) < len(points)


def _tracks_in_use(tracks: list[sio.Track], frames: list[sio.LabeledFrame]) -> list[sio.Track]:
    used = {id(instance.track) for frame in frames for instance in frame.instances}
    return [track for track in tracks if id(track) in used]
