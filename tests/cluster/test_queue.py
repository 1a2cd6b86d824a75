"""What is known of a job, whichever of SLURM's services answers."""

from pathlib import Path

import pytest

from poseflow.cluster.queue import GONE, cancel_leftovers, query_state
from poseflow.runs.lock import RunError


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """SLURM's commands as scripts that say what a test wants; without a script, there is no such command."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def say(command, script):
        (folder / command).write_text(f"#!/bin/sh\n{script}\n")
        (folder / command).chmod(0o755)

    return say


def test_the_controller_knows_first(slurm):
    slurm("squeue", "echo PENDING")
    slurm("sacct", "echo COMPLETED")
    assert query_state("1") == "PENDING"


@pytest.mark.parametrize("forgotten", ["exit 0", "echo slurm_load_jobs error: Invalid job id specified >&2; exit 1"])
def test_accounting_knows_what_the_controller_forgot(slurm, forgotten):
    slurm("squeue", forgotten)
    slurm("sacct", "echo 'CANCELLED by 1000'")
    assert query_state("1") == "CANCELLED"


@pytest.mark.parametrize("sacct", [None, "echo Slurm accounting storage is disabled >&2; exit 1"])
def test_without_accounting_a_forgotten_job_is_gone(slurm, sacct):
    slurm("squeue", "exit 0")
    if sacct:
        slurm("sacct", sacct)
    assert query_state("1") == GONE


def test_while_the_controller_restarts_nothing_is_known(slurm):
    slurm("squeue", "echo slurm_load_jobs error: Unable to contact slurm controller >&2; exit 1")
    slurm("sacct", "echo COMPLETED")
    assert query_state("1") is None


def test_only_what_a_run_in_this_folder_left_is_cancelled_and_waited_for(slurm, tmp_path):
    """One job is gone at once, another says that it completes, twice."""
    gone, asked = tmp_path / "cancelled", tmp_path / "asked"
    slurm(
        "squeue",
        f"echo '2||{tmp_path}'\necho '3|rule_predict|/elsewhere'\n"
        f"[ -e {gone} ] || echo '1|rule_predict_wildcards_a|{tmp_path}'\n"
        f"[ -e {asked}.2 ] || echo '4|rule_track|{tmp_path}'\n"
        f"[ -e {gone} ] && if [ -e {asked}.1 ]; then : > {asked}.2; else : > {asked}.1; fi\nexit 0",
    )
    slurm("scancel", f"echo $@ >> {gone}")
    assert cancel_leftovers(tmp_path, must_know=True, poll_s=0.01, patience_s=20) == ["1", "4"]
    assert gone.read_text() == "1 4\n", "each once"
    assert (tmp_path / "asked.2").exists(), "it came back when the last was gone"


def test_a_job_that_cannot_end_is_named_in_a_warning(slurm, tmp_path, caplog):
    slurm("squeue", f"echo '7|rule_predict_wildcards_a|{tmp_path}'")
    slurm("scancel", "exit 0")
    assert cancel_leftovers(tmp_path, must_know=True, poll_s=0.01, patience_s=0.05) == ["7"]
    assert "7: cancelled, and not at an end" in caplog.text


def test_where_there_is_no_slurm_nothing_is_cancelled(slurm):
    assert cancel_leftovers(Path.cwd(), must_know=False) == []


def test_a_run_on_slurm_does_not_begin_before_slurm_says_what_is_left(slurm, tmp_path):
    slurm("squeue", f"[ -e {tmp_path}/up ] || {{ : > {tmp_path}/up; exit 1; }}")
    assert cancel_leftovers(tmp_path, must_know=True, poll_s=0.01, patience_s=20) == []
    slurm("squeue", "exit 1")
    with pytest.raises(RunError, match="must say which jobs an earlier run left behind, got no answer"):
        cancel_leftovers(tmp_path, must_know=True, poll_s=0.01, patience_s=0.05)
