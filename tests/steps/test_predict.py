"""One shard: quarantined recordings, and tables that an earlier job finished."""

import errno
import os
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from poseflow.config import PredictConfig
from poseflow.core.skeleton import Skeleton
from poseflow.media import VideoIndex
from poseflow.runs.releases import Release
from poseflow.steps.predict import predict_frames
from poseflow.tables import Instances, PredictionsWriter, read_predictions

SKELETON = Skeleton(nodes=("nose", "tail"))
RELEASE = Release(id="re1ea5e", models={}, kinds={}, skeleton=SKELETON, version="1")


@pytest.fixture
def index(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"frames")
    return VideoIndex(path=str(tmp_path / "a.mp4"), kind="video", frames=10, width=8, height=8)


@pytest.fixture
def predicted(monkeypatch):
    """Frames that networks ran over, call by call; these find one animal in each."""
    calls = []

    def predict_shard(index, pipeline, frames, out, config, metadata, profile=None):
        calls.append(frames)
        with PredictionsWriter(out, SKELETON, config.flow.window_frames, (), metadata=metadata) as writer:
            count = frames[1] - frames[0]
            shifted = np.zeros((count, config.flow.window_frames, 2, 2), np.float32)
            points = np.ones((count, 2, 2), np.float32)
            found = (np.arange(*frames), np.ones(count), points, np.ones((count, 2)))
            writer.append(Instances.from_arrays(*found, shifted=shifted))
            writer.close(frames=[frames])

    networks = SimpleNamespace(load_pipeline=lambda folders, settings: None, predict_shard=predict_shard)
    monkeypatch.setitem(sys.modules, "poseflow.inference", networks)
    return calls


def test_a_quarantined_recording_has_an_empty_table_that_says_why(predicted, tmp_path):
    broken = VideoIndex(path="b.mp4", kind="video", status="quarantined", reason="the file is empty")
    predict_frames(broken, RELEASE, (0, 0), tmp_path / "b.parquet", PredictConfig(), "b", tmp_path / "kept")
    found = read_predictions(tmp_path / "b.parquet")
    assert (len(found), found.metadata["reason"], found.metadata["release"]) == (0, "the file is empty", "re1ea5e")
    assert predicted == []


@pytest.mark.parametrize("has_links", [True, False])
def test_what_an_earlier_job_finished_unnoticed_is_taken(index, predicted, tmp_path, monkeypatch, has_links):
    """Where there are no hard links too (the case no_hard_links_in_predict)."""

    def fail(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    if not has_links:
        monkeypatch.setattr(os, "link", fail)
    out, kept = tmp_path / "a.parquet", tmp_path / "kept"
    predict_frames(index, RELEASE, (0, 5), out, PredictConfig(), "a", kept)
    content = out.read_bytes()
    out.unlink()
    predict_frames(index, RELEASE, (0, 5), out, PredictConfig(), "a", kept)
    assert (predicted, out.read_bytes()) == ([(0, 5)], content)


@pytest.mark.parametrize("change", ["settings", "release", "recording"])
def test_what_was_made_from_something_else_is_not_taken(index, predicted, tmp_path, change):
    out, kept = tmp_path / "a.parquet", tmp_path / "kept"
    predict_frames(index, RELEASE, (0, 5), out, PredictConfig(), "a", kept)
    predict_frames(
        index.model_copy(update={"frames": 11}) if change == "recording" else index,
        RELEASE.model_copy(update={"id": "an07her"}) if change == "release" else RELEASE,
        (0, 5),
        out,
        PredictConfig(peak_threshold=0.3) if change == "settings" else PredictConfig(),
        "a",
        kept,
    )
    assert len(predicted) == 2


def test_a_verb_leaves_nothing_beside_its_table(index, predicted, tmp_path):
    (tmp_path / "out").mkdir()
    predict_frames(index, RELEASE, (0, 5), tmp_path / "out/a.parquet", PredictConfig(), "a")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.parquet"]


def test_a_copy_is_read_in_the_recordings_place_and_the_table_names_the_recording(
    index, predicted, tmp_path, monkeypatch
):
    read, predict_shard = [], sys.modules["poseflow.inference"].predict_shard
    networks = SimpleNamespace(
        load_pipeline=lambda folders, settings: None,
        predict_shard=lambda index, *others: (read.append(index.path), predict_shard(index, *others)),
    )
    monkeypatch.setitem(sys.modules, "poseflow.inference", networks)
    out = tmp_path / "a.parquet"
    predict_frames(index, RELEASE, (0, 5), out, PredictConfig(), "a", copy=tmp_path / "scratch/a.mp4")
    assert read == [str(tmp_path / "scratch/a.mp4")]
    assert read_predictions(out).metadata["made_by"]["predict"]["inputs"]["recording"]["file"] == index.path
