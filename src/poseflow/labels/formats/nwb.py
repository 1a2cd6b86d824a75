"""Labels in NWB 2, by the extension ndx-pose: a PoseTraining with its frames and the videos that they are of."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath

import h5py
import numpy as np
import sleap_io as sio

from poseflow.core.errors import LabelsError
from poseflow.labels.formats.content import is_hdf5, open_hdf5
from poseflow.labels.formats.hdf5_file import dataset, opened, text
from poseflow.labels.formats.reader import LabelReader
from poseflow.labels.hidden import Marks, Points, build_instance
from poseflow.labels.image_paths import image_videos, parse_image_path, place_images
from poseflow.media.stills import IMAGE_SUFFIXES

logger = logging.getLogger(__name__)

WHAT = "an NWB file with labels (PoseTraining of ndx-pose)"

Place = tuple[sio.Video, int]


def recognize(path: Path) -> bool:
    """Whether a file is NWB and has a PoseTraining."""
    if not is_hdf5(path):
        return False
    with open_hdf5(path) as file:
        return "nwb_version" in file.attrs and bool(_find_training(file))


def read(path: Path) -> sio.Labels:
    """Read labels; a point that is not visible is hidden where it has a place, as sleap-io writes them, else missing.

    Animals have names where the file has a table of subjects (ndx-multisubjects), whose rows the instances' ids are;
    else ids count the animals of a frame. Raises LabelsError.
    """
    with opened(path, WHAT) as file:
        groups = [
            frame
            for training in _find_training(file)
            for frames in _of_type(training, "TrainingFrames")
            for frame in _of_type(frames, "TrainingFrame")
        ]
        skeletons: dict[int, sio.Skeleton] = {}
        places = _find_places(groups, path)
        tracks = [sio.Track(name) for name in _read_subjects(file)]
        found: dict[Place, list[sio.Instance]] = {}
        hidden_points = 0
        for group, place in zip(groups, places, strict=True):
            own = found.setdefault(place, [])
            for holder in _of_type(group, "SkeletonInstances"):
                for each in _of_type(holder, "SkeletonInstance"):
                    skeleton = _skeleton(each, skeletons)
                    points, hidden = _read_points(each, len(skeleton.nodes))
                    hidden_points += int(hidden.sum())
                    number = int(each.attrs.get("id", -1))
                    track = tracks[number] if 0 <= number < len(tracks) else None
                    own.append(build_instance(points, hidden, skeleton, track))
    if hidden_points:
        logger.warning(
            "%s: %d points that are not visible and have coordinates count with labels.keep_hidden only",
            path, hidden_points,
        )  # fmt: skip
    frames = [sio.LabeledFrame(video=video, frame_idx=number, instances=own) for (video, number), own in found.items()]
    videos = list(dict.fromkeys(video for video, _ in found))
    return sio.Labels(labeled_frames=frames, videos=videos, skeletons=list(skeletons.values()), tracks=tracks)


def _find_training(file: h5py.File) -> list[h5py.Group]:
    modules = file.get("processing")
    found: list[h5py.Group] = []
    for module in modules.values() if isinstance(modules, h5py.Group) else ():
        found += _of_type(module, "PoseTraining") if isinstance(module, h5py.Group) else []
    return found


def _of_type(group: h5py.Group, name: str) -> list[h5py.Group]:
    """Groups of a type in a group, in natural order: frame_2 comes before frame_10."""
    keys = sorted(group, key=lambda key: [(part.zfill(20), part) for part in re.split(r"(\d+)", key)])
    found = [group.get(key) for key in keys]
    return [one for one in found if isinstance(one, h5py.Group) and text(one.attrs.get("neurodata_type", "")) == name]


def _address(group: h5py.Group) -> int:
    """What tells a group, by whatever link it was reached."""
    return int(h5py.h5o.get_info(group.id).addr)


def _find_places(groups: list[h5py.Group], path: Path) -> list[Place]:
    """Video and frame of each training frame."""
    files: dict[int, list[str]] = {}
    wanted = []
    for group in groups:
        series = group.get("source_video")
        if not isinstance(series, h5py.Group) or "source_video_frame_index" not in group.attrs:
            raise LabelsError(
                f"{path}: a training frame must have its source video and its index, got {group.name} without"
            )
        address = _address(series)
        if address not in files:
            files[address] = _read_files(series)
        wanted.append((address, int(group.attrs["source_video_frame_index"])))
    images = [name for names in files.values() if _are_images(names) for name in names]
    placed = place_images([parse_image_path(name) for name in images], path)
    videos = image_videos(placed)
    of_image = dict(zip(images, (videos[one] for one in placed), strict=True))
    whole = {
        address: sio.Video(filename=names[0], open_backend=False)
        for address, names in files.items()
        if not _are_images(names)
    }
    return [_place(files[address], number, of_image, whole.get(address)) for address, number in wanted]


def _place(names: list[str], number: int, of_image: Mapping[str, Place], whole: sio.Video | None) -> Place:
    if whole is not None:
        return whole, number
    if not 0 <= number < len(names):
        raise ValueError(f"a frame must be one of the {len(names)} images of its source video, got number {number}")
    return of_image[names[number]]


def _read_files(series: h5py.Group) -> list[str]:
    names = [text(name) for name in dataset(series, "external_file", 1)[:]]
    if not names or not (len(names) == 1 or _are_images(names)):
        raise ValueError(f"{series.name} must name one video, or images, got {names or 'none'}")
    return names


def _are_images(names: list[str]) -> bool:
    return all(PureWindowsPath(name).suffix.lower() in IMAGE_SUFFIXES for name in names)


def _read_subjects(file: h5py.File) -> list[str]:
    """Names of the animals, by their rows in the table of subjects; none where there is no such table."""
    general = file.get("general")
    for table in _of_type(general, "SubjectsTable") if isinstance(general, h5py.Group) else ():
        return [text(name) for name in dataset(table, "subject_id", 1)[:]]
    return []


def _skeleton(instance: h5py.Group, known: dict[int, sio.Skeleton]) -> sio.Skeleton:
    linked = _of_type(instance, "Skeleton")  # the link is called as the skeleton is
    if len(linked) != 1:
        raise ValueError(f"{instance.name} must have its skeleton, got {len(linked) or 'none'}")
    (group,) = linked
    address = _address(group)
    if address not in known:
        nodes = [text(name) for name in dataset(group, "nodes", 1)[:]]
        edges = dataset(group, "edges", 2)[:].tolist() if "edges" in group and group["edges"].ndim == 2 else []
        known[address] = sio.Skeleton(nodes=nodes, edges=edges, name=group.name.rsplit("/", 1)[-1])
    return known[address]


def _read_points(instance: h5py.Group, nodes: int) -> tuple[Points, Marks]:
    """Points (nodes, 2), and which of them are hidden."""
    points = np.asarray(dataset(instance, "node_locations", 2)[:], float)
    if points.shape != (nodes, 2):
        raise ValueError(f"{instance.name} must have x and y of {nodes} nodes, got {points.shape}")
    if "node_visibility" not in instance:
        return points, np.zeros(nodes, bool)
    seen = np.asarray(dataset(instance, "node_visibility", 1)[:], bool)
    if seen.shape != (nodes,):
        raise ValueError(f"{instance.name} must have the visibility of {nodes} nodes, got {seen.shape}")
    hidden = ~seen & np.isfinite(points).all(axis=1)
    points[~seen & ~hidden] = np.nan
    return points, hidden


NWB = LabelReader("NWB (ndx-pose's PoseTraining) .nwb", recognize, read)
