"""One reader for each format of label files; all give sleap-io's labels. What a file is, its content tells."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path, PureWindowsPath
from typing import Any

import sleap_io as sio

from poseflow.core.errors import LabelsError
from poseflow.labels.coco import read_coco
from poseflow.labels.deeplabcut import read_deeplabcut
from poseflow.labels.recognition import (
    COCO,
    DEEPLABCUT,
    DEEPLABCUT_H5,
    JSON,
    READ_FORMATS,
    SLEAP,
    describe_json,
    one_line,
    open_hdf5,
    raise_if_machine_failed,
    recognize,
)
from poseflow.labels.sources import settle_sources
from poseflow.labels.videos import root_video

logger = logging.getLogger(__name__)

# What sleap-io raises on files that are not what they should be.
DAMAGED = (OSError, KeyError, IndexError, ValueError, TypeError, AttributeError, RecursionError)


def read_label_file(path: Path) -> sio.Labels:
    """Read one label file of any format that is known, whatever its name; no video is opened.

    Edges and symmetries that join a node to itself are left out, with a warning.

    Raises:
        LabelsError: The file is absent, empty, of another format, or damaged; says which format was recognized.
        OSError: The machine failed to read it; names the file.
    """
    name = check_label_file(path)
    labels = READERS[name](path)
    for skeleton in labels.skeletons:
        _check_skeleton(skeleton, path)
    return labels


def check_label_file(path: Path) -> str:
    """The format of a label file, found out by reading little.

    Raises:
        LabelsError, OSError: As `read_label_file`.
    """
    if not path.is_file():
        raise LabelsError(f"{path} must be a label file, got {'a folder' if path.is_dir() else 'no such file'}")
    if path.stat().st_size == 0:
        raise LabelsError(f"{path} must be a label file, got an empty one")
    name = recognize(path)
    if name not in READERS:
        raise LabelsError(f"{path} must be a label file ({READ_FORMATS}), got {name}")
    return name


def _read_slp(path: Path) -> sio.Labels:
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


def _read_deeplabcut_h5(path: Path) -> sio.Labels:
    """The labels of the CSV beside it: the columns' names in the HDF5 file are pickles, which could run anything."""
    with open_hdf5(path) as file:
        columns = [str(group.attrs.get("non_index_axes")) for group in file.values()]
    if any("likelihood" in names for names in columns):
        raise LabelsError(
            f"{path} must hold labels, got DeepLabCut's predictions (it has columns of likelihood); "
            f"labels are in labeled-data/*/CollectedData_*.csv"
        )
    table = path.with_suffix(".csv")
    if not table.is_file():
        raise LabelsError(f"{path} must have its {table.name} beside it (DeepLabCut writes both), got no such file")
    return read_deeplabcut(table)


def _read_json(path: Path) -> sio.Labels:
    try:
        content: Any = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise LabelsError(
            f"{path} must be a COCO file, got a damaged JSON (cut off, or still being written?): {one_line(error)}"
        ) from error
    name = describe_json(content)
    if name != COCO:
        raise LabelsError(f"{path} must be a label file ({READ_FORMATS}), got {name}")
    missing = [key for key in ("images", "annotations", "categories") if not content.get(key)]
    if missing:
        raise LabelsError(
            f"{path} must be a COCO file with images, annotations and categories, got no {' and no '.join(missing)}"
        )
    return read_coco(content, path)


READERS: dict[str, Callable[[Path], sio.Labels]] = {
    SLEAP: _read_slp,
    DEEPLABCUT: read_deeplabcut,
    DEEPLABCUT_H5: _read_deeplabcut_h5,
    JSON: _read_json,
}


def _check_skeleton(skeleton: sio.Skeleton, path: Path) -> None:
    """Leave out what joins a node to itself; raises LabelsError where nodes are not distinct."""
    names = skeleton.node_names
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise LabelsError(f"{path} must name each node once, got several of {', '.join(twice)}")
    loops = [edge.source.name for edge in skeleton.edges if edge.source is edge.destination]
    loops += [node.name for symmetry in skeleton.symmetries for node in symmetry.nodes if len(symmetry.nodes) < 2]
    if loops:
        skeleton.edges = [edge for edge in skeleton.edges if edge.source is not edge.destination]
        skeleton.symmetries = [symmetry for symmetry in skeleton.symmetries if len(symmetry.nodes) == 2]
        logger.warning("%s: edges that join a node to itself are left out: %s", path, _names(loops))


def _names(names: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(names))
