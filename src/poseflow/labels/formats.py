"""One reader for each format of label files; all give sleap-io's labels."""

from __future__ import annotations

import csv
import json
import warnings
from collections.abc import Callable
from pathlib import Path, PureWindowsPath

import h5py
import sleap_io as sio

from poseflow.errors import LabelsError
from poseflow.labels.sources import settle_sources
from poseflow.labels.videos import root_video

# What sleap-io raises on files that are not what they should be.
DAMAGED = (OSError, KeyError, IndexError, ValueError, TypeError)


def read_label_file(path: Path) -> sio.Labels:
    """Read one label file of any format that is known; no video is opened.

    Raises:
        LabelsError: The file is absent, empty, of no known format, or damaged.
    """
    if not path.is_file():
        raise LabelsError(f"{path} must be a label file, got no such file")
    if path.stat().st_size == 0:
        raise LabelsError(f"{path} must be a label file, got an empty one")
    if path.suffix.lower() not in READERS:
        raise LabelsError(f"{path} must be a label file (one of {', '.join(READERS)}), got suffix {path.suffix!r}")
    return READERS[path.suffix.lower()](path)


def _read_slp(path: Path) -> sio.Labels:
    if not h5py.is_hdf5(path):
        raise LabelsError(f"{path} must be a SLEAP label file (HDF5), got something else")
    try:
        labels = sio.load_slp(str(path), open_videos=False)
    except DAMAGED as error:
        raise LabelsError(f"{path} must be a SLEAP label file, got a damaged one: {_one_line(error)}") from error
    for video in labels.videos:
        _name_imgstore(root_video(video))
    settle_sources(labels, path)
    return labels


def _name_imgstore(video: sio.Video) -> None:
    """SLEAP names an imgstore by the `metadata.yaml` in its folder; here the folder is the recording."""
    if isinstance(video.filename, str) and PureWindowsPath(video.filename).name == "metadata.yaml":
        video.filename = PureWindowsPath(video.filename).parent.as_posix()


def _read_deeplabcut(path: Path) -> sio.Labels:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        rows = list(csv.reader(file))
    if len(rows) < 4 or rows[0][:1] != ["scorer"]:
        raise LabelsError(f"{path} must be DeepLabCut's CollectedData (first cell 'scorer'), got another table")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            labels = sio.load_dlc(str(path))
    except DAMAGED as error:
        raise LabelsError(
            f"{path} must be DeepLabCut's CollectedData, got a damaged one: {_one_line(error)}"
        ) from error
    header = next(row for row in rows if row[0] == "bodyparts")
    start = next(number for number, row in enumerate(rows) if row[0] == "coords") + 1
    found = {Path(name).name for video in labels.videos for name in video.filename}
    missing = [name for row in rows[start:] if (name := _image_of(row)) not in found]
    if missing:
        raise LabelsError(f"{path}: each labeled image must lie in the table's folder, {missing[0]} does not")
    # sleap-io sorts body parts by name; the table's order is the one that people know.
    known = labels.skeletons[0].node_names
    labels.reorder_nodes(list(dict.fromkeys(name for name in header[1:] if name in known)))
    return labels


def _image_of(row: list[str]) -> str:
    """File name of a row's image, which is in one cell (folder/folder/image) or, in newer versions, in three."""
    return row[2] if row[0] == "labeled-data" else PureWindowsPath(row[0]).name


def _read_deeplabcut_h5(path: Path) -> sio.Labels:
    table = path.with_suffix(".csv")
    if not table.is_file():
        raise LabelsError(f"{path} must have its {table.name} beside it (DeepLabCut writes both), got no such file")
    return _read_deeplabcut(table)


def _read_coco(path: Path) -> sio.Labels:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise LabelsError(f"{path} must be a COCO file, got no JSON: {_one_line(error)}") from error
    if not isinstance(content, dict) or not {"images", "annotations", "categories"} <= content.keys():
        raise LabelsError(f"{path} must be a COCO file with images, annotations and categories, got another JSON")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            labels = sio.load_coco(str(path))
    except DAMAGED as error:
        raise LabelsError(f"{path} must be a COCO file with keypoints, got: {_one_line(error)}") from error
    if len(labels.labeled_frames) < len(content["images"]):
        raise LabelsError(
            f"{path}: each image must lie in the file's folder or below, "
            f"got {len(labels.labeled_frames)} of {len(content['images'])}"
        )
    return labels


READERS: dict[str, Callable[[Path], sio.Labels]] = {
    ".slp": _read_slp,
    ".csv": _read_deeplabcut,
    ".h5": _read_deeplabcut_h5,
    ".json": _read_coco,
}


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
