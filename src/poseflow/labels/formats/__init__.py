"""Formats of label files, a file each; all give sleap-io's labels. What a file is, its content tells, not its name.

Other packages add formats by entry points of `poseflow.readers`, each a `LabelReader`.
"""

from __future__ import annotations

import logging
from pathlib import Path

import sleap_io as sio

from poseflow.core.errors import LabelsError
from poseflow.labels.facts import LabelFacts, describe_labels
from poseflow.labels.formats.annotated_images import ALPHATRACKER, LABEL_STUDIO
from poseflow.labels.formats.coco import COCO
from poseflow.labels.formats.content import check_file, describe_content
from poseflow.labels.formats.deeplabcut import DEEPLABCUT
from poseflow.labels.formats.deepposekit import DEEPPOSEKIT
from poseflow.labels.formats.jabs import JABS
from poseflow.labels.formats.leap import LEAP
from poseflow.labels.formats.nwb import NWB
from poseflow.labels.formats.reader import READERS, LabelReader, OtherFormatError
from poseflow.labels.formats.sleap import SLEAP
from poseflow.labels.formats.sleap_analysis import SLEAP_ANALYSIS, SLEAP_CSV
from poseflow.labels.formats.sleap_json import SLEAP_JSON
from poseflow.labels.formats.yolo import YOLO
from poseflow.labels.hidden import take_as_visible
from poseflow.labels.videos import plain_name

__all__ = ["READERS", "LabelReader", "OtherFormatError", "describe_label_file", "find_reader", "read_label_file"]

logger = logging.getLogger(__name__)

READERS.add("coco")(COCO)
READERS.add("deeplabcut")(DEEPLABCUT)
READERS.add("alphatracker")(ALPHATRACKER)
READERS.add("label_studio")(LABEL_STUDIO)
READERS.add("deepposekit")(DEEPPOSEKIT)
READERS.add("jabs")(JABS)
READERS.add("leap")(LEAP)
READERS.add("nwb")(NWB)
READERS.add("sleap")(SLEAP)
READERS.add("sleap_analysis")(SLEAP_ANALYSIS)
READERS.add("sleap_csv")(SLEAP_CSV)
READERS.add("sleap_json")(SLEAP_JSON)
READERS.add("yolo")(YOLO)


def read_label_file(path: Path, keep_hidden: bool = False) -> sio.Labels:
    """Read one label file of any format that is known, whatever its name; no video is opened.

    Edges and symmetries that join a node to itself are left out, with a warning.

    Args:
        keep_hidden: A hidden node is a point that is not visible, whatever the format; else where the format's own
            program takes it for one, it is a point like others.

    Raises:
        OtherFormatError: The file is of a format that is not read; names it.
        LabelsError: The file is absent, empty or damaged; says which format was recognized.
        OSError: The machine failed to read it; names the file.
    """
    reader = find_reader(path)
    try:
        labels = reader.read(path)
    except OtherFormatError as error:
        raise _name_format(path, str(error)) from None
    if reader.counts_hidden and not keep_hidden:
        take_as_visible(labels)
    _settle_names(labels)
    for skeleton in labels.skeletons:
        _check_skeleton(skeleton, path)
    return labels


def describe_label_file(path: Path, include_predictions: bool) -> LabelFacts:
    """What a label file holds, in as little time as its format allows; opens no video and no image.

    Raises:
        LabelsError, OSError: As `read_label_file`.
    """
    reader = find_reader(path)
    if reader.describe is not None:
        return reader.describe(path, include_predictions)
    return describe_labels(read_label_file(path), include_predictions)


def find_reader(path: Path) -> LabelReader:
    """The format of a label file.

    Raises:
        LabelsError, OSError: As `read_label_file`.
    """
    check_file(path, "a label file", LabelsError)
    for reader in sorted(READERS.values(), key=lambda reader: reader.general):
        if reader.recognize(path):
            return reader
    raise _name_format(path, describe_content(path))


def _name_format(path: Path, content: str) -> OtherFormatError:
    formats = ", ".join(reader.files for reader in READERS.values())
    return OtherFormatError(f"{path} must be a label file ({formats}), got {content}")


def _settle_names(labels: sio.Labels) -> None:
    """Name animals as `plain_name` does; a track without a name tells none."""
    for track in labels.tracks:
        track.name = plain_name(track.name)
    if all(track.name for track in labels.tracks):
        return
    for frame in labels.labeled_frames:
        for instance in frame.instances:
            if instance.track is not None and not instance.track.name:
                instance.track = None
    labels.tracks = [track for track in labels.tracks if track.name]


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
        left_out = ", ".join(dict.fromkeys(loops))
        logger.warning("%s: edges that join a node to itself are left out: %s", path, left_out)
