"""The workflow by an executor other than `local` and `slurm`: `cluster-generic`, whose jobs run on this machine."""

import subprocess
import sys
import time
from dataclasses import dataclass

import psutil
import pytest
from small_project import CONFIG, Project, lay_out

from poseflow import read_poses
from poseflow.core.files import read_json
from poseflow.runs.places import ANY, PLACES

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(600)]

SUBMIT = """#!/bin/sh
# Start a job script in a session of its own; say its number, under which its exit code will be found.
setsid sh -c 'sh "$0" > "jobs/$$.log" 2>&1; echo $? > "jobs/$$.code"' "$2" &
echo "$1" > "jobs/$!.rule"
echo $!
"""
STATUS = """#!/bin/sh
# Say how a job is; one that is gone without an exit code was killed.
if [ -e "jobs/$1.code" ]; then [ "$(cat "jobs/$1.code")" = 0 ] && echo success || echo failed
elif kill -0 "$1" 2>/dev/null; then echo running
else sleep 0.1; [ "$(cat "jobs/$1.code" 2>/dev/null)" = 0 ] && echo success || echo failed; fi
"""
MODEL = "multi_class_bottom_up"


@dataclass(frozen=True)
class SubmittedProject(Project):
    """The small project, its jobs handed to a command as a lab's PBS, LSF or SGE gets them."""

    def command(self, *arguments: str) -> list[str]:
        executor = ["--executor", "cluster-generic", "--jobs", "2", "--retries", "1"]
        executor += ["--seconds-between-status-checks", "1"]
        commands = ["--cluster-generic-submit-cmd", "./submit {rule}", "--cluster-generic-status-cmd", "./status"]
        return [sys.executable, "-m", "snakemake", *executor, *commands, *arguments]

    def jobs(self, rule: str) -> list[int]:
        """Numbers of the jobs of a rule that were submitted, the first one first."""
        notes = sorted((self.folder / "jobs").glob("*.rule"), key=lambda path: path.stat().st_mtime_ns)
        return [int(path.stem) for path in notes if path.read_text().strip() == rule]


@pytest.fixture
def submitted(tmp_path) -> SubmittedProject:
    """One recording, and labels for one small model."""
    project = SubmittedProject(lay_out(tmp_path / "project").folder)
    for path in ("videos/day 2/second.mp4", "videos/broken.mp4"):
        (project.folder / path).unlink()
    project.configure(
        models={MODEL: CONFIG["models"][MODEL]},
        pipelines=None,
        release=None,
        render={"enabled": False},
        predict={**CONFIG["predict"], "shard_frames": 100},
    )
    for name, script in (("submit", SUBMIT), ("status", STATUS)):
        (project.folder / name).write_text(script)
        (project.folder / name).chmod(0o755)
    (project.folder / "jobs").mkdir()
    return project


def wait_for(find, what, seconds=300):
    end = time.monotonic() + seconds
    while not (found := find()):
        assert time.monotonic() < end, f"{what} did not happen in time"
        time.sleep(0.01)
    return found


def kill_job(number: int) -> None:
    """As a scheduler does it: every process of the job, from the outermost on, so that none can say anything."""
    job = psutil.Process(number)
    for process in [job, *job.children(recursive=True)]:
        process.kill()


def test_from_videos_to_pose_tables_though_a_training_is_killed(submitted):
    table = str(PLACES.pose_table("first", "first"))
    log = submitted.folder / "run.log"
    with log.open("w") as file:
        run = subprocess.Popen(
            submitted.quick_command(table), cwd=submitted.folder, env=submitted.environment, stdout=file, stderr=file
        )
    try:
        checkpoints = str(PLACES.training(ANY, ANY) / ".model.work/checkpoint.npz")
        wait_for(lambda: run.poll() is not None or list(submitted.folder.glob(checkpoints)), "the first epoch's end")
        assert run.poll() is None, log.read_text()
        kill_job(submitted.jobs("train")[0])
        assert run.wait(timeout=500) == 0, log.read_text() + submitted.logs()
    finally:
        run.kill()
    (model,) = submitted.places.find(submitted.places.model(MODEL, ANY))
    said = submitted.places.log("train", MODEL, model.name).read_text()
    assert len(submitted.jobs("train")) == 2, "the one that was killed, and one more"
    assert "resuming after epoch 1" in said
    assert read_json(model / "training.json")["epochs"] == 2
    assert len((model / "history.csv").read_text().splitlines()) == 1 + 2, "each epoch once"
    poses = read_poses(submitted.folder / table)
    assert set(poses["video"]) == {"first"}
