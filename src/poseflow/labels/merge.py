"""Several label files as one: one skeleton, one track per name, each frame once."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import sleap_io as sio

from poseflow.labels.skeletons import node_order, to_sleap
from poseflow.labels.videos import FrameKey, frame_key, is_embedded, root_video, video_name
from poseflow.skeleton import Skeleton

logger = logging.getLogger(__name__)

Part: TypeAlias = "tuple[Path, sio.Labels]"


def merge_labels(parts: Sequence[Part]) -> sio.Labels:
    """Join labels of several files, each cleaned and located.

    Nodes are ordered as in the first file. A frame that several files label is taken from the last of them, with a
    warning. Tracks of the same name are one identity.

    Raises:
        SkeletonError: A file has other nodes than the first.
    """
    skeleton, orders = _one_skeleton(parts)
    recordings: list[list[sio.Video]] = []
    tracks: dict[str, sio.Track] = {}
    frames: dict[tuple[int, FrameKey], tuple[Path, sio.LabeledFrame]] = {}
    for (path, labels), order in zip(parts, orders, strict=True):
        places = _group_videos(labels.videos, recordings)
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


def _one_skeleton(parts: Sequence[Part]) -> tuple[sio.Skeleton, list[list[int]]]:
    """The skeleton of all parts, and where its nodes stand in each; edges and symmetries of the first that has any."""
    (first, labels), *_ = parts
    orders = [node_order(labels.skeletons[0], other.skeletons[0], first, path) for path, other in parts]
    skeletons = [part.skeletons[0] for _, part in parts]
    edges = next((skeleton.edge_names for skeleton in skeletons if skeleton.edges), ())
    symmetries = next((skeleton.symmetry_names for skeleton in skeletons if skeleton.symmetries), ())
    pairs = [[(str(a), str(b)) for a, b in names] for names in (edges, symmetries)]
    return to_sleap(Skeleton.from_names(skeletons[0].node_names, *pairs)), orders


def _group_videos(videos: Sequence[sio.Video], recordings: list[list[sio.Video]]) -> dict[int, tuple[int, sio.Video]]:
    """Find each video's recording among those of earlier files, or add it.

    Returns: By `id(video)`, the recording's place in `recordings` and the video that stands for it from now on. A
    package keeps its own, since each has its own images.
    """
    earlier = len(recordings)
    places = {}
    for video in videos:
        # Two videos of one file are two recordings, unless they are the same path.
        place = next(
            (
                number
                for number, group in enumerate(recordings)
                if any(
                    is_same_recording(video, other) if number < earlier else _is_same_path(video, other)
                    for other in group
                )
            ),
            len(recordings),
        )
        if place == len(recordings):
            recordings.append([])
        group = recordings[place]
        standing = next((other for other in group if not is_embedded(video) and not is_embedded(other)), video)
        if standing is video:
            group.append(video)
        places[id(video)] = (place, standing)
    return places


def is_same_recording(a: sio.Video, b: sio.Video) -> bool:
    """Whether videos of two label files are one recording.

    The file names must agree. Of recordings on disk the place or the size in bytes must agree too (a copy); of those
    known by a package only, the number and size of frames, as far as they are recorded. Of recordings that were not
    looked for the name is enough.
    """
    if video_name(a) != video_name(b):
        return False
    if is_embedded(a) or is_embedded(b):
        shapes = [root_video(video).backend_metadata.get("shape") for video in (a, b)]
        return not all(shapes) or list(shapes[0][:3]) == list(shapes[1][:3])
    if isinstance(a.filename, str) and isinstance(b.filename, str):
        return a.filename == b.filename or _size_of(a.filename) == _size_of(b.filename)
    return a.filename == b.filename


def _size_of(path: str) -> int | None:
    return Path(path).stat().st_size if Path(path).exists() else None


def _is_same_path(a: sio.Video, b: sio.Video) -> bool:
    return not is_embedded(a) and not is_embedded(b) and a.filename == b.filename


def _rebuild(
    frame: sio.LabeledFrame, video: sio.Video, skeleton: sio.Skeleton, order: list[int], tracks: dict[str, sio.Track]
) -> sio.LabeledFrame:
    instances = []
    for instance in frame.instances:
        track = tracks[instance.track.name] if instance.track is not None else None
        instances.append(sio.Instance.from_numpy(instance.numpy()[order], skeleton=skeleton, track=track))
    return sio.LabeledFrame(video=video, frame_idx=frame.frame_idx, instances=instances, is_negative=frame.is_negative)
