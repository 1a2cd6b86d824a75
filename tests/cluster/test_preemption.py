"""Training on a cluster, interrupted in every way that SLURM knows, against an undisturbed one."""

import csv
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from blobs import write_blobs
from cluster.virtual_slurm import wait_for

from poseflow.cluster import JobResources, train_as_job
from poseflow.cluster.queue import query_state
from poseflow.config import ModelConfig
from poseflow.core.files import read_json

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(1200)]
EPOCHS = 40
CONFIG = ModelConfig.model_validate(
    {
        "kind": "centered_instance",
        "input": {"crop_px": 48},
        "backbone": {"filters": 8, "down_blocks": 2},
        "head": {"output_stride": 2},
        "training": {
            "max_epochs": EPOCHS,
            "steps_per_epoch": 40,
            "warmup_steps": 5,
            "early_stop_epochs": None,
            "pictures_every": 0,
        },
    }
)


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packages")
    return write_blobs(folder, "train", 12), write_blobs(folder, "val", 4, seed=1)


@pytest.fixture
def on_cluster(cluster, monkeypatch):
    """Commands of SLURM's, called in this process, reach the cluster."""
    for name in ("SLURM_CONF", "PATH"):
        monkeypatch.setenv(name, cluster.environment[name])
    return cluster


def read_curve(folder):
    with (folder / "history.csv").open() as file:
        return [(row["epoch"], row["loss"], row["val_loss"]) for row in csv.DictReader(file)]


class Training:
    """A training that is waited for in a thread, and what can be done to it meanwhile."""

    def __init__(self, cluster, packages, folder):
        self.cluster, self.folder = cluster, folder
        self.work = folder.with_name(f".{folder.name}.job")
        resources = JobResources(scheduler="slurm", runtime_min=60, mem_mb=8000, gpus=1, signal_delay_s=50)
        pool = ThreadPoolExecutor(1)
        self.end = pool.submit(
            train_as_job, CONFIG, packages, folder, folder.with_suffix(".log"), resources, poll_s=1.0
        )

    @property
    def job(self):
        wait_for(lambda: (self.work / "submitit/job.json").exists(), "the training is submitted")
        return read_json(self.work / "submitit/job.json")["job"]

    @property
    def epochs(self):
        history = self.work / ".model.work/history.csv"
        return len(history.read_text().splitlines()) - 1 if history.exists() else 0

    @property
    def starts(self):
        note = self.work / "starts.json"
        return len(read_json(note)) if note.exists() else 0

    def run_on(self, epochs=2):
        """Let it finish some epochs more; gives how many it has."""
        wanted = self.epochs + epochs
        wait_for(lambda: self.epochs >= wanted, f"epoch {wanted} is finished", seconds=240)

    @property
    def process(self):
        """The process that trains; all nodes are on this machine."""
        for process in psutil.process_iter(["environ", "cmdline"]):
            is_ours = (process.info["environ"] or {}).get("SLURM_JOB_ID") == self.job
            if is_ours and "submitit.core._submit" in process.info["cmdline"] and "python" in process.name():
                return process
        raise RuntimeError(f"job {self.job} must have a process that trains")

    def freeze(self):
        """Let time stand still for the training, so that it does not end before something happens to it."""
        self.process.suspend()

    def thaw_with_warning(self):
        """Go on when SLURM has sent its signal, USR2, and the training is to answer it."""
        process = self.process

        def is_warned():
            try:
                status = Path(f"/proc/{process.pid}/status").read_text()
            except OSError:  # SLURM has woken it already
                return True
            pending = (
                int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("SigPnd", "ShdPnd"))
            )
            return any(mask >> (signal.SIGUSR2 - 1) & 1 for mask in pending)

        wait_for(is_warned, "SLURM has warned the job", seconds=240, every=0.1)
        with suppress(psutil.NoSuchProcess):
            process.resume()

    def await_requeue(self):
        wait_for(lambda: query_state(self.job) == "PENDING", "the job is queued again")
        idle = ("sinfo", "-h", "-p", "cpu", "-o", "%D %t")
        wait_for(lambda: self.cluster.run(*idle).split() == ["3", "idle"], "its node is free of it")
        self.cluster.run("scontrol", "update", f"JobId={self.job}", "TimeLimit=60", "StartTime=now")

    def await_start(self, starts):
        wait_for(lambda: self.starts == starts, f"the job has started {starts} times", seconds=300)


@pytest.mark.slow
def test_preempted_twice_and_timed_out_once_the_curve_has_no_seam(on_cluster, packages, tmp_path):
    training = Training(on_cluster, packages, tmp_path / "disturbed")
    training.run_on()
    training.freeze()
    # The partition `urgent` needs the node: SLURM ends the job without a word of ours and queues it again.
    node = on_cluster.run("squeue", "-h", "-j", training.job, "-o", "%N").strip()
    where = ["-p", "urgent", "-w", node, "--exclusive"]
    urgent = on_cluster.run("sbatch", "--parsable", *where, "-o", "/dev/null", "--wrap", "sleep 3")
    wait_for(lambda: query_state(urgent.strip()) == "COMPLETED", "the urgent job is done")
    training.await_requeue()
    training.await_start(2)
    training.run_on()
    training.freeze()
    # Preempted with a warning, as with GraceTime: submitit queues the job again.
    on_cluster.run("scancel", "--signal=USR2", training.job)
    training.thaw_with_warning()
    training.await_requeue()
    training.await_start(3)
    training.run_on()
    training.freeze()
    # Its time is up in less than a minute: SLURM gives the same warning.
    on_cluster.run("scontrol", "update", f"JobId={training.job}", "TimeLimit=1")
    training.thaw_with_warning()
    training.await_requeue()
    training.await_start(4)
    assert training.epochs < EPOCHS
    training.end.result(timeout=400)

    train_as_job(CONFIG, packages, tmp_path / "undisturbed", tmp_path / "undisturbed.log", JobResources(), poll_s=0.5)
    assert read_curve(tmp_path / "disturbed") == read_curve(tmp_path / "undisturbed")
    assert len(read_curve(tmp_path / "disturbed")) == EPOCHS
    from poseflow.models.loading import load_model

    weights = [load_model(tmp_path / name).network.weights for name in ("disturbed", "undisturbed")]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
    log = (tmp_path / "disturbed.log").read_text()
    assert log.count("resuming after epoch") == 3
    assert all(f"epoch {number} of {EPOCHS}," in log for number in range(1, EPOCHS + 1))
