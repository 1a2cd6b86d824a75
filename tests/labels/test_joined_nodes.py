"""Edges and symmetries that the settings name, in place of those that label files have or have not."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import sleap_io as sio
from pydantic import ValidationError

from poseflow.config import LabelsConfig
from poseflow.core.errors import SkeletonError
from poseflow.labels import read_labels, read_package, skeleton_of, write_package

NODES = ["nose", "left", "right", "tail"]


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """A label file with an edge and a symmetry of its own."""
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((48, 64), np.uint8))
    skeleton = sio.Skeleton(NODES, edges=[("nose", "tail")], symmetries=[("nose", "tail")])
    points = np.arange(8.0).reshape(4, 2)
    instance = sio.Instance.from_numpy(points, skeleton=skeleton)
    frame = sio.LabeledFrame(sio.Video.from_filename([str(tmp_path / "a.png")]), frame_idx=0, instances=[instance])
    sio.save_slp(sio.Labels([frame]), str(tmp_path / "labels.slp"), embed=False, verbose=False)
    return tmp_path / "labels.slp"


def test_without_settings_the_files_count(labels: Path) -> None:
    skeleton = skeleton_of(read_labels([labels], LabelsConfig()))
    assert (skeleton.edges, skeleton.symmetries) == (((0, 3),), ((0, 3),))


def test_what_the_settings_name_takes_the_place_of_the_files_and_reaches_the_training_set(labels: Path) -> None:
    joined = LabelsConfig(
        edges=(("tail", "nose"), ("nose", "left"), ("nose", "right")), symmetries=(("right", "left"),)
    )
    read = read_labels([labels], joined)
    write_package(read, labels.with_name("train.pkg.slp"))
    for skeleton in (skeleton_of(read), read_package(labels.with_name("train.pkg.slp")).skeleton):
        assert skeleton.edges == ((3, 0), (0, 1), (0, 2))
        assert skeleton.flip_order() == [0, 2, 1, 3]


@pytest.mark.parametrize("setting", ["edges", "symmetries"])
def test_a_node_that_the_labels_do_not_have(labels: Path, setting: str) -> None:
    with pytest.raises(SkeletonError, match=rf"labels\.{setting} must .*nose, left, right, tail.*, got Left, rigth"):
        read_labels([labels], LabelsConfig(**{setting: (("Left", "rigth"),)}))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"edges": [["nose", "nose"]]}, r"edges must join two nodes each.*got \[nose, nose\]"),
        ({"edges": [["nose", "tail"], ["nose", "tail"]]}, r"each pair once, got \[nose, tail\]"),
        ({"symmetries": [["left", "right"], ["right", "tail"]]}, "several pairs with right"),
        ({"symmetries": [["left", "right"], ["right", "left"]]}, "several pairs with left, right"),
    ],
)
def test_pairs_that_say_nothing_or_two_things(settings: dict, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        LabelsConfig.model_validate(settings)
