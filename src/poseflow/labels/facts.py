"""What a label file holds, read in little time: enough to plan a run and to check settings against it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from pathlib import PureWindowsPath
from typing import Any

import numpy as np
import sleap_io as sio

from poseflow.labels.clean import chosen_instances
from poseflow.labels.videos import frame_key, root_video

LabelFacts = dict[str, Any]
"""What the file holds, as JSON.

`frames`: number of frames with a label. `animals`: most of them in one frame. `nodes`: names, of the skeleton in use.
`identities`: names of the animals that some instance bears. `videos`: path of each labeled video, as the file gives it,
and whether its labels can test tracking: they have tracks and are dense (at least 20 frames, and one in ten of those
from the first to the last). `places`: by that path, labeled frames of each (at most 40 of them, spread over all): their
numbers, or names of images that have no number in it.
"""

SPREAD = 20


def describe_labels(labels: sio.Labels, include_predictions: bool) -> LabelFacts:
    """What labels hold; predicted instances count only if they are included."""
    chosen = {id(frame): chosen_instances(frame, include_predictions) for frame in labels.labeled_frames}
    frames = [frame for frame in labels.labeled_frames if chosen[id(frame)]]
    instances = [instance for frame in frames for instance in chosen[id(frame)]]
    return {
        "frames": len(frames),
        "animals": max((len(found) for found in chosen.values()), default=0),
        "nodes": list(instances[0].skeleton.node_names) if instances else [],
        "identities": sorted({instance.track.name for instance in instances if instance.track is not None}),
        "videos": {path_of(frame.video): False for frame in frames},
        "places": spread_frames([(frame.video, frame.frame_idx) for frame in frames]),
    }


def spread_frames(frames: Iterable[tuple[sio.Video, int]]) -> dict[str, list[int | str]]:
    """Of each video's labeled frames some that lie evenly among them, and some behind the widest gaps."""
    places: dict[str, set[int | str]] = defaultdict(set)
    for video, frame_idx in frames:
        key = frame_key(video, frame_idx)
        places[path_of(video)].add(key.number if key.numbered else key.image)
    return {
        path: _thin_out(sorted(found, key=lambda place: (str(place), 0) if isinstance(place, str) else ("", place)))
        for path, found in places.items()
    }


def _thin_out(places: list[int | str]) -> list[int | str]:
    if len(places) <= 2 * SPREAD:
        return places
    evenly = np.linspace(0, len(places) - 1, SPREAD).round().astype(int).tolist()
    gaps = [
        later - earlier for earlier, later in pairwise(places) if isinstance(later, int) and isinstance(earlier, int)
    ]
    behind = (np.argsort(gaps)[::-1][:SPREAD] + 1).tolist() if len(gaps) == len(places) - 1 else []
    return [places[index] for index in sorted({*evenly, *behind})]


def path_of(video: sio.Video) -> str:
    """Path of a recording as the file gives it; of a sequence of images, their folder's."""
    files = root_video(video).filename
    path = files if isinstance(files, str) else str(PureWindowsPath(files[0]).parent)
    return path.replace("\\", "/")


def is_dense(frame_idx: np.ndarray) -> bool:
    """Whether labels of these frames can test tracking."""
    numbers = np.unique(frame_idx)
    return bool(len(numbers) >= 20 and 10 * len(numbers) > numbers[-1] - numbers[0])
