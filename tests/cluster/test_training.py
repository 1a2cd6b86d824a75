"""Training in a job of its own, on this machine."""

import subprocess
import sys

import pytest
from blobs import write_blobs

from poseflow.cluster import JobResources, TrainingError, find_logs, follow_logs, train_as_job
from poseflow.cluster.task import STARTS_WITHOUT_PROGRESS, _check_progress
from poseflow.config import ModelConfig
from poseflow.core.errors import ConfigError
from poseflow.core.files import read_json, write_json
from poseflow.runs.places import PLACES, Places, training_folder

TINY = {
    "kind": "centered_instance",
    "input": {"crop_px": 32},
    "backbone": {"filters": 4, "down_blocks": 2},
    "head": {"output_stride": 2},
    "training": {"max_epochs": 2, "steps_per_epoch": 3, "warmup_steps": 1, "pictures_every": 0},
}


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packages")
    return write_blobs(folder, "train", 4), write_blobs(folder, "val", 2, seed=1)


@pytest.mark.slow
def test_a_model_is_trained_in_a_job_and_its_log_is_one_file(packages, tmp_path):
    folder, log = tmp_path / PLACES.model("m", "0123456789"), tmp_path / PLACES.log("train", "m", "0123456789")
    train_as_job(ModelConfig.model_validate(TINY), packages, folder, log, JobResources(), poll_s=0.2)
    assert read_json(folder / "training.json")["epochs"] == 2
    text = log.read_text()
    assert "epoch 1" in text
    assert "epoch 2" in text
    assert find_logs(Places(tmp_path / "results", tmp_path / "logs")) == {}
    assert set(folder.parent.iterdir()) == {folder, training_folder(folder)}, "kept until the run has noted the model"


@pytest.mark.slow
def test_a_training_that_fails_says_why_in_a_word(packages, tmp_path):
    config = ModelConfig.model_validate({**TINY, "input": {"crop_px": 32, "anchor": "wing"}})
    with pytest.raises(TrainingError, match=r"training of centered_instance \(job \d+\) failed: .*wing.*; see .*\.log"):
        train_as_job(config, packages, tmp_path / "m/v", tmp_path / "train.log", JobResources(), poll_s=0.2)
    assert "Traceback" in (tmp_path / "train.log").read_text()


def test_waiting_for_a_training_takes_little_memory_and_no_tensorflow():
    code = (
        "import sys, psutil; import poseflow.cluster, poseflow.config, poseflow.runs.lock\n"
        "print(psutil.Process().memory_info().rss / 2**20, 'tensorflow' in sys.modules)"
    )
    megabytes, heavy = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert float(megabytes) < 150
    assert heavy == "False"


def test_starts_that_finish_no_epoch_are_not_repeated_forever(tmp_path):
    for _ in range(STARTS_WITHOUT_PROGRESS):
        _check_progress(tmp_path / "model")
    with pytest.raises(TrainingError, match="must finish an epoch within its time limit, got 3 starts"):
        _check_progress(tmp_path / "model")
    work = tmp_path / ".model.work"
    work.mkdir()
    (work / "history.csv").write_text("epoch,loss\n1,0.5\n")
    _check_progress(tmp_path / "model")


def test_the_profile_says_what_a_training_may_use():
    resources = JobResources.from_rule(
        {
            "scheduler": "slurm",
            "runtime": 480,
            "mem_mb": 16384,
            "gpu": 2,
            "cpus_per_task": 8,
            "slurm_account": "lab",
            "slurm_partition": "gpu",
            "slurm_extra": "--reservation=night --exclusive",
            "tmpdir": "/tmp",
        },
        threads=1,
    )
    parameters = resources.submitit_parameters("train_centroid")
    assert parameters["slurm_additional_parameters"] == {
        "account": "lab",
        "partition": "gpu",
        "reservation": "night",
        "exclusive": True,
    }
    assert (parameters["gpus_per_node"], parameters["cpus_per_task"], parameters["mem_gb"]) == (2, 8, 16)
    assert JobResources.from_rule({"gpu": 0}, threads=3).cpus == 3


def test_an_option_of_sbatch_that_is_none_is_an_error():
    with pytest.raises(ConfigError, match="slurm_extra must be of options like --reservation=night, got '-C'"):
        JobResources.from_rule({"slurm_extra": "-C fast"}, threads=1)


def test_logs_are_followed_until_the_trainings_end(tmp_path):
    log = tmp_path / "a.log"
    log.write_text("".join(f"epoch {number}\n" for number in range(20)))
    steps = iter([{"a": log}, {"a": log}, {"a": log}, {}])

    def find():
        with log.open("a") as file:
            file.write("more\n")
        return next(steps)

    lines = list(follow_logs(find, every_s=0))
    assert [line for _, line in lines] == [*(f"epoch {number}" for number in range(11, 20)), *["more"] * 3]


def test_a_training_in_progress_has_a_log(tmp_path):
    (tmp_path / PLACES.training("centroid", "0123456789")).mkdir(parents=True)
    logs = find_logs(Places(tmp_path / "results", tmp_path / "logs"))
    assert logs == {"centroid": tmp_path / PLACES.log("train", "centroid", "0123456789")}
    write_json({}, tmp_path / PLACES.model("centroid", "0123456789") / "training.json")
    assert find_logs(Places(tmp_path / "results", tmp_path / "logs")) == {}
