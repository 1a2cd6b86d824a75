"""What labels hold, and what of it is likely wrong: for a person to look at, before anything is trained on it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import sleap_io as sio
from numpy.typing import NDArray

from poseflow.core.errors import LabelsError, SkeletonError
from poseflow.core.wording import count_of, list_some
from poseflow.labels.clean import choose_skeleton, chosen_instances
from poseflow.labels.formats import find_reader, read_label_file
from poseflow.labels.locate import recorded_paths
from poseflow.labels.stray import find_nowhere, find_strays
from poseflow.labels.videos import VideoFinder, frame_key, index_of, is_embedded, root_video, video_name

Points = NDArray[np.float64]

MOST_LISTED = 3
OTHER_SIZE = 3.0
"""So many times larger or smaller than most animals."""
LEAP_SIZES, LEAP_FRAMES = 3.0, 10
"""So many lengths of an animal in so many frames at most are a leap."""
SWAPPED_BETTER = 0.5
"""Sides are swapped where the pose fits the mean shape so much better, in error, when they change places."""
ENOUGH = 10
"""Animals from which a mean shape and a usual size are taken."""


def check_label_file(path: Path, finder: VideoFinder, include_predictions: bool = True) -> list[str]:
    """What a label file holds, in a first line, and a line for each kind of fault.

    Told are: animals of other nodes (and then nothing else), frames that nobody can find, points outside of the image
    or where other programs put missing ones, frames that are listed twice, animals without a name beside ones that
    have one, names or animals twice in a frame, sizes far off, sides that seem swapped, and leaps.

    Raises: LabelsError for a file that cannot be read.
    """
    reader, labels = find_reader(path), read_label_file(path)
    skeleton = labels.skeletons[0] if labels.skeletons else sio.Skeleton([])
    orders: Mapping[int, Sequence[int]] = {}
    other_nodes = ""
    try:
        if labels.skeletons:
            skeleton, orders = choose_skeleton(labels, path, include_predictions)
    except SkeletonError as error:
        other_nodes = str(error)
    found = [_Labeled(frame, include_predictions, orders) for frame in labels.labeled_frames]
    count = sum(len(one.points) for one in found)
    names = ", ".join(track.name for track in labels.tracks[:10]) or "none"
    head = (
        f"{path}: {reader.files}; {count_of(len(found), 'frame')} of {count_of(len(labels.videos), 'video')}, "
        f"{count_of(count, 'animal')} of {count_of(len(skeleton.nodes), 'node')} "
        f"({', '.join(skeleton.node_names)}); names: {names}"
    )
    if other_nodes:  # the rest compares animals node by node
        return [head, other_nodes]
    sizes, lost = _find_videos(labels, path, finder)
    faults = [
        *lost,
        *_tell("frames that their video does not have", _beyond(found, sizes)),
        *_tell("frames that are listed twice", _listed_twice(found)),
        *_tell("points outside of their image", _outside(found, sizes, skeleton)),
        *_tell("points at (0, 0) or (-1, -1), which stand for missing ones elsewhere", _nowhere(found, skeleton)),
        *_tell("animals without a name, beside others that have one", _nameless(found)),
        *_tell("names that are twice in a frame", _same_name(found)),
        *_tell("animals that are twice in a frame, point by point", _same_points(found)),
        *_tell("animals of another size than most", _other_size(found)),
        *_tell("animals whose sides may be swapped", _swapped(found, skeleton)),
        *_tell("animals that leap", _leaps(found)),
    ]
    return [head, *(f"{path}: {fault}" for fault in faults)]


class _Labeled:
    """A labeled frame: the animals that count, (animals, nodes, 2), nodes in one order, and their names."""

    def __init__(self, frame: sio.LabeledFrame, include_predictions: bool, orders: Mapping[int, Sequence[int]]) -> None:
        own = chosen_instances(frame, include_predictions)
        self.video, self.frame_idx = frame.video, int(frame.frame_idx)
        self.points: list[Points] = [
            np.asarray(instance.numpy()[orders.get(id(instance.skeleton), slice(None))], float) for instance in own
        ]
        self.names = [instance.track.name if instance.track is not None else None for instance in own]

    def __str__(self) -> str:
        files = root_video(self.video).filename
        if isinstance(files, list) and not 0 <= self.frame_idx < len(files):
            return f"frame {self.frame_idx} of {video_name(self.video)}"
        key = frame_key(self.video, self.frame_idx)
        return f"{key.image} of {key.video}" if key.image else f"frame {key.number} of {key.video}"


def _tell(what: str, places: Iterable[str]) -> Iterator[str]:
    listed = list(places)
    if listed:
        yield f"{what} ({len(listed):,}): {list_some(listed, MOST_LISTED, '; ')}"


def _find_videos(
    labels: sio.Labels, path: Path, finder: VideoFinder
) -> tuple[dict[sio.Video, tuple[int, int, int]], list[str]]:
    """Frames, height and width of each video that is found or described; and a line for those that nobody can find."""
    sizes, lost = {}, []
    others = recorded_paths(labels.videos)
    for video in labels.videos:
        shape = root_video(video).backend_metadata.get("shape")
        if shape and all(shape[:3]):
            sizes[video] = (int(shape[0]), int(shape[1]), int(shape[2]))
        if is_embedded(video):
            continue
        try:
            for recorded in recorded_paths([video]):
                place = finder.find(recorded, path, others)
                if place is None:
                    lost.append(recorded)
                elif isinstance(video.filename, str):
                    own = sio.Video(filename=str(place), open_backend=False, backend_metadata=video.backend_metadata)
                    index = index_of(own)
                    sizes[video] = (index.frames, index.height, index.width)
        except LabelsError as error:
            lost.append(str(error))
    return sizes, list(_tell("videos that are not found, so that nothing is trained on their frames", lost))


def _beyond(found: Sequence[_Labeled], sizes: dict[sio.Video, tuple[int, int, int]]) -> Iterator[str]:
    for one in found:
        files = one.video.filename
        count = len(files) if isinstance(files, list) else sizes[one.video][0] if one.video in sizes else None
        if count is not None and one.frame_idx >= count:
            yield f"{one}, which has {count:,}"


def _listed_twice(found: Sequence[_Labeled]) -> Iterator[str]:
    counts = Counter(map(str, found))
    yield from (place for place, count in counts.items() if count > 1)


def _outside(
    found: Sequence[_Labeled], sizes: dict[sio.Video, tuple[int, int, int]], skeleton: sio.Skeleton
) -> Iterator[str]:
    for one in found:
        size = sizes.get(one.video)
        for points in one.points:
            image = None if size is None or isinstance(one.video.filename, list) else size[1:]
            for node in np.flatnonzero(find_strays(points, image)):
                x, y = points[node]
                yield f"{skeleton.node_names[node]} at ({x:g}, {y:g}) in {one}"


def _nowhere(found: Sequence[_Labeled], skeleton: sio.Skeleton) -> Iterator[str]:
    for one in found:
        for points in one.points:
            yield from (f"{skeleton.node_names[node]} in {one}" for node in np.flatnonzero(find_nowhere(points)))


def _nameless(found: Sequence[_Labeled]) -> Iterator[str]:
    if any(name for one in found for name in one.names):
        yield from (str(one) for one in found if None in one.names)


def _same_name(found: Sequence[_Labeled]) -> Iterator[str]:
    for one in found:
        twice = [name for name, count in Counter(filter(None, one.names)).items() if count > 1]
        yield from (f"{name} in {one}" for name in twice)


def _same_points(found: Sequence[_Labeled]) -> Iterator[str]:
    for one in found:
        if len({points.tobytes() for points in one.points}) < len(one.points):
            yield str(one)


def _size_of(points: Points) -> float:
    """Diagonal of the box round an animal that is whole enough to tell; NaN else."""
    known = points[np.isfinite(points).all(axis=1)]
    return float(np.hypot(*np.ptp(known, axis=0))) if len(known) > max(1, len(points) / 2) else np.nan


def _usual_size(found: Sequence[_Labeled]) -> float:
    sizes = np.array([_size_of(points) for one in found for points in one.points])
    sizes = sizes[np.isfinite(sizes)]
    return float(np.median(sizes)) if len(sizes) >= ENOUGH else np.nan


def _other_size(found: Sequence[_Labeled]) -> Iterator[str]:
    usual = _usual_size(found)
    for one in found:
        for points in one.points:
            size = _size_of(points)
            if size > OTHER_SIZE * usual or size < usual / OTHER_SIZE:
                yield f"{size:.0f} px in {one}, most are {usual:.0f}"


def _swapped(found: Sequence[_Labeled], skeleton: sio.Skeleton) -> Iterator[str]:
    """Poses that are nearer to the mean shape, turned and scaled, when symmetric nodes change places."""
    order = np.arange(len(skeleton.nodes))
    for pair in skeleton.symmetry_inds:
        a, b = pair
        order[[a, b]] = b, a
    paired = np.flatnonzero(order != np.arange(len(order)))
    whole = [points for one in found for points in one.points if np.isfinite(points).all()]
    if not len(paired) or len(paired) == len(order) or len(whole) < ENOUGH:
        return
    shape = _mean_shape(whole)
    for one in found:
        for points in one.points:
            known = np.flatnonzero(np.isfinite(points).all(axis=1))
            if np.isin(paired, known).all() and len(known) > len(paired):
                as_is, swapped = (_distance(pose[known], shape[known]) for pose in (points, points[order]))
                if swapped < SWAPPED_BETTER * as_is:
                    yield str(one)


def _mean_shape(poses: Sequence[Points]) -> Points:
    shape = poses[0] - poses[0].mean(axis=0)
    for _ in range(3):
        shape = np.median([_fit(pose, shape) for pose in poses], axis=0)
    return shape


def _fit(pose: Points, shape: Points) -> Points:
    """A pose moved, turned and scaled onto a shape, and not mirrored."""
    a, b = (part[:, 0] + 1j * part[:, 1] for part in (pose - pose.mean(axis=0), shape - shape.mean(axis=0)))
    turn = (a.conj() @ b) / max(float((a.conj() @ a).real), 1e-12)
    fitted = turn * a
    return np.stack([fitted.real, fitted.imag], axis=1) + shape.mean(axis=0)


def _distance(pose: Points, shape: Points) -> float:
    return float(np.linalg.norm(_fit(pose, shape) - shape))


def _leaps(found: Sequence[_Labeled]) -> Iterator[str]:
    usual = _usual_size(found)
    centers: dict[tuple[sio.Video, str], list[tuple[int, Points, _Labeled]]] = defaultdict(list)
    for one in found:
        for points, name in zip(one.points, one.names, strict=True):
            if name and np.isfinite(points).all(axis=1).any() and not isinstance(one.video.filename, list):
                centers[one.video, name].append((one.frame_idx, np.nanmedian(points, axis=0), one))
    for (_, name), seen in centers.items():
        for (before, here, _), (frame, there, one) in pairwise(sorted(seen, key=lambda each: each[0])):
            way = float(np.hypot(*(there - here)))
            if 0 < frame - before <= LEAP_FRAMES and way > LEAP_SIZES * usual:
                yield f"{name}, {way:.0f} px from frame {before} to {one}"
