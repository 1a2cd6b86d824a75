"""Labels: read any format, divide them for good, and pack them with their images."""

from poseflow.labels.clean import identity_of
from poseflow.labels.draw import draw_frames
from poseflow.labels.embed import write_with_images
from poseflow.labels.facts import LabelFacts
from poseflow.labels.formats import READERS, LabelReader, describe_label_file
from poseflow.labels.hidden import split_hidden
from poseflow.labels.locate import describe, find_frames_of
from poseflow.labels.merge import add_labels
from poseflow.labels.package import FrameLabels, Package, read_package, write_package
from poseflow.labels.reading import (
    check_identities,
    find_label_files,
    find_labeled_frames,
    labels_digest,
    locate_labels,
    read_labels,
)
from poseflow.labels.skeletons import from_sleap, skeleton_of, to_sleap
from poseflow.labels.split import SIDES, Side, split_labels
from poseflow.labels.videos import FrameKey, frame_key, root_video

__all__ = [
    "READERS",
    "SIDES",
    "FrameKey",
    "FrameLabels",
    "LabelFacts",
    "LabelReader",
    "Package",
    "Side",
    "add_labels",
    "check_identities",
    "describe",
    "describe_label_file",
    "draw_frames",
    "find_frames_of",
    "find_label_files",
    "find_labeled_frames",
    "frame_key",
    "from_sleap",
    "identity_of",
    "labels_digest",
    "locate_labels",
    "read_labels",
    "read_package",
    "root_video",
    "skeleton_of",
    "split_hidden",
    "split_labels",
    "to_sleap",
    "write_package",
    "write_with_images",
]
