"""DeepPoseKit's HDF5: annotation sets, which hold their images, and the poses that it found in a recording."""

from __future__ import annotations

import csv
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import sleap_io as sio

from poseflow.core.errors import LabelsError
from poseflow.labels.formats.content import decode_head, is_hdf5, open_hdf5, read_head
from poseflow.labels.formats.hdf5_file import dataset, opened
from poseflow.labels.formats.named_after import guess_recording
from poseflow.labels.formats.reader import LabelReader

logger = logging.getLogger(__name__)

WHAT = "a data set of DeepPoseKit"
SKELETON_COLUMNS = ("name", "parent", "swap")
MOST_BYTES = 1 << 20
"""Of a table of the skeleton."""


@dataclass(frozen=True)
class _Node:
    """A row of the table of a skeleton; parent and swap may be empty."""

    name: str
    parent: str = ""
    swap: str = ""


def recognize(path: Path) -> bool:
    """Whether a file has annotations, or poses, as DeepPoseKit names them."""
    if not is_hdf5(path):
        return False
    with open_hdf5(path) as file:
        return {"annotations", "annotated"} <= set(file) or isinstance(file.get("pose"), h5py.Dataset)


def read(path: Path) -> sio.Labels:
    """Read annotations, of which the points that a person has set count, or poses as predicted instances.

    Names of nodes are those of the skeleton's table (`name,parent,swap`) beside the file; without one, nodes are called
    1, 2, …. Poses are of the recording that the file is named after. Raises LabelsError.
    """
    with opened(path, WHAT) as file:
        return _read_annotations(file, path) if "annotations" in file else _read_poses(file, path)


def _read_annotations(file: h5py.File, path: Path) -> sio.Labels:
    points = np.asarray(dataset(file, "annotations", 3)[:], float)
    is_set = np.asarray(dataset(file, "annotated", 2)[:], bool)
    if points.shape[2:] != (2,) or points.shape[:2] != is_set.shape:
        raise ValueError(f"annotations must be x and y of {is_set.shape} images and nodes, got {points.shape}")
    points[~is_set] = np.nan
    nodes = _find_table(path, points.shape[1]) or [_Node(str(place + 1)) for place in range(points.shape[1])]
    if "skeleton" in file:
        nodes = _join(nodes, dataset(file, "skeleton", 2)[:].tolist())
    skeleton = _build(nodes, path)
    images = next((name for name, one in file.items() if getattr(one, "ndim", 0) == 4 and len(one) == len(points)), "")
    if not images:
        raise ValueError(f"there must be the images of {len(points)} annotations, got none")
    metadata = {"type": "HDF5Video", "filename": str(path), "dataset": images, "input_format": "channels_last"}
    video = sio.Video(filename=str(path), open_backend=False, backend_metadata=metadata)
    frames = []
    for number in np.flatnonzero(np.isfinite(points).all(axis=2).any(axis=1)).tolist():
        instance = sio.Instance.from_numpy(points[number], skeleton=skeleton)
        frames.append(sio.LabeledFrame(video=video, frame_idx=number, instances=[instance]))
    return sio.Labels(labeled_frames=frames, videos=[video], skeletons=[skeleton])


def _read_poses(file: h5py.File, path: Path) -> sio.Labels:
    poses = np.asarray(dataset(file, "pose", 4)[:], float)
    if poses.shape[3] != 3:
        raise ValueError(f"pose must be x, y and score of animals, frames and nodes, got {poses.shape}")
    count = poses.shape[2]
    skeleton = _build(_find_table(path, count) or [_Node(str(place + 1)) for place in range(count)], path)
    video = sio.Video(filename=guess_recording(path, path.stem), open_backend=False)
    tracks = [sio.Track(f"Track {number}") for number in range(len(poses))]
    is_known = np.isfinite(poses[..., :2]).all(axis=3)
    frames = []
    for frame_idx in np.flatnonzero(is_known.any(axis=(0, 2))).tolist():
        instances = []
        for animal in np.flatnonzero(is_known[:, frame_idx].any(axis=1)).tolist():
            known, score = is_known[animal, frame_idx], np.nan_to_num(poses[animal, frame_idx, :, 2])
            instances.append(
                sio.PredictedInstance.from_numpy(
                    np.where(known[:, None], poses[animal, frame_idx, :, :2], np.nan),
                    skeleton=skeleton,
                    point_scores=score,
                    score=float(score[known].mean()),
                    track=tracks[animal],
                )
            )
        frames.append(sio.LabeledFrame(video=video, frame_idx=frame_idx, instances=instances))
    return sio.Labels(labeled_frames=frames, videos=[video], skeletons=[skeleton], tracks=tracks)


def _find_table(path: Path, count: int) -> list[_Node] | None:
    """The skeleton's table of so many nodes beside a file; None: there is none."""
    tables = [
        [_Node(*row) for row in rows]
        for other in sorted(path.absolute().parent.glob("*.csv"))
        if len(rows := _read_table(other)) == count
    ]
    if any(table != tables[0] for table in tables):
        raise LabelsError(f"{path}: its skeleton must be in one table beside it, got several of {count} nodes")
    if not tables:
        logger.warning("%s: no table name,parent,swap of %d nodes is beside it; nodes have numbers", path, count)
    return tables[0] if tables else None


def _read_table(path: Path) -> list[tuple[str, ...]]:
    """Rows of the table of a skeleton; none of another file."""
    if not path.is_file() or path.stat().st_size > MOST_BYTES:
        return []
    head = next(csv.reader(decode_head(read_head(path)).splitlines()[:1]), [])
    columns = [name.strip().lower() for name in head]
    if not set(SKELETON_COLUMNS) <= set(columns):
        return []
    rows = list(csv.reader(path.read_text(encoding="utf-8-sig", errors="replace").splitlines()))[1:]
    places = [columns.index(name) for name in SKELETON_COLUMNS]
    return [tuple(row[place].strip() for place in places) for row in rows if len(row) > max(places)]


def _join(nodes: Sequence[_Node], pairs: Sequence[Sequence[int]]) -> list[_Node]:
    """Nodes with the parents and counterparts that the file numbers; a negative number is none."""
    if len(pairs) != len(nodes) or any(number >= len(nodes) for pair in pairs for number in pair):
        raise ValueError(f"skeleton must have parent and swap of {len(nodes)} nodes, got {pairs}")
    names = [node.name for node in nodes]
    linked = [[names[number] if number >= 0 else "" for number in pair[:2]] for pair in pairs]
    return [_Node(name, *own) for name, own in zip(names, linked, strict=True)]


def _build(nodes: Sequence[_Node], path: Path) -> sio.Skeleton:
    names = [node.name for node in nodes]
    ends = [end for node in nodes for end in (node.parent, node.swap) if end]
    if len(set(names)) < len(names) or not set(ends) <= set(names):
        raise LabelsError(f"{path}: the table of its skeleton must name each node once, and its parents, got {names}")
    edges = [(node.parent, node.name) for node in nodes if node.parent]
    pairs = {tuple(sorted((node.name, node.swap))) for node in nodes if node.swap and node.swap != node.name}
    return sio.Skeleton(nodes=names, edges=edges, symmetries=sorted(pairs), name="Skeleton")


DEEPPOSEKIT = LabelReader("DeepPoseKit .h5", recognize, read)
