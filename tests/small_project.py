"""A small project that the whole workflow runs over: three short recordings, one of them broken, and tiny networks."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import sleap_io as sio
import yaml
from warm_python import FOR_JOBS, warm_python

from poseflow.media import write_video
from poseflow.runs.places import PLACES, Places

ROOT = Path(__file__).parents[1]
FRAMES, SIZE, NODES = 64, 96, ("head", "body", "tail")
CONFIG = {
    "videos": {"root": "videos"},
    "labels": {"paths": ["labels/*.slp"]},
    "split": {"by": "frame", "val_fraction": 0.2, "test_fraction": 0.2},
    "models": {
        kind: {
            "profile": f"config/models/{kind}.yaml",
            "input": {"scale": 1.0},
            "backbone": {"filters": 4, "down_blocks": 2, "convs_per_block": 1},
            "head": {"output_stride": 2, "sigma_px": 3.0, "class_maps": {"output_stride": 4}},
            "training": {"max_epochs": 2, "steps_per_epoch": 20, "warmup_steps": 5, "pictures_every": 0},
        }
        for kind in ("centroid", "centered_instance", "multi_class_bottom_up")
    },
    "pipelines": {"top_down": ["centroid", "centered_instance"], "one_pass": ["multi_class_bottom_up"]},
    "release": "top_down",
    "predict": {"shard_frames": 30, "batch_size": 4, "max_instances": 2, "flow": {"window_frames": 2}},
    "tracking": {"animals": 2, "window_frames": 2},
    "render": {"enabled": True, "max_frames": 10},
}

TOP_DOWN = {
    "models": {name: CONFIG["models"][name] for name in CONFIG["pipelines"]["top_down"]},
    "pipelines": None,
    "release": None,
    "render": {"enabled": False},
}
"""Settings of a run that trains less, for tests of what comes after."""


def animal_points(frame: int, seed: int) -> np.ndarray:
    """(2 animals, 3 nodes, 2): two sticks that go round and round."""
    angle = 0.08 * frame * np.array([1, -1]) + seed
    centers = np.array([[30.0, 48.0], [66.0, 48.0]]) + 8 * np.stack([np.cos(angle), np.sin(angle)], 1)
    along = np.stack([np.cos(2 * angle), np.sin(2 * angle)], 1)
    return centers[:, None] + np.array([10.0, 0.0, -10.0])[None, :, None] * along[:, None]


def draw_frame(points: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[:SIZE, :SIZE]
    image = np.full((SIZE, SIZE), 40.0)
    for animal in points:
        for (px, py), height in zip(animal, (200, 120, 80), strict=True):
            image += height * np.exp(-((x - px) ** 2 + (y - py) ** 2) / 18)
    return np.clip(image, 0, 255).astype(np.uint8)[..., None]


def write_recording(path: Path, seed: int, frames: int = FRAMES) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_video(path, (draw_frame(animal_points(frame, seed)) for frame in range(frames)), fps=25, gop=20)


def write_labels(path: Path, video: Path, seed: int) -> None:
    skeleton = sio.Skeleton(list(NODES), edges=[("head", "body"), ("body", "tail")])
    recording = sio.Video(filename=str(video))
    tracks = [sio.Track("left"), sio.Track("right")]
    frames = [
        sio.LabeledFrame(
            video=recording,
            frame_idx=frame,
            instances=[
                sio.Instance.from_numpy(points, skeleton=skeleton, track=track)
                for points, track in zip(animal_points(frame, seed), tracks, strict=True)
            ],
        )
        for frame in range(FRAMES)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    sio.save_file(sio.Labels(labeled_frames=frames, videos=[recording], skeletons=[skeleton], tracks=tracks), str(path))


@dataclass(frozen=True)
class Project:
    """A folder as a user has it: the workflow, its settings, recordings and labels."""

    folder: Path
    config = CONFIG
    frames = FRAMES

    @property
    def places(self) -> Places:
        """Where everything lies that a run makes."""
        return Places(self.folder / PLACES.results, self.folder / PLACES.logs)

    @property
    def options(self) -> list[str]:
        """What all of the project's runs are started with."""
        return ["--profile", "local", "--cores", "2"]

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "snakemake", *self.options, *arguments]

    def quick_command(self, *arguments: str) -> list[str]:
        """The same, but that neither the run nor its jobs wait for imports."""
        return [warm_python(), *self.command(*arguments)[1:]]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **FOR_JOBS}

    def snakemake(self, *arguments: str, check: bool = True) -> str:
        """Run the workflow; gives what it printed."""
        done = subprocess.run(
            self.quick_command(*arguments),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=1500,
        )
        if check and done.returncode:
            pytest.fail(f"{done.stdout}\n{self.logs()}")
        return done.stdout

    def dry_run(self, *arguments: str) -> str:
        """Run `snakemake -n`; gives what it printed."""
        return self.snakemake("-n", *arguments, check=False)

    def logs(self) -> str:
        """What the jobs said, to find out why a run failed."""
        return "\n".join(f"--- {log}\n{log.read_text()[-2000:]}" for log in self.folder.glob("logs/**/*.log"))

    def poseflow(self, *arguments: str, check: bool = True) -> str:
        """Run a verb in the project's folder; gives what it said."""
        command = [warm_python(), "-c", "from poseflow.cli import main; main()", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, check=False, timeout=900, capture_output=True, text=True
        )
        if check and done.returncode:
            pytest.fail(done.stdout + done.stderr)
        return done.stdout

    def planned_jobs(self, *arguments: str) -> dict[str, int]:
        """What a dry run would do: number of jobs by rule."""
        lines = self.dry_run(*arguments).splitlines()
        if any("Nothing to be done" in line for line in lines):
            return {}
        begin = max(number for number, line in enumerate(lines) if line.startswith("job  "))
        table = (line.split() for line in lines[begin + 2 :])
        jobs = {}
        for row in table:
            if len(row) != 2 or row[0] == "total":
                break
            jobs[row[0]] = int(row[1])
        return jobs

    def configure(self, **changes: object) -> None:
        path = self.folder / "config/config.yaml"
        path.write_text(yaml.safe_dump({**CONFIG, **changes}))

    def add_recording(self, name: str, seed: int) -> None:
        write_recording(self.folder / "videos" / name, seed)

    def tables(self) -> dict[str, bytes]:
        """Contents of every table that the workflow made."""
        results = self.folder / "results"
        paths = [path for kind in ("predictions", "tracks", "poses") for path in results.glob(f"{kind}/**/*.parquet")]
        names = {str(path.relative_to(results)): path for path in paths}
        return {name: path.read_bytes() for name, path in names.items()}


def lay_out(folder: Path) -> Project:
    """Make the project in an empty folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("Snakefile", "workflow", "profiles", "local", "slurm"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "config", folder / "config")
    write_recording(folder / "videos/first.mp4", seed=0)
    write_recording(folder / "videos/day 2/second.mp4", seed=1, frames=24)
    (folder / "videos/broken.mp4").write_bytes(b"")
    write_labels(folder / "labels/first.slp", Path("videos/first.mp4"), seed=0)  # so that a copy has its own
    project = Project(folder)
    project.configure()
    return project
