"""What a label file holds, read in little time: enough to plan a run and to check settings against it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path, PureWindowsPath
from typing import Any

import h5py
import numpy as np
import sleap_io as sio
from sleap_io.io.slp import read_skeletons, read_videos

from poseflow.core.errors import LabelsError
from poseflow.labels.clean import chosen_instances
from poseflow.labels.formats import DAMAGED, check_label_file, read_label_file
from poseflow.labels.recognition import SLEAP, one_line, raise_if_machine_failed
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
PREDICTED = 1  # SLEAP's code for the type of an instance


def describe_label_file(path: Path, include_predictions: bool) -> LabelFacts:
    """Describe a label file of any format that is read; opens no video and no image.

    Raises: LabelsError naming the file where it is damaged or of no known format; OSError where the machine failed.
    """
    if check_label_file(path) == SLEAP:
        try:
            return _describe_slp(path, include_predictions)
        except DAMAGED as error:
            raise_if_machine_failed(error, path)
            raise LabelsError(f"{path} must be a SLEAP label file, got a damaged one: {one_line(error)}") from None
    return _describe(read_label_file(path), include_predictions)


def _describe_slp(path: Path, include_predictions: bool) -> LabelFacts:
    """From the file's tables, since it may hold millions of predictions."""
    with h5py.File(path) as file:
        if "frames" not in file or "instances" not in file:
            return {"frames": 0, "animals": 0, "nodes": [], "identities": [], "videos": {}, "places": {}}
        frames, instances = file["frames"][:], file["instances"][:]
        names = [json.loads(text)[1] for text in file["tracks_json"][:]] if "tracks_json" in file else []
    if not include_predictions:
        instances = instances[instances["instance_type"] != PREDICTED]
    places = {int(number): place for place, number in enumerate(frames["frame_id"])}
    numbers, animals = np.unique(instances["frame_id"], return_counts=True)
    labeled = frames[[places[number] for number in numbers.tolist()]]
    videos, skeletons = read_videos(str(path), open_backend=False), read_skeletons(str(path))
    used = np.unique(instances["skeleton"]).tolist()
    identities = [names[track] for track in np.unique(instances["track"]).tolist() if 0 <= track < len(names)]
    return {
        "frames": len(np.unique(labeled[["video", "frame_idx"]])),
        "animals": int(animals.max(initial=0)),
        "nodes": list(skeletons[used[0]].node_names) if used else [],
        "identities": identities,
        "videos": {
            _path_of(videos[video]): bool(identities) and _is_dense(labeled["frame_idx"][labeled["video"] == video])
            for video in np.unique(labeled["video"]).tolist()
        },
        "places": _spread([(videos[row["video"]], int(row["frame_idx"])) for row in labeled]),
    }


def _describe(labels: sio.Labels, include_predictions: bool) -> LabelFacts:
    chosen = {id(frame): chosen_instances(frame, include_predictions) for frame in labels.labeled_frames}
    frames = [frame for frame in labels.labeled_frames if chosen[id(frame)]]
    instances = [instance for frame in frames for instance in chosen[id(frame)]]
    return {
        "frames": len(frames),
        "animals": max((len(found) for found in chosen.values()), default=0),
        "nodes": list(instances[0].skeleton.node_names) if instances else [],
        "identities": sorted({instance.track.name for instance in instances if instance.track is not None}),
        "videos": {_path_of(frame.video): False for frame in frames},
        "places": _spread([(frame.video, frame.frame_idx) for frame in frames]),
    }


def _spread(frames: Iterable[tuple[sio.Video, int]]) -> dict[str, list[int | str]]:
    """Of each video's labeled frames some that lie evenly among them, and some behind the widest gaps."""
    places: dict[str, set[int | str]] = defaultdict(set)
    for video, frame_idx in frames:
        key = frame_key(video, frame_idx)
        places[_path_of(video)].add(key.number if key.numbered else key.image)
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


def _path_of(video: sio.Video) -> str:
    """Path of a recording as the file gives it; of a sequence of images, their folder's."""
    files = root_video(video).filename
    path = files if isinstance(files, str) else str(PureWindowsPath(files[0]).parent)
    return path.replace("\\", "/")


def _is_dense(frame_idx: np.ndarray) -> bool:
    numbers = np.unique(frame_idx)
    return bool(len(numbers) >= 20 and 10 * len(numbers) > numbers[-1] - numbers[0])
