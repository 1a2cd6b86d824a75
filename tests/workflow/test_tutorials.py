"""The tutorials can be followed: their commands, settings and Python run one after the other."""

import dataclasses
import re
import shlex
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml
from shell import bash
from small_project import ROOT, Project, animal_points, draw_frame
from typer.testing import CliRunner

from poseflow.cli import app
from poseflow.config import parse_config, read_yaml
from poseflow.media import index_video, open_video, write_video
from poseflow.runs.facts import FileFacts
from poseflow.runs.places import PLACES
from poseflow.runs.plan import make_plan
from poseflow.synth import IDENTITIES, SKELETON
from poseflow.tables import PoseSource, Predictions, Tracks, assemble_poses, read_poses, write_poses

pytestmark = pytest.mark.workflow


def follow(
    page: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: Mapping[str, str] | None = None,
    **instead: Callable[[], None],
) -> None:
    """Do what a tutorial says.

    Args:
        changes: words that are others here.
        instead: what stands in for a command that would take too long, by its first word.
    """
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    text = (ROOT / "docs/tutorials" / page).read_text(encoding="utf-8")
    for word, other in (changes or {}).items():
        assert word in text
        text = text.replace(word, other)
    for language, block in re.findall(r"^```(sh|yaml|python)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        if language == "python":
            exec(compile(block, page, "exec"), {})
        elif language == "yaml":
            change_settings(block)
        else:
            for line in block.splitlines():
                type_in(line, monkeypatch, instead)


def change_settings(block: str) -> None:
    """Sections of a block take the place of those in the file that its first line names."""
    path = Path(block.splitlines()[0].removeprefix("# "))
    settings = read_yaml(path) | yaml.safe_load(block)
    parse_config(settings)
    path.write_text(yaml.safe_dump(settings))


def type_in(line: str, monkeypatch: pytest.MonkeyPatch, instead: Mapping[str, Callable[[], None]]) -> None:
    program, *arguments = shlex.split(line)
    if program == "snakemake" and "-n" in arguments:
        said = Project(Path()).dry_run(*arguments)
        assert "rror" not in said and "train" in said, said
    elif program in instead:
        instead[program]()
    elif program == "cd":
        monkeypatch.chdir(arguments[0])
    elif program == "poseflow":
        done = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert done.exit_code == 0, done.output
    else:
        said = bash(f"{line} || echo failed", Path.cwd())
        assert "failed" not in said, said


@pytest.mark.long
@pytest.mark.timeout(900)
def test_one_mouse_from_a_deeplabcut_project_to_velocities(tmp_path, monkeypatch):
    """A small network on large pixels stands in for the tutorial's."""
    write_deeplabcut_project(tmp_path / "openfield", frames=40)
    small = yaml.safe_load((ROOT / "config/models/single_instance.yaml").read_text())
    small |= {"backbone": {"filters": 4, "down_blocks": 2}, "head": {"output_stride": 2, "sigma_px": 12.0}}
    small |= {"training": {"steps_per_epoch": 20, "warmup_steps": 5, "pictures_every": 0}}
    profile = tmp_path / "mouse/config/models/single_instance.yaml"
    profile.parent.mkdir(parents=True)
    profile.write_text(yaml.safe_dump(small))
    follow("velocity.md", tmp_path, monkeypatch, {"max_epochs: 6": "max_epochs: 3"})
    poses = read_poses("results/poses")
    assert poses["frame_idx"].nunique() == len(poses) > 30, "one animal"
    assert Path("velocity.png").stat().st_size > 10_000
    assert index_video("results/overlays/m3v1mp4.mp4").frames == 40


def write_deeplabcut_project(folder: Path, frames: int, zoom: int = 4) -> None:
    """One animal of four nodes in images of some size, half of them labeled; and a video of all."""
    images, rows = [], {}
    columns = [("anna", node, axis) for node in ("snout", "leftear", "rightear", "tailbase") for axis in "xy"]
    labeled = folder / "labeled-data/m4s1"
    labeled.mkdir(parents=True)
    for frame in range(frames):
        stick = animal_points(frame, 0)[:1]
        images.append(np.kron(draw_frame(stick), np.ones((zoom, zoom, 1), np.uint8)))
        head, body, tail = (stick[0] + 0.5) * zoom - 0.5
        if frame % 2 == 0:
            name = f"labeled-data/m4s1/img{frame:04d}.png"
            cv2.imwrite(str(folder / name), images[-1])
            rows[name] = np.concatenate([head, (2 * head + body) / 3, body, tail])
    table = pd.DataFrame(rows, index=pd.MultiIndex.from_tuples(columns, names=["scorer", "bodyparts", "coords"])).T
    table.to_csv(labeled / "CollectedData_anna.csv")
    (folder / "videos").mkdir()
    write_video(folder / "videos/m3v1mp4.mp4", iter(images), fps=25)


def test_four_animals_from_labels_of_sleap_to_identities_over_two_days(tmp_path, monkeypatch):
    """The plan is made in earnest, for short recordings; the truth about these stands in for what networks find."""

    def finish() -> None:
        plan = make_plan(parse_config(read_yaml(Path("config/config.yaml"))), FileFacts("facts.json"))
        assert {name: list(videos) for name, videos in plan.recordings.items()} == {
            "cage1": ["cage1__day1", "cage1__day2"]
        }
        for video, path in plan.videos.items():
            write_truth_as_poses(path, video, plan.facts[video].start)

    follow("identities.md", tmp_path, monkeypatch, {"frames=600": "frames=12"}, snakemake=finish)
    poses = read_poses("results/poses")
    assert sorted(poses["timestamp"].dt.day.unique()) == [1, 2]
    assert Path("together.png").stat().st_size > 10_000


def write_truth_as_poses(recording: Path, video: str, start: datetime) -> None:
    truth = pd.read_parquet(recording.with_suffix(".truth.parquet"))
    points = np.stack([truth[[f"{node}.x", f"{node}.y"]] for node in SKELETON.nodes], axis=1)
    predictions = Predictions.from_instances(SKELETON, truth["frame_idx"], points)
    who = truth["identity"].map(IDENTITIES.index).to_numpy()
    rows = np.arange(len(who))
    tracks = dataclasses.replace(
        Tracks.without_identities(rows, predictions.frame_idx, who, who),
        identity_names=IDENTITIES,
        identity_code=who.astype(np.int16),
        identity_score=np.ones(len(who), np.float32),
    )
    source = PoseSource("cage1", video, start=start)
    write_poses(assemble_poses(predictions, tracks, index_video(recording), source), PLACES.pose_table("cage1", video))


@pytest.mark.slow
def test_models_of_sleap_on_a_folder_of_videos(real_data, tmp_path, monkeypatch):
    whole = index_video(real_data / "fly_pair/centered_pair_low_quality.mp4")
    for name, first in {"evening": 0, "morning": 550}.items():
        with open_video(whole) as video:
            images = (image for _, image in video.read(first, first + 12, whole.channels))
            write_video(tmp_path / f"flies/{name}.mp4", images, fps=15)
    (tmp_path / "models").mkdir()
    for name in ("centroid", "centered_instance"):
        (tmp_path / "models" / name).symlink_to(real_data / f"sleap_models/minimal_instance.UNet.{name}")
    follow("sleap_models.md", tmp_path, monkeypatch)
    poses = read_poses("found/poses")
    assert poses.groupby("recording", observed=True)["track"].nunique().to_dict() == {"evening": 2, "morning": 2}
    assert Path("distance.png").stat().st_size > 10_000
    assert [path.suffix for path in sorted(Path("found/exports/slp").rglob("*.*"))] == [".slp", ".slp"]
