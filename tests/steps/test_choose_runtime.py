"""The runtime of a release: the fastest that moves points by next to nothing, and what a machine without it does."""

import logging
import re

import numpy as np
import pytest
from blobs import SKELETON, write_blobs
from sleap_folders import write_sleap_folder

from poseflow.config import PredictConfig
from poseflow.runs.releases import Release, RuntimeChoice, read_release
from poseflow.runs.runtimes import resolve_runtime
from poseflow.steps.choose_runtime import Measured, choose_runtime, judge_runtime, measure_moves
from poseflow.steps.release import put_together
from poseflow.tables import Instances

POINTS = np.arange(400, dtype=np.float32).reshape(50, 4, 2) * 3  # 50 animals of 4 nodes, far apart


def found(points, drop=()):
    points = points.copy()
    for animal, node in drop:
        points[animal, node] = np.nan
    count, nodes, _ = points.shape
    return [Instances.from_arrays(np.zeros(count, int), np.ones(count), points, np.ones((count, nodes)))]


def judge(moved, mean_average_precision=0.8, speed=100.0):
    reference = Measured(found(POINTS), 50.0, 0.8)
    return judge_runtime(("openvino", "float32"), Measured(moved, speed, mean_average_precision), reference)


def test_the_same_points_in_another_order_have_not_moved():
    assert measure_moves(found(POINTS), found(POINTS[::-1])).tolist() == [0] * 200


def test_points_and_animals_that_only_one_of_the_two_has_moved_without_end():
    moves = measure_moves(found(POINTS), found(POINTS[1:], drop=[(0, 2)]))
    assert np.isinf(moves).sum() == 4 + 1
    assert (moves[np.isfinite(moves)] == 0).all()
    assert len(moves) == 200


@pytest.mark.parametrize(
    ("moved", "precision", "reason"),
    [
        (found(POINTS + 0.05), 0.8, ""),
        (found(POINTS + 0.2), 0.8, r"median"),
        (found(POINTS, drop=[(0, 0), (1, 0), (2, 0)]), 0.8, r"1 % of the points"),
        (found(POINTS, drop=[(0, 0)]), 0.8, ""),  # half a percent
        (found(POINTS), 0.794, r"mAP falls by 0\.0060"),
        (found(POINTS), 0.796, ""),
    ],
    ids=["a little", "all too far", "some gone", "one gone", "less precise", "as precise"],
)
def test_the_gate_says_what_is_wrong(moved, precision, reason):
    judged = judge(moved, precision)
    assert judged.passed == (reason == "")
    assert re.search(reason, judged.reason)
    assert ("not used" in judged.describe()) == (not judged.passed)


@pytest.fixture
def models(tmp_path):
    write_sleap_folder(tmp_path / "single_instance", "single_instance", 1, input_scaling=1.0)
    return {"single_instance": tmp_path / "single_instance"}


@pytest.mark.slow
def test_all_that_is_installed_is_tried_and_the_release_says_so(tmp_path, models, monkeypatch):
    pytest.importorskip("onnxruntime", reason="needs poseflow[runtimes]")
    labels = write_blobs(tmp_path, "val", 6)
    monkeypatch.setattr("poseflow.labels.Package.arrange_nodes", lambda *_: None)
    settings = PredictConfig(batch_size=2, peak_threshold=0)
    monkeypatch.setattr("poseflow.steps.choose_runtime._find_map", lambda *_: 0.5)  # of other nodes than the labels
    release = put_together(models, tmp_path / "r.json", validation=(labels, settings))
    chosen = read_release(tmp_path / "r.json").runtime
    assert chosen == release.runtime
    assert [one.runtime for one in chosen.tried][:1] == ["keras"]
    assert {"onnxruntime", "openvino"} <= {one.runtime for one in chosen.tried}
    assert all(one.passed for one in chosen.tried if one.precision == "float32")
    fastest = max((one for one in chosen.tried if one.passed), key=lambda one: one.frames_per_s)
    assert (chosen.runtime, chosen.precision) == (fastest.runtime, fastest.precision)


@pytest.mark.slow
def test_without_validation_frames_nothing_is_chosen(tmp_path, models):
    assert choose_runtime(models, write_blobs(tmp_path, "val", 0), PredictConfig()) is None


def test_auto_is_what_the_release_says_and_keras_where_that_is_not_installed(monkeypatch, caplog):
    choice = RuntimeChoice(runtime="openvino", precision="mixed_bfloat16")
    release = Release(id="a", models={}, kinds={}, skeleton=SKELETON, version="1", runtime=choice)
    auto, keras = PredictConfig(runtime="auto"), PredictConfig(runtime="keras")
    monkeypatch.setattr("poseflow.runs.runtimes.is_installed", lambda _: True)
    resolved = resolve_runtime(release, auto)
    assert (resolved.runtime, resolved.precision) == ("openvino", "mixed_bfloat16")
    assert resolve_runtime(release, keras) == keras
    assert resolve_runtime(release.model_copy(update={"runtime": None}), auto) == auto
    monkeypatch.setattr("poseflow.runs.runtimes.is_installed", lambda _: False)
    with caplog.at_level(logging.WARNING):
        resolved = resolve_runtime(release, auto)
    assert (resolved.runtime, resolved.precision) == ("keras", "float32")
    assert "openvino, the release's, is not installed here" in caplog.text
