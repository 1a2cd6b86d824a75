import sys
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from blobs import SKELETON, make_package, write_blobs

from poseflow.config import EvaluationConfig, PredictConfig, TrackingConfig
from poseflow.core.files import read_json
from poseflow.core.skeleton import Skeleton
from poseflow.evaluation import PredictedPoses
from poseflow.labels import read_package
from poseflow.steps.evaluate import evaluate_release, measure_speed, name_apart, write_accuracy
from poseflow.tables import Instances

TRACKING = TrackingConfig(min_identity_score=0.05)
CONFIG = EvaluationConfig()


def found_near(package, distance_px):
    """Predictions so far from the labels, in the direction of x; those of later frames are farther."""
    return [
        PredictedPoses(
            frame.points + np.float32([distance_px * (1 + number), 0]), np.ones(len(frame.points), np.float32)
        )
        for number, frame in enumerate(package.frames)
    ]


@pytest.fixture
def package():
    made = make_package(12)
    made.frames = [replace(frame, frame_idx=30 * number) for number, frame in enumerate(made.frames)]
    return made


@pytest.fixture
def without_figures(monkeypatch):
    """A second saved for each test that does not look at figures."""
    monkeypatch.setattr("poseflow.steps.evaluate.write_figures", lambda *_: [])


@pytest.mark.slow
def test_the_folder_holds_metrics_figures_and_examples(package, tmp_path):
    metrics = write_accuracy(package, found_near(package, 0.1), tmp_path / "out", CONFIG, {"speed": None}, 2.0, 2)
    assert read_json(tmp_path / "out" / "metrics.json") == metrics
    assert metrics["frames"] == 12 and metrics["false_negatives"] == 0
    files = {path.name for path in (tmp_path / "out").rglob("*.*")}
    assert files == {"metrics.json"} | {one["file"] for key in ("figures", "examples") for one in metrics[key]}
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


@pytest.mark.slow
def test_all_of_an_evaluation_is_on_disk_when_it_has_its_place(package, tmp_path, synced):
    """The case power_cut_model_config."""
    folder = tmp_path / "found/out"
    write_accuracy(package, found_near(package, 0.1), folder, CONFIG)
    paths = [folder.parent, folder, *folder.rglob("*")]
    assert folder / "examples/best_1.png" in paths
    assert [path for path in paths if path.stat().st_ino not in synced] == []


@pytest.mark.slow
def test_errors_are_given_in_mm_where_the_scale_is_known(without_figures, package, tmp_path):
    metrics = write_accuracy(package, found_near(package, 0.1), tmp_path / "out", CONFIG, None, {"blobs": 4.0})
    px, mm = (metrics[unit]["all"]["p50"] for unit in ("errors_px", "errors_mm"))
    assert mm == pytest.approx(px / 4)


@pytest.mark.slow
def test_examples_run_from_the_best_to_the_worst(without_figures, package, tmp_path):
    metrics = write_accuracy(package, found_near(package, 0.1), tmp_path / "out", CONFIG, example_frames=2)
    shown = [example["oks"] for example in metrics["examples"]]
    scores = [frame["oks"] for frame in metrics["frame_scores"]]
    assert [example["rank"] for example in metrics["examples"]] == [
        "best",
        "best",
        "median",
        "median",
        "worst",
        "worst",
    ]
    assert shown == [*scores[:2], *scores[5:7], *scores[-2:]]
    assert cv2.imread(str(tmp_path / "out" / "examples" / "worst_2.png")) is not None


@pytest.mark.slow
def test_a_crash_while_drawing_leaves_the_old_folder(without_figures, package, tmp_path, monkeypatch):
    write_accuracy(package, found_near(package, 0.1), tmp_path / "out", CONFIG)
    before = (tmp_path / "out" / "metrics.json").read_text()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("poseflow.steps.evaluate.write_examples", fail)
    with pytest.raises(OSError, match="disk full"):
        write_accuracy(package, found_near(package, 1.0), tmp_path / "out", CONFIG)
    assert (tmp_path / "out" / "metrics.json").read_text() == before
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.slow
def test_nothing_found_at_all_is_measured_and_drawn(package, tmp_path):
    nothing = [PredictedPoses(np.empty((0, 2, 2), np.float32), np.empty(0, np.float32)) for _ in package.frames]
    metrics = write_accuracy(package, nothing, tmp_path / "out", CONFIG)
    assert (metrics["false_negative_share"], metrics["map_coco"]) == (1.0, 0.0)
    assert metrics["figures"]


def test_videos_of_one_name_are_told_apart_where_they_share_a_frame(package):
    twice = [package.frames[0], replace(package.frames[1], frame_idx=0), package.frames[2]]
    assert [frame.video for frame in name_apart(twice)] == ["blobs", "blobs (2)", "blobs"]


def test_speed_is_measured_after_a_warm_up_on_whole_batches(package):
    package.frames[3] = replace(package.frames[3], points=package.frames[3].points[:1])
    shapes = []
    pipeline = SimpleNamespace(choose_channels=lambda has_color: 1, find=lambda images: shapes.append(images.shape))
    speed = measure_speed(pipeline, package, 8)
    assert set(shapes) == {(8, 96, 96, 1)}
    assert len(shapes) == 1 + 3 * (2 + 1 + 2), "the warm-up; all frames, those of one animal, those of two"
    assert speed["frames"] == 12 and speed["frames_per_s"] > 0
    assert [(own["animals"], own["frames"]) for own in speed["by_animals"]] == [(1, 1), (2, 11)]


@pytest.fixture
def fake_inference(without_figures, monkeypatch):
    """Inference that finds what is labeled, without Keras."""

    def predict_package(pipeline, package, batch_size):
        return [
            Instances.from_arrays(
                frame_idx=np.zeros(len(f.points)),
                points=f.points,
                point_scores=np.full(f.points.shape[:2], pipeline.sureness, np.float32),
                score=np.full(len(f.points), pipeline.sureness, np.float32),
                class_scores=np.float32([[0.9, 0.2], [0.6, 0.5]]),
            )
            for f in package.frames
        ]

    def load_pipeline(folders, config):
        return SimpleNamespace(
            channels=1,
            choose_channels=lambda has_color: 1,
            skeleton=SKELETON,
            identities=("anna", "bert"),
            find=lambda images: None,
            sureness=sureness.pop(),
        )

    sureness = [0.9]
    fake = SimpleNamespace(load_pipeline=load_pipeline, predict_package=predict_package)
    monkeypatch.setitem(sys.modules, "poseflow.inference", fake)
    return sureness


@pytest.mark.slow
def test_a_release_is_measured_on_a_package(fake_inference, tmp_path):
    test = write_blobs(tmp_path, "test", 5, names=("anna", "carl"))
    metrics = evaluate_release([tmp_path / "model"], test, tmp_path / "out", PredictConfig(), CONFIG, TRACKING)
    assert metrics["map_coco"] == pytest.approx(1)
    assert metrics["identities"]["confusion"]["counts"] == [[5, 0, 0, 0], [0, 5, 0, 0]]
    assert metrics["identities"]["accuracy"] == 0.5, "carl is none of the names"
    assert metrics["models"] == [str(tmp_path / "model")]
    assert metrics["speed"]["batch_size"] == 8


@pytest.mark.slow
def test_poses_of_which_hardly_anything_is_sure_do_not_count_as_animals(fake_inference, tmp_path):
    fake_inference[:] = [0.3]
    test = write_blobs(tmp_path, "test", 5)
    metrics = evaluate_release([tmp_path / "model"], test, tmp_path / "out", PredictConfig(), CONFIG, TRACKING)
    assert (metrics["false_negatives"], metrics["false_positives"]) == (metrics["animals"], 0), (
        "they reach no pose table either"
    )


def test_models_that_find_other_nodes_cannot_be_compared(fake_inference, tmp_path, monkeypatch):
    test = write_blobs(tmp_path, "test", 2)
    other = SimpleNamespace(channels=1, skeleton=Skeleton(nodes=("nose",)))
    monkeypatch.setattr(sys.modules["poseflow.inference"], "load_pipeline", lambda *_: other)
    metrics = evaluate_release([tmp_path / "model"], test, tmp_path / "out", PredictConfig(), CONFIG, TRACKING)
    said = f"{test}: nodes must be those that the models find, nose, got missing: nose; extra: head, tail"
    assert metrics == read_json(tmp_path / "out" / "metrics.json") == {"incomparable": said}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"metrics.json", "figures", "examples"}


@pytest.mark.slow
def test_nodes_in_another_order_are_matched_by_name(fake_inference, tmp_path, monkeypatch):
    test = write_blobs(tmp_path, "test", 3)
    model = sys.modules["poseflow.inference"].load_pipeline(None, None)
    model.skeleton = Skeleton(nodes=("tail", "head"))
    monkeypatch.setattr(sys.modules["poseflow.inference"], "load_pipeline", lambda *_: model)
    seen = []

    def predict_package(pipeline, package, batch_size):
        seen.extend(package.frames)
        return find(pipeline, package, batch_size)

    find = sys.modules["poseflow.inference"].predict_package
    monkeypatch.setattr(sys.modules["poseflow.inference"], "predict_package", predict_package)
    metrics = evaluate_release([tmp_path / "model"], test, tmp_path / "out", PredictConfig(), CONFIG, TRACKING)
    assert list(metrics["errors_px"]["nodes"]) == ["tail", "head"]
    with closing(read_package(test)) as package:
        np.testing.assert_array_equal(seen[0].points, package.frames[0].points[:, ::-1])


def test_models_of_color_images_cannot_be_measured_on_grey_ones(fake_inference, tmp_path, monkeypatch):
    test = write_blobs(tmp_path, "test", 2)
    model = sys.modules["poseflow.inference"].load_pipeline(None, None)
    model.channels = 3
    monkeypatch.setattr(sys.modules["poseflow.inference"], "load_pipeline", lambda *_: model)
    metrics = evaluate_release([tmp_path / "model"], test, tmp_path / "out", PredictConfig(), CONFIG, TRACKING)
    assert metrics == {"incomparable": f"{test} must have RGB images for models of 3 channels, got grey ones"}


def test_evaluate_nodes_in_another_order(without_figures, case, tmp_path):
    folder = case("evaluate_nodes_in_another_order")
    models = [
        folder / f"../../data/sleap_models/minimal_instance.UNet.{kind}" for kind in ("centroid", "centered_instance")
    ]
    test = folder / "b.pkg.slp"
    metrics = evaluate_release(models, test, tmp_path / "out", PredictConfig(), CONFIG, TRACKING)
    assert metrics["animals"] == 10
    assert list(metrics["errors_px"]["nodes"]) == ["A", "B"], "as the models have them"


@pytest.mark.slow
def test_names_of_nodes_are_drawn_as_they_are_not_as_formulas(package, tmp_path):
    """The case mathtext_in_node_name."""
    package.skeleton = Skeleton(nodes=("$x_$", "tail"), edges=((0, 1),))
    write_accuracy(package, found_near(package, 0.1), tmp_path / "out", CONFIG)
    assert ">$x_$<" in (tmp_path / "out/figures/by_node.svg").read_text()


def test_an_empty_test_set_loads_no_models_and_says_so(tmp_path):
    test = write_blobs(tmp_path, "test", 0)
    metrics = evaluate_release([tmp_path / "no model"], test, tmp_path / "out", PredictConfig(), CONFIG, TRACKING)
    assert read_json(tmp_path / "out" / "metrics.json") == metrics
    assert (metrics["frames"], metrics["map_coco"], metrics["figures"], metrics["speed"]) == (0, None, [], None)
