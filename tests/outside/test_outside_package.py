"""A package outside adds a part of each kind by a file and an entry point, and all steps take it."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
import yaml
from blobs import SKELETON, draw_frame, draw_points, write_blobs
from fake_live import fly, make_pipeline
from other_packages import install_package
from typer.testing import CliRunner

from poseflow.cli import app
from poseflow.config import (
    BACKBONES,
    HEADS,
    KINDS,
    SIMILARITIES,
    HeadConfig,
    ModelConfig,
    PredictConfig,
    TrackingConfig,
)
from poseflow.core.files import read_json
from poseflow.labels.formats import read_label_file
from poseflow.live import LiveRun, LiveSettings
from poseflow.media import write_video
from poseflow.tables import read_predictions, read_tracks

PACKAGE = Path(__file__).parents[1] / "outside_package"


@pytest.fixture
def toyparts(tmp_path, monkeypatch):
    """The package, where Python finds it, with what an installer makes of its entry points."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    monkeypatch.syspath_prepend(PACKAGE)
    install_package(tmp_path / "site", monkeypatch, project["name"], project["entry-points"])


def run(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output + repr(result.exception)


def has_parts():
    return {"pyramid" in BACKBONES, "centers" in HEADS, "center_bottom_up" in KINDS, "nearness" in SIMILARITIES}


def test_parts_are_there_with_the_package_and_gone_without(toyparts, monkeypatch):
    assert has_parts() == {True}
    schema = ModelConfig.model_json_schema()
    assert "center_bottom_up" in schema["properties"]["kind"]["enum"]
    assert "centers" in schema["$defs"]["HeadConfig"]["properties"]
    monkeypatch.undo()
    assert has_parts() == {False}


@pytest.mark.slow
def test_what_the_head_draws_is_found(toyparts):
    from poseflow.inference.pipelines import build_pipeline
    from poseflow.inference.runtimes.keras import KerasRuntime
    from poseflow.models.trained import TrainedModel
    from poseflow.networks.build import draw_targets

    points = np.stack([draw_points(2, np.random.default_rng(seed)) for seed in range(4)])
    head = HeadConfig(output_stride=2, sigma_px=2.0, centers={"output_stride": 2})
    config = ModelConfig(kind="center_bottom_up", backbone={"name": "pyramid"}, head=head)

    def network(images, training):
        return draw_targets(points, np.zeros((4, 2), np.int32), images.shape[1:3], config, SKELETON)

    pipeline = build_pipeline(
        [TrainedModel(Path("oracle"), config, SKELETON, network)], PredictConfig(), KerasRuntime()
    )
    found = pipeline.find(np.stack([draw_frame(own) for own in points]))
    assert len(found.points) == 8
    for truth in points.reshape(-1, 2, 2):
        assert np.abs(found.points - truth).max(axis=(1, 2)).min() < 0.5


def test_labels_of_its_format_are_read(toyparts, tmp_path):
    (tmp_path / "a.txt").write_text("toyparts points of cage.mp4\n3 10 20\n7 30 40\n")
    labels = read_label_file(tmp_path / "a.txt")
    assert [frame.frame_idx for frame in labels] == [3, 7]
    np.testing.assert_allclose(labels[1].instances[0].numpy(), [[30, 40]])


@pytest.mark.slow
def test_its_camera_is_answered_and_its_board_told(toyparts):
    from toyparts.board import TOLD

    pipeline = make_pipeline(lambda number: [fly(100, 100)])
    settings = LiveSettings(triggers=("one=count == 1",), outputs=("board:ao0",), trigger_every_ms=2)
    answers = list(LiveRun("three:toy", pipeline, TrackingConfig(), settings).answers())
    assert [poses.frame_idx for poses in answers] == [0, 1, 2]
    assert ("ao0", "one", True) in TOLD
    assert TOLD[-1] == ("ao0", "one", False)


@pytest.mark.slow
def test_it_trains_predicts_tracks_and_exports(toyparts, tmp_path):
    profile = {
        "kind": "center_bottom_up",
        "backbone": {"name": "pyramid", "filters": 8},
        "head": {"output_stride": 2, "sigma_px": 2.5, "centers": {"output_stride": 4}},
        "training": {"max_epochs": 1, "steps_per_epoch": 3, "precision": "float32", "pictures_every": 0},
    }
    (tmp_path / "profile.yaml").write_text(yaml.safe_dump(profile))
    train, val = write_blobs(tmp_path, "train", 6), write_blobs(tmp_path, "val", 2, seed=1)
    model, table, tracks = tmp_path / "model", tmp_path / "predictions.parquet", tmp_path / "tracks.parquet"
    run("train", tmp_path / "profile.yaml", "--train", train, "--val", val, "--out", model)
    assert read_json(model / "training.json")["kind"] == "center_bottom_up"
    saved = yaml.safe_load((model / "config.yaml").read_text())
    assert (saved["backbone"]["levels"], saved["head"]["centers"]["unit_px"]) == (2, 10.0)

    write_video(tmp_path / "a.mp4", (draw_frame(draw_points(2, np.random.default_rng(0))) for _ in range(8)), 25)
    run("index", tmp_path / "a.mp4", "--out", tmp_path / "a.json")
    # After three steps no peak is high: all that there are count.
    run("predict", tmp_path / "a.json", "-m", model, "--out", table, "--set", "peak_threshold=0")
    assert len(np.unique(read_predictions(table).frame_idx)) == 8
    sure = ("min_points=1", "min_instance_score=0", "min_partial_score=0")
    run("track", table, "--out", tracks, *(part for own in ("similarity=nearness", *sure) for part in ("--set", own)))
    assert len(read_tracks(tracks).track) == len(read_predictions(table).frame_idx)
    middle = tmp_path / "middle.parquet"
    run("predict", tmp_path / "a.json", "-m", model, "--out", middle, "--set", "runtime=middle")
    assert (read_predictions(middle).points == 48).all()
    poses = tmp_path / "poses.parquet"
    run("assemble", table, "--tracks", tracks, "--index", tmp_path / "a.json", "--recording", "a", "--out", poses)
    run("export", poses, "--out", tmp_path / "a.count")
    assert (tmp_path / "a.count").read_text() == "48\n"
