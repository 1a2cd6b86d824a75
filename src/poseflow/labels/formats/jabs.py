"""Pose files of JABS, HDF5 of versions 2 to 6: mice of twelve nodes, in whole px, as its networks found them."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import h5py
import numpy as np
import sleap_io as sio
from numpy.typing import NDArray

from poseflow.labels.formats.content import is_hdf5, open_hdf5
from poseflow.labels.formats.hdf5_file import dataset, opened
from poseflow.labels.formats.named_after import guess_recording
from poseflow.labels.formats.reader import LabelReader

logger = logging.getLogger(__name__)

WHAT = "a pose file of JABS"
NODES = (
    "NOSE", "LEFT_EAR", "RIGHT_EAR", "BASE_NECK", "LEFT_FRONT_PAW", "RIGHT_FRONT_PAW", "CENTER_SPINE", "LEFT_REAR_PAW",
    "RIGHT_REAR_PAW", "BASE_TAIL", "MID_TAIL", "TIP_TAIL",
)  # fmt: skip
EDGES = ((3, 0), (3, 6), (6, 9), (9, 10), (10, 11), (0, 1), (0, 2), (6, 4), (6, 5), (9, 7), (9, 8))
SYMMETRIES = ((1, 2), (4, 5), (7, 8))
SINGLE, TRACKLETS = 2, 3
"""Versions of one mouse without a name, and of mice that are numbered by tracklet; later ones number them by mouse."""


def recognize(path: Path) -> bool:
    """Whether a file has the points of JABS."""
    if not is_hdf5(path):
        return False
    with open_hdf5(path) as file:
        return isinstance(file.get("poseest"), h5py.Group) and "points" in file["poseest"]


def read(path: Path) -> sio.Labels:
    """Read a file: predicted instances, of tracks called by their numbers; a confidence of 0 is a missing point.

    The recording is the one that the file is named after (`cage_pose_est_v4.h5`). Raises LabelsError.
    """
    with opened(path, WHAT) as file:
        points, scores = _read_poses(file["poseest"])
        numbers = _number_animals(file["poseest"], points.shape[0], points.shape[1])
        static = list(file["static_objects"]) if isinstance(file.get("static_objects"), h5py.Group) else []
    if static:
        logger.warning("%s: objects that are no animals are left out: %s", path, ", ".join(static))
    stem = re.sub(r"_pose_est(_v\d+)?$", "", path.stem)
    video = sio.Video(filename=guess_recording(path, stem), open_backend=False)
    skeleton = sio.Skeleton(nodes=list(NODES), edges=list(EDGES), symmetries=list(SYMMETRIES), name="Mouse")
    tracks: dict[int, sio.Track] = {}
    found: dict[int, list[sio.Instance]] = {}
    for frame_idx, place in np.argwhere((scores > 0).any(axis=2) & (numbers >= 0)).tolist():
        number, own = int(numbers[frame_idx, place]), scores[frame_idx, place]
        instance = sio.PredictedInstance.from_numpy(
            np.where(own[:, None] > 0, points[frame_idx, place], np.nan),
            skeleton=skeleton,
            point_scores=np.where(own > 0, own, 0),
            score=float(own[own > 0].mean()),
            track=tracks.setdefault(number, sio.Track(str(number))),
        )
        found.setdefault(frame_idx, []).append(instance)
    frames = [sio.LabeledFrame(video=video, frame_idx=number, instances=own) for number, own in found.items()]
    return sio.Labels(labeled_frames=frames, videos=[video], skeletons=[skeleton], tracks=list(tracks.values()))


def _read_poses(group: h5py.Group) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points, (frames, animals, nodes, 2) as (x, y), and their confidence."""
    is_single = group["points"].ndim == 3
    points = np.asarray(dataset(group, "points", 3 if is_single else 4)[:], float)[..., ::-1]
    scores = np.asarray(dataset(group, "confidence", 2 if is_single else 3)[:], float)
    if points.shape[-2:] != (len(NODES), 2) or points.shape[:-1] != scores.shape:
        got = f"{points.shape} and a confidence of {scores.shape}"
        raise ValueError(f"points must be y and x of {len(NODES)} nodes, each with a confidence, got {got}")
    if not np.isfinite(points[scores > 0]).all():
        raise ValueError("points that have a confidence must be numbers, got infinite or missing ones")
    return (points[:, None], scores[:, None]) if is_single else (points, scores)


def _number_animals(group: h5py.Group, frames: int, animals: int) -> NDArray[np.int64]:
    """Track of each pose, (frames, animals); -1: it is none."""
    version = int(np.ravel(group.attrs.get("version", SINGLE))[0])
    if version <= SINGLE:
        return np.ones((frames, animals), np.int64)
    name = "instance_track_id" if version == TRACKLETS else "instance_embed_id"
    numbers = np.asarray(dataset(group, name, 2)[:], np.int64)
    if numbers.shape != (frames, animals):
        raise ValueError(f"{name} must be of {frames} frames and {animals} animals, got {numbers.shape}")
    if version != TRACKLETS:
        return np.where(numbers > 0, numbers, -1)
    counts = dataset(group, "instance_count", 1)[:]
    if counts.shape != (frames,) or counts.max(initial=0) > animals:
        raise ValueError(f"instance_count must be at most {animals}, of {frames} frames, got others")
    return np.where(np.arange(animals) < counts[:, None], numbers, -1)


JABS = LabelReader("JABS _pose_est_v*.h5", recognize, read)
