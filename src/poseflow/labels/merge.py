"""Several label files as one: one skeleton, one track per name, each frame once."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import sleap_io as sio

from poseflow.core.contents import fingerprint_recording
from poseflow.core.errors import SkeletonError
from poseflow.core.skeleton import Skeleton
from poseflow.labels.hidden import build_instance, split_hidden
from poseflow.labels.images import find_differing
from poseflow.labels.skeletons import node_order, to_sleap
from poseflow.labels.videos import FrameKey, frame_key, is_embedded, root_video, video_name
from poseflow.media import is_recording
from poseflow.media.lookup import is_there, key_of_name

logger = logging.getLogger(__name__)

Part: TypeAlias = "tuple[Path, sio.Labels]"
_Place: TypeAlias = "tuple[int, sio.Video]"
_Frames: TypeAlias = "defaultdict[int, set[int]]"  # labeled frames, by `id(video)`


def merge_labels(parts: Sequence[Part]) -> sio.Labels:
    """Join labels of several files, each cleaned and located.

    Nodes are ordered as in the first file. A frame that several files label is taken from the last of them, with a
    warning. Tracks of the same name are one identity.

    Raises:
        SkeletonError: A file has other nodes than the first.
    """
    skeleton, orders = _one_skeleton(parts)
    recordings: list[list[sio.Video]] = []
    labeled: _Frames = defaultdict(set)
    tracks: dict[str, sio.Track] = {}
    frames: dict[tuple[int, FrameKey], tuple[Path, sio.LabeledFrame]] = {}
    for (path, labels), order in zip(parts, orders, strict=True):
        places = _group_videos(labels, recordings, labeled)
        for track in labels.tracks:
            tracks.setdefault(track.name, sio.Track(name=track.name))
        replaced: Counter[tuple[str, Path]] = Counter()
        for frame in labels.labeled_frames:
            place, video = places[id(frame.video)]
            key = (place, frame_key(frame.video, frame.frame_idx))
            if key in frames:
                replaced[key[1].video, frames[key][0]] += 1
            frames[key] = (path, _rebuild(frame, video, skeleton, order, tracks))
        for (name, earlier), count in replaced.items():
            logger.warning("%s: labels on %d frames of %s replace those of %s", path, count, name, earlier)
    kept = [frame for _, frame in frames.values()]
    videos = list(dict.fromkeys(frame.video for frame in kept))
    return sio.Labels(labeled_frames=kept, videos=videos, skeletons=[skeleton], tracks=list(tracks.values()))


def add_labels(labels: sio.Labels, parts: Sequence[Part]) -> tuple[sio.Labels, int]:
    """Labels, and behind theirs the frames of other parts that they do not label, with the number of these.

    A part with other nodes is left out, with a warning.
    """
    new: list[Part] = []
    for path, part in parts:
        if not labels.skeletons or set(part.skeletons[0].node_names) != set(labels.skeletons[0].node_names):
            logger.warning("%s: its nodes are others than those of the labels, so its frames are left out", path)
            continue
        known = {
            (id(video), frame.frame_idx)
            for video in part.videos
            for other in labels.videos
            if is_same_recording(video, other, _numbers(part, video) & _numbers(labels, other))
            for frame in labels.labeled_frames
            if frame.video is other
        }
        kept = [frame for frame in part.labeled_frames if (id(frame.video), frame.frame_idx) not in known]
        if kept:
            videos = list(dict.fromkeys(frame.video for frame in kept))
            new.append((path, sio.Labels(kept, videos=videos, skeletons=part.skeletons, tracks=part.tracks)))
    if not new:
        return labels, 0
    merged = merge_labels([(Path("labels"), labels), *new])
    return merged, len(merged.labeled_frames) - len(labels.labeled_frames)


def _numbers(labels: sio.Labels, video: sio.Video) -> set[int]:
    return {frame.frame_idx for frame in labels.labeled_frames if frame.video is video}


def _one_skeleton(parts: Sequence[Part]) -> tuple[sio.Skeleton, list[list[int]]]:
    """The skeleton of all parts, and where its nodes stand in each; edges and symmetries of the first that has any."""
    (first, labels), *_ = parts
    orders = [node_order(labels.skeletons[0], other.skeletons[0], first, path) for path, other in parts]
    skeletons = [part.skeletons[0] for _, part in parts]
    edges = next((skeleton.edge_names for skeleton in skeletons if skeleton.edges), ())
    symmetries = next((skeleton.symmetry_names for skeleton in skeletons if skeleton.symmetries), ())
    pairs = [[(str(a), str(b)) for a, b in names] for names in (edges, symmetries)]
    try:
        return to_sleap(Skeleton.from_names(skeletons[0].node_names, *pairs)), orders
    except SkeletonError as error:
        raise SkeletonError(f"{first}: {error}") from None


def _group_videos(labels: sio.Labels, recordings: list[list[sio.Video]], labeled: _Frames) -> dict[int, _Place]:
    """Find each video's recording among those of earlier files, or add it.

    Returns: By `id(video)`, the recording's place in `recordings` and the video that stands for it from now on. A
    package keeps its own, since each has its own images.
    """
    earlier = len(recordings)
    for frame in labels.labeled_frames:
        labeled[id(frame.video)].add(frame.frame_idx)
    places = {}
    for video in labels.videos:
        # Two videos of one file are two recordings, unless they are the same path.
        place = next(
            (
                number
                for number, group in enumerate(recordings)
                if any(
                    is_same_recording(video, other, labeled[id(video)] & labeled[id(other)])
                    if number < earlier
                    else _is_same_path(video, other)
                    for other in group
                )
            ),
            len(recordings),
        )
        if place == len(recordings):
            recordings.append([])
        group = recordings[place]
        standing = next((other for other in group if not is_embedded(video) and not is_embedded(other)), video)
        if standing is not video:
            labeled[id(standing)] |= labeled[id(video)]
        else:
            group.append(video)
        places[id(video)] = (place, standing)
    return places


def is_same_recording(a: sio.Video, b: sio.Video, in_both: set[int]) -> bool:
    """Whether videos of two label files are one recording.

    Recordings on disk are the same file, or copies of the name. Those known by a package are taken from one path, or
    their pictures of the frames that are labeled `in_both` are the same; where no frame is, it does not matter. Of
    recordings that were not looked for, the paths decide.
    """
    if key_of_name(video_name(a)) != key_of_name(video_name(b)):
        return False
    here, there = root_video(a).filename, root_video(b).filename
    if here == there:
        return True
    if not (isinstance(here, str) and isinstance(there, str)):
        return False
    if is_embedded(a) or is_embedded(b):
        return bool(in_both) and _is_at_hand(a) and _is_at_hand(b) and find_differing(a, b, in_both) == []
    if is_there(here) and is_there(there):
        fingerprint = fingerprint_recording(Path(here))
        return fingerprint is not None and fingerprint == fingerprint_recording(Path(there))
    return is_recording(here, Path(there)) or is_recording(there, Path(here))


def _is_at_hand(video: sio.Video) -> bool:
    return isinstance(video.filename, str) and is_there(video.filename)


def _is_same_path(a: sio.Video, b: sio.Video) -> bool:
    return not is_embedded(a) and not is_embedded(b) and a.filename == b.filename


def _rebuild(
    frame: sio.LabeledFrame, video: sio.Video, skeleton: sio.Skeleton, order: list[int], tracks: dict[str, sio.Track]
) -> sio.LabeledFrame:
    instances = []
    for instance in frame.instances:
        track = tracks[instance.track.name] if instance.track is not None else None
        points, hidden = split_hidden(instance)
        instances.append(build_instance(points[order], hidden[order], skeleton, track))
    return sio.LabeledFrame(video=video, frame_idx=frame.frame_idx, instances=instances, is_negative=frame.is_negative)
