"""SLEAP's label files, `.slp` and `.pkg.slp`."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
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
from poseflow.labels.videos import is_embedded, plain_name, root_video

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
        # Of embedded images sleap-io knows their frames' numbers of videos (`number_videos`) by what it has opened.
        is_numbered = _is_numbered_by_images(path)
        labels = sio.load_slp(str(path), open_videos=is_numbered)
    except DAMAGED as error:
        raise_if_machine_failed(error, path)
        raise LabelsError(f"{path} must be a SLEAP label file, got a damaged one: {one_line(error)}") from error
    for video in labels.videos if is_numbered else ():
        video.close()
        video.open_backend = False
    for video in labels.videos:
        name_imgstore(video)
    settle_sources(labels, path)
    return labels


def name_imgstore(video: sio.Video) -> None:
    """SLEAP names an imgstore by the `metadata.yaml` in its folder; here the folder is the recording."""
    video = root_video(video)
    if isinstance(video.filename, str) and PureWindowsPath(video.filename).name == "metadata.yaml":
        video.filename = PureWindowsPath(video.filename).parent.as_posix()


def number_videos(videos: Sequence[sio.Video], numbers: Collection[int]) -> dict[int, sio.Video]:
    """A file's videos by the numbers that its frames give them.

    These are places in the list of videos; or, in a package that was made of a part of a project, the numbers in the
    names of the groups that hold the images (`video15/video`).

    Args:
        numbers: all that frames of the file have.

    Source: sleap-io, `sleap_io/io/slp.py`, `read_labels`.
    """
    if set(numbers) == set(range(len(videos))):
        return dict(enumerate(videos))
    numbered = {}
    for place, video in enumerate(videos):
        group = re.match(r"video(\d+)/", str(video.backend_metadata.get("dataset")))
        numbered[int(group[1]) if group else place] = video
    return numbered


def _is_numbered_by_images(path: Path) -> bool:
    videos = read_videos(str(path), open_backend=False)
    with h5py.File(path) as file:
        numbers = np.unique(file["frames"]["video"]).tolist() if "frames" in file else []
    if number_videos(videos, numbers) == dict(enumerate(videos)):
        return False
    if not all(map(is_embedded, videos)):
        raise ValueError("images must be embedded of all videos or of none, got some")
    return True


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
    of_instances = frames[[positions[number] for number in instances["frame_id"].tolist()]][["video", "frame_idx"]]
    labeled, animals = np.unique(of_instances, return_counts=True)  # a frame may be listed twice
    videos = number_videos(read_videos(str(path), open_backend=False), np.unique(frames["video"]).tolist())
    skeletons = read_skeletons(str(path))
    used = np.unique(instances["skeleton"]).tolist()
    tracks = [track for track in np.unique(instances["track"]).tolist() if 0 <= track < len(names)]
    identities = [name for name in dict.fromkeys(names[track] for track in tracks) if name]
    return {
        "frames": len(labeled),
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
