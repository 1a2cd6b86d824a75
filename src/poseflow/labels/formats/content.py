"""What a file is, by its content: the name may be anything."""

from __future__ import annotations

import re
from pathlib import Path

import h5py

from poseflow.core.errors import LabelsError, PoseflowError
from poseflow.media.hdf5_links import find_outside
from poseflow.media.reading import raise_if_unread, read_error

HEAD_BYTES = 4096

# What libraries raise on files that are not what they should be.
DAMAGED = (OSError, KeyError, IndexError, ValueError, TypeError, AttributeError, RecursionError)

HDF5_HEAD = b"\x89HDF\r\n\x1a\n"

# Files that are known by their first bytes and are no label files, or of a format that is not read.
SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"MATLAB 5.0 MAT-file", "a MATLAB file (LEAP's labels, for one)"),
    (b"MATLAB 7.3 MAT-file", "a MATLAB file of version 7.3 (LEAP's labels are read as MATLAB saves them with -v7)"),
    (b"<?xml", "an XML file (CVAT exports COCO Keypoints as well)"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"PAR1", "a Parquet table"),
    (b"CDF", "a netCDF file of version 3 (what reads it writes version 4 as well)"),
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
    ("annotated", "a DeepPoseKit data set"),
    ("box", "LEAP's images"),
    ("position", "a netCDF file (of movement, for one)"),
    ("images", "images in HDF5"),
)

# Tables by the cells of their first row, in lower case, that only they have.
TABLE_COLUMNS: tuple[tuple[set[str], str], ...] = (
    ({"track", "frame_idx", "instance.score"}, "a SLEAP analysis CSV (predictions)"),
    ({"frame_idx", "instance.score"}, "a SLEAP analysis CSV (predictions)"),
    ({"label", "id", "track_id", "quality"}, "spots of TrackMate, which have no nodes"),
    ({"name", "parent", "swap"}, "a DeepPoseKit skeleton"),
    ({"filename", "region_shape_attributes"}, "a table of the VGG Image Annotator"),
    ({"individual", "keypoint", "x", "y"}, "an aniframe table"),
    ({"scorer"}, "a table of DeepLabCut without likelihoods (labels?)"),
)


def describe_content(path: Path) -> str:
    """What a file is, in words for a message.

    Reads the first bytes, and of an HDF5 file the names of its members.

    Raises: OSError where the file cannot be read at the moment; says which.
    """
    head = read_head(path)
    if is_hdf5(path):
        return _describe_hdf5(path)
    for signature, name in SIGNATURES:
        if head.startswith(signature):
            return name
    if head[4:8] == b"ftyp":
        return "a video"
    return _describe_table(decode_head(head))


def read_head(path: Path) -> bytes:
    """The first bytes of a file."""
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def decode_head(head: bytes) -> str:
    """The first bytes as text, without what may stand before it; of no text, anything."""
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    return head.decode(encoding, "replace").lstrip("\ufeff \r\n\t")


def _describe_table(text: str) -> str:
    if "\0" in text or not text:
        return "a file of zeros or of an unknown kind (damaged, or still being written?)"
    lines = [line for line in text.splitlines() if line.strip(' ,;\t"')]
    cells = {cell.strip(' "').lower() for cell in re.split(r"[,;\t]", lines[0])} if lines else set()
    for columns, name in TABLE_COLUMNS:
        if columns <= cells:
            return name
    return "another table" if len(cells) > 1 else "a text of another kind"


def is_hdf5(path: Path) -> bool:
    """Whether a file is HDF5, but no MATLAB file."""
    return bool(h5py.is_hdf5(path)) and not read_head(path).startswith(b"MATLAB")


def check_file(path: Path, what: str, fault: type[PoseflowError]) -> None:
    """Check that a file is there and not empty, before anybody looks what it is.

    HDF5 must be whole, and lead to no other file before anybody follows it there.

    Args:
        what: the file must be, for messages. fault: to raise.

    Raises:
        `fault`: It is absent or empty, or HDF5 that is damaged, cut off, just being written, or refers to other files.
        OSError: It cannot be read at the moment; says which.
    """
    if not path.is_file():
        raise fault(f"{path} must be {what}, got {'a folder' if path.is_dir() else 'no such file'}")
    if path.stat().st_size == 0:
        raise fault(f"{path} must be {what}, got an empty one")
    if not is_hdf5(path):
        if read_head(path).startswith(HDF5_HEAD):
            raise fault(f"{path} must be {what}, got a damaged HDF5 file (cut off, or still being written?)")
        return
    with open_hdf5(path, what, fault) as file:
        try:
            outside = find_outside(file)
        except (OSError, RuntimeError, KeyError) as error:
            raise_if_machine_failed(error, path)
            raise fault(f"{path} must be {what}, got a damaged HDF5 file: {one_line(error)}") from error
    if outside:
        raise fault(f"{path} must hold its data itself, got {outside}")


def _describe_hdf5(path: Path) -> str:
    with open_hdf5(path) as file:
        if "nwb_version" in file.attrs:
            return "an NWB file"
        for member, name in HDF5_MEMBERS:
            if member in file:
                return name
        members = ", ".join(sorted(file)[:5])
    return f"an HDF5 file of another kind (with {members})" if members else "an HDF5 file with nothing in it"


def open_hdf5(path: Path, what: str = "a label file", fault: type[PoseflowError] = LabelsError) -> h5py.File:
    """Open an HDF5 file that holds labels, or what else it must be.

    Raises:
        LabelsError: It is damaged, cut off or just being written.
        OSError: It cannot be read at the moment; says which.
    """
    try:
        return h5py.File(path)
    except OSError as error:
        raise_if_machine_failed(error, path)
        raise fault(
            f"{path} must be {what}, got a damaged one (cut off, or still being written?): {one_line(error)}"
        ) from error


def raise_if_machine_failed(error: Exception, path: Path) -> None:
    """Raise ReadError, with the file's name, for what is no fault of a file's content; return of all else."""
    if isinstance(error, OSError):
        if error.errno:
            raise read_error(error, path) from error
        raise_if_unread(error, path)


def one_line(error: Exception) -> str:
    """Kind and first line of an error, for messages."""
    return f"{type(error).__name__}: {error}".splitlines()[0]
