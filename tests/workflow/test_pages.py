"""The commands on the pages for users of other programs do what the pages say."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sleap_io as sio
import yaml
from small_project import FRAMES, NODES, ROOT, animal_points, lay_out, write_recording
from typer.testing import CliRunner

from poseflow.cli import app
from poseflow.config import FOLDERS, WRITERS, read_model_config
from poseflow.tables import read_poses


def commands_of(page: str) -> list[list[str]]:
    text = (ROOT / "docs" / page).read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [shlex.split(line, comments=True) for block in blocks for line in block.splitlines() if line]


def settings_of(page: str) -> dict[str, object]:
    """The first settings on a page."""
    return yaml.safe_load(re.search(r"^```yaml\n(.*?)^```", (ROOT / "docs" / page).read_text(), re.M | re.S)[1])


def run_verbs(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    for program, *arguments in commands_of(page):
        if program == "poseflow":
            done = CliRunner().invoke(app, arguments, catch_exceptions=False)
            assert done.exit_code == 0, done.output


def write_slp(path: Path, video: str, seed: int) -> None:
    """Predictions of the small project's animals."""
    skeleton, own = sio.Skeleton(list(NODES), edges=[NODES[:2], NODES[1:]]), sio.Video(video, open_backend=False)
    frames = [
        sio.LabeledFrame(
            video=own,
            frame_idx=frame,
            instances=[
                sio.PredictedInstance.from_numpy(points, skeleton=skeleton, point_scores=np.ones(3), score=0.9)
                for points in animal_points(frame, seed).astype(np.float32)
            ],
        )
        for frame in range(FRAMES)
    ]
    path.parent.mkdir(exist_ok=True)
    sio.save_slp(sio.Labels(frames, [own], [skeleton]), str(path), embed=False, verbose=False)


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    write_recording(tmp_path / "videos/session.mp4", seed=0)
    write_slp(tmp_path / "predictions/session.slp", "D:\\lab\\videos\\session.mp4", seed=0)
    write_slp(tmp_path / "labels/session.slp", "videos/session.mp4", seed=0)
    folder = tmp_path / "models/230101.centroid"
    folder.mkdir(parents=True)
    model = {"backbone": {"unet": {"max_stride": 16}}, "heads": {"centroid": {"sigma": 3, "output_stride": 4}}}
    (folder / "training_config.json").write_text(json.dumps({"data": {}, "model": model, "optimization": {}}))
    return tmp_path


@pytest.mark.slow
def test_predictions_of_sleap_by_verbs(lab, monkeypatch):
    run_verbs("how_to/from_sleap.md", lab, monkeypatch)
    assert read_model_config("config/models/sleap_centroid.yaml").head.sigma_px == 3
    poses, back = read_poses("session.poses.parquet"), sio.load_slp("session.slp", open_videos=False)
    assert poses["time_s"].iloc[-1] > 1
    assert (len(poses), poses["track"].nunique(), len(back.tracks)) == (2 * FRAMES, 2, 2)
    for frame in back:
        found = np.stack([instance.numpy() for instance in frame.instances])
        expected = animal_points(frame.frame_idx, 0).astype(np.float32)
        np.testing.assert_array_equal(np.sort(found, axis=0), np.sort(expected, axis=0))


@pytest.mark.slow
def test_predictions_of_deeplabcut_by_verbs(tmp_path, monkeypatch):
    write_recording(tmp_path / "videos/session.mp4", seed=0)
    (tmp_path / "dlc").mkdir()
    levels = [["DLC_resnet50"], ["one", "two"], NODES, ["x", "y", "likelihood"]]
    columns = pd.MultiIndex.from_product(levels, names=["scorer", "individuals", "bodyparts", "coords"])
    points = np.stack([animal_points(frame, 0) for frame in range(FRAMES)]).astype(np.float32)
    scored = np.concatenate([points.astype(float), np.ones((*points.shape[:3], 1))], axis=-1)
    table = pd.DataFrame(scored.reshape(FRAMES, -1), columns=columns)
    table.to_csv(tmp_path / "dlc/sessionDLC_resnet50.csv")
    (tmp_path / "dlc/train").mkdir()
    settings = {
        "method": "bu",
        "model": {"backbone": {"type": "ResNet"}},
        "runner": {},
        "train_settings": {"epochs": 9},
    }
    (tmp_path / "dlc/train/pytorch_config.yaml").write_text(yaml.safe_dump(settings))
    run_verbs("how_to/from_deeplabcut.md", tmp_path, monkeypatch)
    assert read_model_config("config/models/deeplabcut.yaml").training.max_epochs == 9
    poses = read_poses("session.poses.parquet")
    assert (len(poses), poses["track"].nunique()) == (2 * FRAMES, 2)
    assert set(poses["tail.y"]) == set(points[:, :, 2, 1].ravel())


@pytest.mark.workflow
@pytest.mark.timeout(900)
def test_predictions_of_sleap_by_the_workflow(tmp_path):
    project = lay_out(tmp_path)
    write_slp(tmp_path / "predictions/first.slp", "/elsewhere/videos/first.mp4", seed=0)
    write_slp(tmp_path / "predictions/gone.slp", "/elsewhere/gone.mp4", seed=1)
    (tmp_path / "predictions/cut.slp").write_bytes((tmp_path / "predictions/gone.slp").read_bytes()[:999])
    (tmp_path / "config/config.yaml").write_text(
        yaml.safe_dump(settings_of("how_to/from_sleap.md") | {"predict": {"shard_frames": 30}})
    )
    assert project.planned_jobs() == jobs(index=1, index_predictions=1, import_predictions=4)
    project.snakemake()
    assert project.planned_jobs() == {}
    poses = project.tables()
    assert {name for name in poses if name.startswith("poses")} == {
        "poses/first/first.parquet",
        "poses/gone/gone.parquet",
    }
    for name, seed in (("first", 0), ("gone", 1)):
        table = read_poses(tmp_path / f"results/poses/{name}/{name}.parquet")
        assert (len(table), table["track"].nunique()) == (2 * FRAMES, 2)
        assert set(table["head.x"]) == {
            x for frame in range(FRAMES) for x in animal_points(frame, seed)[:, 0, 0].astype(np.float32)
        }
    said = (tmp_path / "results/summary.txt").read_text()
    assert "cut.slp" in said
    assert "gone.slp" in said


@pytest.mark.workflow
@pytest.mark.timeout(900)
def test_every_format_by_the_workflow(tmp_path):
    project = lay_out(tmp_path)
    write_slp(tmp_path / "predictions/first.slp", "/elsewhere/videos/first.mp4", seed=0)
    settings = settings_of("how_to/from_sleap.md") | {"exports": [*WRITERS], "subject": {"sex": "F"}}
    (tmp_path / "config/config.yaml").write_text(yaml.safe_dump(settings))
    exports = {f"export_{format}": 1 for format in WRITERS}
    once = jobs(index=1, import_predictions=1, assemble=1, track=1)
    assert project.planned_jobs() == once | exports
    project.snakemake()
    assert project.planned_jobs() == {}
    found = {format: project.places.export(format, "first", "first") for format in WRITERS}
    assert all(path.is_dir() == (format in FOLDERS) and path.exists() for format, path in found.items())
    (video,) = sio.load_slp(str(found["slp"]), open_videos=False).videos
    assert (tmp_path / video.filename).samefile(tmp_path / "videos/first.mp4")
    assert len(pd.read_csv(found["csv"])) == 2 * FRAMES
    settings["subject"]["sex"] = "M"
    (tmp_path / "config/config.yaml").write_text(yaml.safe_dump(settings))
    assert {name for name in project.planned_jobs() if name.startswith("export")} == {
        "export_nwb",
        "export_nwb_animals",
    }


def jobs(**some: int) -> dict[str, int]:
    return {"all": 1, "assemble": 2, "report": 1, "track": 2} | some
