"""What a file is, told by its content: the name may be anything."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import h5py

from poseflow.core.errors import LabelsError
from poseflow.media.hdf5_links import find_outside
from poseflow.media.reading import raise_if_unread, read_error

HEAD_BYTES = 4096

# What is read; the texts stand in messages.
SLEAP = "a SLEAP label file"
DEEPLABCUT = "DeepLabCut's CollectedData"
DEEPLABCUT_H5 = "a DeepLabCut HDF5 table"
COCO = "a COCO file"
JSON = "a JSON file"
READ_FORMATS = "SLEAP .slp and .pkg.slp, DeepLabCut CollectedData_*.csv/.h5, COCO .json"

# Files known by their first bytes that are no label files, or of a format that is not read.
SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"MATLAB 5.0 MAT-file", "a MATLAB file (LEAP's labels, for one)"),
    (b"MATLAB 7.3 MAT-file", "a MATLAB file"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"PAR1", "a Parquet table"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"RIFF", "a video"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"%YAML", "a YAML file"),
)

# HDF5 files by a member or attribute that only they have; the first that fits counts.
HDF5_MEMBERS: tuple[tuple[str, str], ...] = (
    ("track_occupancy", "a SLEAP analysis HDF5 (predictions)"),
    ("poseest", "a JABS pose file"),
    ("model_weights", "a Keras model"),
    ("layers", "Keras weights"),
    ("_layer_checkpoint_dependencies", "Keras weights"),
    ("pose", "a DeepPoseKit data set"),
    ("box", "LEAP's images"),
    ("position", "a netCDF file (of movement, for one)"),
    ("images", "images in HDF5"),
)

# Tables by the cells of their first row, in lower case, that only they have.
TABLE_COLUMNS: tuple[tuple[set[str], str], ...] = (
    ({"track", "frame_idx", "instance.score"}, "a SLEAP analysis CSV (predictions)"),
    ({"frame_idx", "instance.score"}, "a SLEAP analysis CSV (predictions)"),
    ({"name", "parent", "swap"}, "a DeepPoseKit skeleton"),
    ({"filename", "region_shape_attributes"}, "a table of the VGG Image Annotator"),
    ({"individual", "keypoint", "x", "y"}, "an aniframe table"),
)


def recognize(path: Path) -> str:
    """What a file is: one of the formats that are read (`SLEAP`, `DEEPLABCUT`, …), or a description of another.

    Reads the first bytes, and of an HDF5 file the names of its members. A `JSON` file is told apart by
    `describe_json` when it has been parsed.

    Raises:
        LabelsError: An HDF5 file is damaged, cut off or just being written.
        OSError: The file cannot be read at the moment; says which.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if h5py.is_hdf5(path) and not head.startswith(b"MATLAB"):
        return _describe_hdf5(path)
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        raise LabelsError(f"{path} must be a label file, got a damaged HDF5 file (cut off, or still being written?)")
    for signature, name in SIGNATURES:
        if head.startswith(signature):
            return name
    if head[4:8] == b"ftyp":
        return "a video"
    text = head.decode("utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", "replace").lstrip(
        "\ufeff \r\n\t"
    )
    if text.startswith(("{", "[")):
        return JSON
    return _describe_table(text)


def _describe_table(text: str) -> str:
    if "\0" in text or not text:
        return "a file of zeros or of an unknown kind (damaged, or still being written?)"
    lines = [line for line in text.splitlines() if line.strip(' ,;\t"')]
    cells = {cell.strip(' "').lower() for cell in re.split(r"[,;\t]", lines[0])} if lines else set()
    if lines and re.match(r'"?scorer"?\s*[,;\t]', lines[0], re.IGNORECASE):
        return DEEPLABCUT
    for columns, name in TABLE_COLUMNS:
        if columns <= cells:
            return name
    return "another table" if len(cells) > 1 else "a text of another kind"


def _describe_hdf5(path: Path) -> str:
    with open_hdf5(path) as file:
        _check_inside(file, path)
        if "nwb_version" in file.attrs:
            return "an NWB file"
        if "metadata" in file and {"frames", "instances", "videos_json", "tracks_json"} & set(file):
            return SLEAP
        if any("pandas_type" in group.attrs for group in file.values() if isinstance(group, h5py.Group)):
            return DEEPLABCUT_H5
        for member, name in HDF5_MEMBERS:
            if member in file:
                return name
        members = ", ".join(sorted(file)[:5])
    return f"an HDF5 file of another kind (with {members})" if members else "an HDF5 file with nothing in it"


def _check_inside(file: h5py.File, path: Path) -> None:
    """Check that a file leads to no other, before anybody follows it there; raises LabelsError."""
    try:
        outside = find_outside(file)
    except (OSError, RuntimeError, KeyError) as error:
        raise_if_machine_failed(error, path)
        raise LabelsError(f"{path} must be a label file, got a damaged HDF5 file: {one_line(error)}") from error
    if outside:
        raise LabelsError(f"{path} must hold its data itself, got {outside}")


def open_hdf5(path: Path) -> h5py.File:
    """Open an HDF5 file that holds labels.

    Raises:
        LabelsError: It is damaged, cut off or just being written.
        OSError: It cannot be read at the moment; says which.
    """
    try:
        return h5py.File(path)
    except OSError as error:
        raise_if_machine_failed(error, path)
        raise LabelsError(
            f"{path} must be a label file, got a damaged one (cut off, or still being written?): {one_line(error)}"
        ) from error


def raise_if_machine_failed(error: Exception, path: Path) -> None:
    """Raise ReadError, with the file's name, for what is no fault of a file's content; return of all else."""
    if isinstance(error, OSError):
        if error.errno:
            raise read_error(error, path) from error
        raise_if_unread(error, path)


def describe_json(content: Any) -> str:
    """What a parsed JSON file is: `COCO`, or a description of another format."""
    if isinstance(content, list):
        return _describe_list(content)
    if not isinstance(content, dict):
        return "a JSON value"
    keys = content.keys()
    for needed, name in (
        ({"images", "annotations"}, COCO),
        ({"annotations", "categories"}, COCO),
        ({"skeletons", "labels"}, "SLEAP's old JSON labels (open and save them in SLEAP as .slp)"),
        ({"nodes", "links"}, "a SLEAP skeleton"),
        ({"data", "model"}, "a SLEAP training configuration"),
        ({"shapes", "imagePath"}, "a LabelMe file"),
        ({"_via_img_metadata"}, "a project of the VGG Image Annotator"),
        ({"info", "items"}, "a Datumaro file"),
    ):
        if needed <= keys:
            return name
    if content.get("type") == "FeatureCollection":
        return "GeoJSON"
    return f"another JSON (with {', '.join(map(str, list(keys)[:5]))})" if keys else "an empty JSON object"


def _describe_list(content: list[Any]) -> str:
    first = content[0] if content else None
    if not isinstance(first, dict):
        return "a JSON list" if content else "an empty JSON list"
    annotations = first.get("annotations")
    if isinstance(annotations, list):
        of_first = annotations[0] if annotations and isinstance(annotations[0], dict) else {}
        return "an AlphaTracker file" if "class" in of_first else "a Label Studio export"
    if {"image_id", "keypoints"} <= first.keys():
        return "a list of COCO results (predictions)"
    return f"a JSON list of another kind (entries with {', '.join(map(str, list(first)[:5]))})"


def one_line(error: Exception) -> str:
    """Kind and first line of an error, for messages."""
    return f"{type(error).__name__}: {error}".splitlines()[0]
