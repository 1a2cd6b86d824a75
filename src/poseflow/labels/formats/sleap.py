"""SLEAP's label files, `.slp` and `.pkg.slp`."""

from __future__ import annotations

import json
from pathlib import Path, PureWindowsPath

import h5py
import numpy as np
import sleap_io as sio
from sleap_io.io.slp import read_skeletons, read_videos

from poseflow.core.errors import LabelsError
from poseflow.labels.facts import LabelFacts, is_dense, path_of, spread_frames
from poseflow.labels.formats.content import DAMAGED, is_hdf5, one_line, open_hdf5, raise_if_machine_failed
from poseflow.labels.formats.reader import LabelReader
from poseflow.labels.sources import settle_sources
from poseflow.labels.videos import plain_name, root_video

PREDICTED = 1  # SLEAP's code for the type of an instance


def recognize(path: Path) -> bool:
    """Whether a file is SLEAP's HDF5 of labels; not its analysis HDF5."""
    if not is_hdf5(path):
        return False
    with open_hdf5(path) as file:
        return "metadata" in file and bool({"frames", "instances", "videos_json", "tracks_json"} & set(file))


def read(path: Path) -> sio.Labels:
    """Read a label file; each video is one recording, seen whole. Raises LabelsError."""
    try:
        labels = sio.load_slp(str(path), open_videos=False)
    except DAMAGED as error:
        raise_if_machine_failed(error, path)
        raise LabelsError(f"{path} must be a SLEAP label file, got a damaged one: {one_line(error)}") from error
    for video in labels.videos:
        _name_imgstore(root_video(video))
    settle_sources(labels, path)
    return labels


def _name_imgstore(video: sio.Video) -> None:
    """SLEAP names an imgstore by the `metadata.yaml` in its folder; here the folder is the recording."""
    if isinstance(video.filename, str) and PureWindowsPath(video.filename).name == "metadata.yaml":
        video.filename = PureWindowsPath(video.filename).parent.as_posix()


def describe(path: Path, include_predictions: bool) -> LabelFacts:
    """What a file holds, from its tables, since it may hold millions of predictions; raises LabelsError."""
    try:
        return _describe(path, include_predictions)
    except DAMAGED as error:
        raise_if_machine_failed(error, path)
        raise LabelsError(f"{path} must be a SLEAP label file, got a damaged one: {one_line(error)}") from None


def _describe(path: Path, include_predictions: bool) -> LabelFacts:
    with h5py.File(path) as file:
        if "frames" not in file or "instances" not in file:
            return {"frames": 0, "animals": 0, "nodes": [], "identities": [], "videos": {}, "places": {}}
        frames, instances = file["frames"][:], file["instances"][:]
        names = [plain_name(json.loads(text)[1]) for text in file["tracks_json"][:]] if "tracks_json" in file else []
    if not include_predictions:
        instances = instances[instances["instance_type"] != PREDICTED]
    positions = {int(number): position for position, number in enumerate(frames["frame_id"])}
    numbers, animals = np.unique(instances["frame_id"], return_counts=True)
    labeled = frames[[positions[number] for number in numbers.tolist()]]
    videos, skeletons = read_videos(str(path), open_backend=False), read_skeletons(str(path))
    used = np.unique(instances["skeleton"]).tolist()
    tracks = [track for track in np.unique(instances["track"]).tolist() if 0 <= track < len(names)]
    identities = [name for name in dict.fromkeys(names[track] for track in tracks) if name]
    return {
        "frames": len(np.unique(labeled[["video", "frame_idx"]])),
        "animals": int(animals.max(initial=0)),
        "nodes": list(skeletons[used[0]].node_names) if used else [],
        "identities": identities,
        "videos": {
            path_of(videos[video]): bool(identities) and is_dense(labeled["frame_idx"][labeled["video"] == video])
            for video in np.unique(labeled["video"]).tolist()
        },
        "places": spread_frames([(videos[row["video"]], int(row["frame_idx"])) for row in labeled]),
    }


SLEAP = LabelReader("SLEAP .slp and .pkg.slp", recognize, read, describe)
