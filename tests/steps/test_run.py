"""All steps in one call; the networks are stood in for by ones that find a walking animal or two."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import poseflow
from poseflow.config import Config, PredictConfig
from poseflow.core.errors import ConfigError, PoseflowError, VideoError
from poseflow.core.skeleton import Skeleton
from poseflow.media import write_video
from poseflow.runs.places import Places
from poseflow.runs.releases import Release
from poseflow.steps import run as step
from poseflow.steps.run import run_steps
from poseflow.tables import Instances, PredictionsWriter, read_poses

SKELETON = Skeleton(nodes=("nose", "tail"))
SETTINGS = Config(predict=PredictConfig(shard_frames=5))
MODELS = [Path("models/a")]


@pytest.fixture
def predicted(monkeypatch):
    """Frames that networks ran over; these find two animals that walk to the right."""
    calls = []

    def predict_shard(index, pipeline, frames, out, config, metadata, profile=None):
        calls.append((Path(index.path).name, *frames))
        lags = config.flow.window_frames
        numbers = np.repeat(np.arange(*frames), 2)
        nose = np.stack([10.0 + numbers, np.tile([10, 40], len(numbers) // 2)], axis=-1)
        points = np.stack([nose, nose + 8], axis=1).astype(np.float32)
        moved = points[:, None] + np.arange(1, lags + 1)[:, None, None] * np.array([1.0, 0.0])
        with PredictionsWriter(out, SKELETON, lags, (), metadata=metadata) as writer:
            ones = np.ones(len(numbers)), points, np.ones((len(numbers), 2))
            writer.append(Instances.from_arrays(numbers, *ones, shifted=moved.astype(np.float32)))
            writer.close(frames=[frames] if len(numbers) else [])

    fake = SimpleNamespace(load_pipeline=lambda folders, settings: None, predict_shard=predict_shard)
    monkeypatch.setitem(sys.modules, "poseflow.inference", fake)
    release = Release(id="re1ea5e", models={}, kinds={"a": "bottom_up"}, skeleton=SKELETON, version="1")
    monkeypatch.setattr(step, "describe_release", lambda models: release)
    return calls


def make_video(path, frames=10):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_video(path, iter(np.zeros((frames, 64, 64, 1), np.uint8)), fps=25)
    return path


@pytest.mark.slow
def test_a_recording_becomes_a_table_with_tracks_and_an_overlay_and_is_predicted_once(predicted, tmp_path):
    video, out = make_video(tmp_path / "a.mp4"), tmp_path / "out"
    made = run_steps(video, MODELS, out, SETTINGS, animals=2, overlay=True)
    poses = read_poses(made.poses)
    assert poses.groupby("track").frame_idx.apply(list).to_list() == [list(range(10))] * 2
    assert made.overlays[0].exists()
    again = run_steps(video, MODELS, out, SETTINGS, animals=1)
    assert read_poses(again.poses).track.unique().tolist() == [0]
    assert predicted == [("a.mp4", 0, 5), ("a.mp4", 5, 10)]


@pytest.mark.slow
def test_in_a_folder_the_files_of_a_subfolder_are_one_recording_and_a_broken_one_is_left_out(predicted, tmp_path):
    for name in ("one.mp4", "cage/1.mp4", "cage/2.mp4"):
        make_video(tmp_path / "videos" / name)
    (tmp_path / "videos/broken.mp4").write_bytes(b"nothing")
    (tmp_path / "videos/notes.txt").write_text("no video")
    out = tmp_path / "videos/out"
    made = run_steps(tmp_path / "videos", MODELS, out, SETTINGS, overlay=True)
    assert list(made.left_out) == ["broken"]
    poses = read_poses(out / "poses")
    assert sorted(set(zip(poses.recording, poses.video, strict=True))) == [
        ("cage", "cage__1"),
        ("cage", "cage__2"),
        ("one", "one"),
    ]
    assert poses[poses.recording == "cage"].groupby("track").video.nunique().to_list() == [2, 2], "tracked as one"
    again = run_steps(tmp_path / "videos", MODELS, out, SETTINGS)
    assert len(again.poses) == 4, "the overlays of the first run are no recordings"


@pytest.mark.slow
def test_one_recording_that_fails_keeps_no_other_from_being_done(predicted, tmp_path, monkeypatch):
    for name in ("a.mp4", "b.mp4"):
        make_video(tmp_path / "videos" / name)
    well = step.predict_frames

    def predict_frames(index, *others):
        if Path(index.path).stem == "a":
            raise VideoError("a.mp4 must have 10 bytes as when it was indexed, got 9")
        well(index, *others)

    monkeypatch.setattr(step, "predict_frames", predict_frames)
    made = run_steps(tmp_path / "videos", MODELS, tmp_path / "out", SETTINGS)
    assert [path.stem for path in made.poses] == ["b"]
    assert "when it was indexed" in made.left_out["a"]


def test_in_python_a_table_comes_back_and_nothing_else_is_left(predicted, tmp_path):
    poses = poseflow.run(make_video(tmp_path / "a.mp4"), "models/a", animals=2)
    assert len(poses) == 20
    assert set(poses.track) == {0, 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def _workflow(folder):
    (folder / "out").mkdir()
    Places(folder / "out").facts.write_text("{}")
    return make_video(folder / "a.mp4")


def _another(folder):
    run_steps(make_video(folder / "other/a.mp4"), MODELS, folder / "out", SETTINGS)
    return make_video(folder / "a.mp4")


def _broken(folder):
    (folder / "a.mp4").write_bytes(b"nothing")
    return folder / "a.mp4"


def _all_broken(folder):
    (folder / "videos").mkdir()
    return _broken(folder / "videos").parent


def _empty(folder):
    (folder / "videos").mkdir()
    return folder / "videos"


@pytest.mark.parametrize(
    ("make", "kind", "said"),
    [
        (lambda folder: folder / "gone.mp4", VideoError, "got nothing there"),
        (_broken, VideoError, "must be readable"),
        (_all_broken, VideoError, "1 that cannot be read"),
        (_empty, VideoError, "must hold recordings"),
        (_workflow, ConfigError, "which a workflow fills"),
        (_another, ConfigError, "folder of its own"),
    ],
    ids=["gone", "broken", "all broken", "empty", "a workflow's results", "results of another recording"],
)
def test_what_cannot_be_done_is_told_in_one_line(predicted, tmp_path, make, kind, said):
    source = make(tmp_path)
    with pytest.raises(kind, match=said) as told:
        run_steps(source, MODELS, tmp_path / "out", SETTINGS)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("models", [[], ["m/a", "m/a"], ["m/gone"]], ids=["none", "twice", "gone"])
def test_models_that_are_none_are_told(tmp_path, models):
    with pytest.raises(PoseflowError):
        poseflow.run(make_video(tmp_path / "a.mp4"), models)
