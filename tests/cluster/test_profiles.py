"""The profiles for PBS, LSF and Grid Engine, against commands that answer as those schedulers' manuals say."""

import subprocess

import pytest
import yaml
from small_project import ROOT
from snakemake.cli import get_argument_parser

PBS_FINISHED = "Job Id: 7.server\n    job_state = F\n    Exit_status = {code}"
SGE_LIST = "job-ID prior name user state\n------\n    7 0.5 train lab {state} 11/28/2026"
SGE_GONE = "echo 'Following jobs do not exist: 7' >&2; exit 1"
QACCT = "echo 'failed       {failed}'; echo 'exit_status  {code}'"


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Run a profile's script; the scheduler's commands are shell scripts that a test gives."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def run(path, *arguments, **scripts):
        for name, script in scripts.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / name).chmod(0o755)
        done = subprocess.run([ROOT / "profiles" / path, *arguments], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    return run


def say(text):
    return f"cat <<'END'\n{text}\nEND"


@pytest.mark.parametrize(
    ("scheduler", "scripts", "status"),
    [
        ("pbs", {"qstat": say(PBS_FINISHED.format(code=0))}, "success"),
        ("pbs", {"qstat": say(PBS_FINISHED.format(code=271))}, "failed"),
        ("pbs", {"qstat": say("    job_state = R")}, "running"),
        ("pbs", {"qstat": "echo 'qstat: Unknown Job Id 7.server' >&2; exit 153"}, "failed"),
        ("pbs", {"qstat": "echo 'Connection refused' >&2; exit 111"}, "running"),
        ("lsf", {"bjobs": "echo DONE"}, "success"),
        ("lsf", {"bjobs": "echo EXIT"}, "failed"),
        ("lsf", {"bjobs": "echo PEND"}, "running"),
        ("lsf", {"bjobs": "echo 'Job <7> is not found' >&2; exit 255"}, "failed"),
        ("lsf", {"bjobs": "echo 'LSF is down. Please wait ...' >&2; exit 255"}, "running"),
        ("sge", {"qstat": say(SGE_LIST.format(state="r"))}, "running"),
        ("sge", {"qstat": say(SGE_LIST.format(state="Eqw"))}, "failed"),
        ("sge", {"qstat": SGE_GONE, "qacct": QACCT.format(failed=0, code=0)}, "success"),
        ("sge", {"qstat": SGE_GONE, "qacct": QACCT.format(failed=0, code=137)}, "failed"),
        ("sge", {"qstat": SGE_GONE, "qacct": QACCT.format(failed="100 : assumedly", code=0)}, "failed"),
        ("sge", {"qstat": SGE_GONE, "qacct": "exit 1"}, "running"),
        ("sge", {"qstat": "echo 'unable to contact qmaster' >&2; exit 1"}, "running"),
    ],
)
def test_what_the_scheduler_says_of_a_job_is_told_in_one_word(command, scheduler, scripts, status):
    assert command(f"{scheduler}/status", "7", **scripts) == status


@pytest.mark.parametrize(
    ("scheduler", "answer", "number", "asked"),
    [
        ("pbs", "7.server", "7.server", ["select=1:ncpus=8:mem=16000mb:ngpus=1", "walltime=28800"]),
        ("lsf", "Job <7> is submitted to queue <gpu>.", "7", ["-n 8", "-W 480", "-gpu num=1"]),
        ("sge", "7", "7", ["-pe smp 8", "h_vmem=2000M,h_rt=28800", "-l gpu=1"]),
    ],
)
def test_a_job_is_submitted_with_its_resources(command, tmp_path, scheduler, answer, number, asked):
    program = f"echo \"$@\" > asked; echo '{answer}'"
    submit = {"pbs": "qsub", "lsf": "bsub", "sge": "qsub"}[scheduler]
    said = command(f"{scheduler}/submit", "8", "16000", "480", "1", "train", "job script.sh", **{submit: program})
    options = (tmp_path / "asked").read_text().strip()
    assert said == number
    assert all(option in options for option in asked)
    assert options.endswith("job script.sh")
    command(f"{scheduler}/submit", "1", "2000", "30", "0", "index", "script.sh", **{submit: program})
    assert "gpu" not in (tmp_path / "asked").read_text()


@pytest.mark.parametrize("scheduler", ["pbs", "lsf", "sge"])
def test_snakemake_knows_each_option_of_the_profile(scheduler):
    profile = yaml.safe_load((ROOT / "profiles" / scheduler / "config.yaml").read_text())
    known = {option for action in get_argument_parser()._actions for option in action.option_strings}
    assert {f"--{name}" for name in profile} <= known
