"""Hidden nodes in exports: where the format has room for them they are there, elsewhere their loss is told."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import sleap_io as sio
from fake_results import make_index

from poseflow.config import WRITERS
from poseflow.core.skeleton import Skeleton
from poseflow.exchange.losses import HIDDEN, find_losses
from poseflow.exchange.writer import PoseStream
from poseflow.labels import split_hidden
from poseflow.labels.clean import clean_labels
from poseflow.labels.formats import read_label_file
from poseflow.tables import PoseSource, Predictions, Tracks, assemble_poses, open_poses, write_poses

POINTS = np.array([[[1, 2], [3, 4], [np.nan, np.nan]], [[5, 6], [7, 8], [9, 10]]], np.float32)
MARKS = np.array([[0.1, 0.9, np.nan], [0.6, 0.4, 0.2]], np.float32)


def write_table(path: Path, tells_hidden: bool = True) -> PoseStream:
    """Two frames of an animal with three nodes."""
    skeleton, rows = Skeleton(nodes=("nose", "body", "tail")), np.arange(2)
    predictions = Predictions.from_instances(skeleton, rows, POINTS)
    if tells_hidden:
        predictions = replace(predictions, hidden=MARKS)
    tracks = Tracks.without_identities(rows, rows, np.zeros(2), np.zeros(2))
    index = make_index("cage", 2)
    write_poses(assemble_poses(predictions, tracks, index, PoseSource("cage", "cage")), path)
    return PoseStream(path, *open_poses(path), path.with_suffix(".out"), index)


def test_coco_gives_them_visibility_1(tmp_path: Path) -> None:
    WRITERS["coco"](write_table(tmp_path / "a.parquet"), tmp_path / "a.coco")
    content = json.loads((tmp_path / "a.coco/annotations.json").read_text())
    assert [one["keypoints"][2::3] for one in content["annotations"]] == [[2, 1, 0], [1, 2, 2]]
    assert [one["keypoints"][3:5] for one in content["annotations"]] == [[3, 4], [7, 8]]
    assert [one["num_keypoints"] for one in content["annotations"]] == [2, 3]


def test_of_sleap_they_have_a_place_and_are_not_visible(tmp_path: Path) -> None:
    WRITERS["slp"](write_table(tmp_path / "a.parquet"), tmp_path / "a.slp")
    instances = [frame.instances[0] for frame in sio.load_slp(str(tmp_path / "a.slp"), open_videos=False)]
    assert [one.points["visible"].tolist() for one in instances] == [[True, False, False], [False, True, True]]
    labels = clean_labels(read_label_file(tmp_path / "a.slp", keep_hidden=True), tmp_path / "a.slp", True, True)
    found = [split_hidden(frame.instances[0]) for frame in labels]
    np.testing.assert_array_equal([points for points, _ in found], POINTS)
    np.testing.assert_array_equal([hidden for _, hidden in found], np.nan_to_num(MARKS) > 0.5)


def test_tables_as_text_have_their_columns(tmp_path: Path) -> None:
    stream = write_table(tmp_path / "a.parquet")
    WRITERS["csv"](stream, tmp_path / "a.csv")
    WRITERS["csv_long"](stream, tmp_path / "a.long.csv")
    wide, long = pd.read_csv(tmp_path / "a.csv"), pd.read_csv(tmp_path / "a.long.csv")
    np.testing.assert_allclose(wide[["nose.hidden", "body.hidden", "tail.hidden"]], MARKS, atol=1e-6)
    np.testing.assert_allclose(long["hidden"], MARKS.reshape(-1), atol=1e-6)


def test_elsewhere_the_loss_is_told_where_there_is_one(tmp_path: Path) -> None:
    told, silent = write_table(tmp_path / "a.parquet"), write_table(tmp_path / "b.parquet", tells_hidden=False)
    losing = {name for name in WRITERS if HIDDEN in find_losses(told, WRITERS[name])}
    assert losing == set(WRITERS) - {"coco", "slp", "csv", "csv_long"}
    assert not [name for name in WRITERS if HIDDEN in find_losses(silent, WRITERS[name])]
