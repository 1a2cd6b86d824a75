"""Nodes that are labeled and marked as hidden: by default what each format's program makes of them, or kept as such."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
import sleap_io as sio
import yaml
from sleap_io.io import nwb_annotations

from poseflow.config import LabelsConfig
from poseflow.core.skeleton import Skeleton
from poseflow.labels import draw_frames, read_labels, read_package, split_hidden, write_package
from poseflow.labels.formats import read_label_file

KEEP = LabelsConfig(keep_hidden=True)
POINTS = np.array([[4.0, 6.0], [10.0, 12.0], [np.nan, np.nan]])
HIDDEN = [False, True, False]
"""Of the nodes nose, body and tail: the body is placed and hidden, the tail is missing."""


def make_labels(folder: Path, hidden: list[bool] = HIDDEN, points: np.ndarray = POINTS) -> sio.Labels:
    cv2.imwrite(str(folder / "a.png"), np.zeros((48, 64), np.uint8))
    video = sio.Video.from_filename([str(folder / "a.png")])
    skeleton = sio.Skeleton(["nose", "body", "tail"])
    given = np.column_stack([points, ~np.isnan(points[:, 0]) & ~np.array(hidden)])
    instance = sio.Instance.from_numpy(given, skeleton=skeleton)
    return sio.Labels([sio.LabeledFrame(video=video, frame_idx=0, instances=[instance])])


def write_sleap(folder: Path) -> Path:
    sio.save_slp(make_labels(folder), str(folder / "labels.slp"), embed=False, verbose=False)
    return folder / "labels.slp"


def write_nwb(folder: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nwb_annotations.save_labels(make_labels(folder), folder / "labels.nwb")
    places: list[h5py.Dataset] = []
    with h5py.File(folder / "labels.nwb", "r+") as file:  # sleap-io says where a node is hidden, and not where it is
        file.visititems(lambda name, one: places.append(one) if name.endswith("node_locations") else None)
        for place in places:
            place[...] = POINTS
    return folder / "labels.nwb"


def write_coco(folder: Path) -> Path:
    make_labels(folder)
    content = {
        "images": [{"id": 1, "file_name": "a.png"}],
        "categories": [{"id": 1, "name": "fly", "keypoints": ["nose", "body", "tail"]}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "keypoints": [4, 6, 2, 10, 12, 1, 0, 0, 0]}],
    }
    (folder / "labels.json").write_text(json.dumps(content))
    return folder / "labels.json"


def write_yolo(folder: Path) -> Path:
    for name in ("images", "labels"):
        (folder / "train" / name).mkdir(parents=True)
    cv2.imwrite(str(folder / "train/images/a.png"), np.zeros((48, 64), np.uint8))
    cells = [4 / 64, 6 / 48, 2, 10 / 64, 12 / 48, 1, 0, 0, 0]
    (folder / "train/labels/a.txt").write_text(f"0 .5 .5 1 1 {' '.join(map(repr, cells))}\n")
    content = {"train": "train/images", "kpt_shape": [3, 3], "names": ["fly"], "kpt_names": ["nose", "body", "tail"]}
    (folder / "data.yaml").write_text(yaml.safe_dump(content))
    return folder / "data.yaml"


WRITE = {"sleap": write_sleap, "nwb": write_nwb, "coco": write_coco, "yolo": write_yolo}
FORMATS = pytest.mark.parametrize("name", WRITE)


def find_nodes(labels: sio.Labels) -> tuple[np.ndarray, list[bool]]:
    points, hidden = split_hidden(labels.labeled_frames[0].instances[0])
    return points, hidden.tolist()


@FORMATS
def test_by_default_they_are_what_the_formats_program_trains_on(name: str, tmp_path: Path) -> None:
    path = WRITE[name](tmp_path)
    expected = POINTS.copy()
    if name in ("sleap", "nwb"):
        expected[1] = np.nan
    points, hidden = find_nodes(read_labels([path], LabelsConfig()))
    np.testing.assert_allclose(points, expected)
    assert not any(hidden)
    np.testing.assert_allclose(read_label_file(path)[0].instances[0].numpy(), expected)


@FORMATS
def test_kept_they_are_points_that_are_hidden(name: str, tmp_path: Path) -> None:
    points, hidden = find_nodes(read_labels([WRITE[name](tmp_path)], KEEP))
    np.testing.assert_allclose(points, POINTS)
    assert hidden == HIDDEN


def test_old_files_of_sleap(real_data: Path, tmp_path: Path) -> None:
    content = json.loads((real_data / "formats/sleap_json/minimal_instance.json").read_text())
    own = next(one for one in content["labels"][0]["_instances"] if one.get("score") is None)
    number = next(iter(own["_points"]))
    place = own["_points"][number]["x"], own["_points"][number]["y"]
    own["_points"][number]["visible"] = False
    (tmp_path / "old.json").write_text(json.dumps(content))
    instances = read_label_file(tmp_path / "old.json")[0].instances
    parts = [split_hidden(one) for one in instances if type(one) is sio.Instance]
    kept = [points[hidden].tolist() for points, hidden in parts if hidden.any()]
    assert kept == [[list(place)]]
    own["_points"][number] |= {"x": None, "y": None}
    (tmp_path / "old.json").write_text(json.dumps(content))
    assert not any(split_hidden(one)[1].any() for one in read_label_file(tmp_path / "old.json")[0].instances)


@FORMATS
def test_a_package_keeps_them(name: str, tmp_path: Path) -> None:
    write_package(read_labels([WRITE[name](tmp_path)], KEEP), tmp_path / "out" / "train.pkg.slp")
    for path in (tmp_path / "out" / "train.pkg.slp", tmp_path / "out" / "drawn.pkg.slp"):
        package = read_package(path)
        (frame,) = package.frames
        np.testing.assert_allclose(frame.points, POINTS[None], rtol=1e-6)
        assert frame.hidden is not None and frame.hidden.tolist() == [HIDDEN]
        package.arrange_nodes(Skeleton(nodes=("tail", "body", "nose")), "here")
        np.testing.assert_allclose(package.frames[0].points, POINTS[None, ::-1], rtol=1e-6)
        assert package.frames[0].hidden is not None and package.frames[0].hidden.tolist() == [HIDDEN[::-1]]
        package.close()
        draw_frames(path, 1, 0, tmp_path / "out" / "drawn.pkg.slp")


def test_without_any_a_package_says_nothing_of_them(tmp_path: Path) -> None:
    path = write_sleap(tmp_path)
    write_package(read_labels([path], LabelsConfig()), tmp_path / "default.pkg.slp")
    sio.save_slp(make_labels(tmp_path, [False] * 3), str(path), embed=False, verbose=False)
    write_package(read_labels([path], KEEP), tmp_path / "kept.pkg.slp")
    for name in ("default", "kept"):
        with h5py.File(tmp_path / f"{name}.pkg.slp") as file:
            assert not file.attrs
        assert read_package(tmp_path / f"{name}.pkg.slp").frames[0].hidden is None


def test_of_a_package_of_sleap_they_are_missing(tmp_path: Path) -> None:
    """SLEAP places nodes that nobody placed, and says of them that they are not visible."""
    sio.save_slp(make_labels(tmp_path), str(tmp_path / "gui.pkg.slp"), embed="user", verbose=False)
    (frame,) = read_package(tmp_path / "gui.pkg.slp").frames
    assert np.isnan(frame.points[0, 1:]).all()
    assert frame.hidden is None


def test_animals_of_hidden_nodes_alone_are_not_the_same_one(tmp_path: Path) -> None:
    labels = make_labels(tmp_path, [True] * 3)
    (frame,) = labels.labeled_frames
    other = make_labels(tmp_path, [True] * 3, POINTS + 20).labeled_frames[0].instances[0]
    frame.instances.append(sio.Instance.from_numpy(other.points, skeleton=frame.instances[0].skeleton))
    sio.save_slp(labels, str(tmp_path / "a.slp"), embed=False, verbose=False)
    (frame,) = read_labels([tmp_path / "a.slp"], KEEP).labeled_frames
    assert [split_hidden(one)[1].tolist() for one in frame.instances] == [[True, True, False]] * 2


def test_points_far_outside_are_left_out_and_others_stay_hidden(tmp_path: Path) -> None:
    labels = make_labels(tmp_path, [True, True, False], np.array([[900.0, 5.0], [10.0, 12.0], [3.0, 3.0]]))
    sio.save_slp(labels, str(tmp_path / "a.slp"), embed=False, verbose=False)
    points, hidden = find_nodes(read_labels([tmp_path / "a.slp"], KEEP))
    np.testing.assert_array_equal(points, [[np.nan, np.nan], [10, 12], [3, 3]])
    assert hidden == [False, True, False]


def test_files_with_other_orders_of_nodes_are_merged(
    tmp_path: Path, make_video: Callable, make_labels: Callable, animal: Callable
) -> None:
    video = make_video("a.mp4")
    paths = [
        make_labels("a.slp", video, {0: [animal()]}),
        make_labels("b.slp", video, {5: [animal()]}, nodes=("tail", "nose", "body")),
    ]
    for path, node in zip(paths, (2, 0), strict=True):  # the tail
        labels = sio.load_slp(str(path), open_videos=False)
        labels.labeled_frames[0].instances[0].points["visible"][node] = False
        sio.save_slp(labels, str(path), embed=False, verbose=False)
    for frame in read_labels(paths, KEEP).labeled_frames:
        points, hidden = split_hidden(frame.instances[0])
        assert hidden.tolist() == [False, False, True]
        assert np.isfinite(points).all()
