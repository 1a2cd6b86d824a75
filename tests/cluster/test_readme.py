"""What profiles/slurm/README.md tells a lab to put into its scrontab, crontab or systemd does a night's work."""

import re
import shlex
import shutil
import subprocess
import sys

import pytest
from cluster.cluster_project import TRACKS
from small_project import ROOT

from poseflow.runs.places import ANY

pytestmark = [pytest.mark.slurm, pytest.mark.slow, pytest.mark.timeout(1800)]
EXAMPLES = re.findall(r"^```\w*\n(.+?)^```$", (ROOT / "profiles/slurm/README.md").read_text(), re.DOTALL | re.MULTILINE)


def example(begin):
    """The one block of the text that begins so."""
    (found,) = [block for block in EXAMPLES if block.startswith(begin)]
    return found


def command_of(line):
    """What a line of a crontab runs, as its five fields of time are no part of it."""
    return line.split(maxsplit=5)[5]


@pytest.fixture
def home(project, tmp_path):
    """The home of somebody whose project is in `poseflow`, with tables missing and a letter box."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "poseflow").symlink_to(project.folder)
    (project.folder / ".venv").symlink_to(sys.prefix)
    for path in [project.folder / TRACKS, *project.places.find(project.places.pose_table(ANY, ANY))]:
        path.unlink()
    shutil.rmtree(project.folder / "logs")
    (project.folder / "slurm").unlink()
    shutil.copytree(ROOT / "profiles/slurm", project.folder / "slurm")
    profile = project.folder / "slurm/config.yaml"
    profile.write_text(re.sub(r"(before-status-checks:) \d+", r"\1 2", profile.read_text()))
    (home / "bin").mkdir()
    (home / "bin/mail").write_text('#!/bin/sh\ncat > "$HOME/letter to $3"\n')
    (home / "bin/mail").chmod(0o755)
    return home


@pytest.fixture
def bare_environment(project, home):
    """As cron and systemd start a command; the cluster's programs are where a real one has them, in /usr/bin."""
    path = f"{home}/bin:{project.cluster.folder}/bin:/usr/bin:/bin"
    return {"HOME": str(home), "PATH": path, "SLURM_CONF": project.cluster.environment["SLURM_CONF"]}


@pytest.fixture(autouse=True)
def the_night_is_done(project, finished_locally):
    """At the end of the test."""
    yield
    assert project.tables() == finished_locally.tables()
    assert "2 recordings done" in project.places.summary.read_text()


def test_the_line_for_scrontab(bare_environment, home):
    """Debian's SLURM has no scrontab, which submits a job like this one."""
    *options, line = example("#SCRON").splitlines()
    script = "\n".join(["#!/bin/sh", *(option.replace("#SCRON", "#SBATCH") for option in options), command_of(line)])
    subprocess.run(
        ["sbatch", "--wait", "--output", home / "job.log"],
        input=script,
        text=True,
        env=bare_environment,
        cwd=home,
        check=True,
        timeout=900,
    )


def test_the_line_for_cron(bare_environment, home, project):
    command = command_of(example("0 20"))
    subprocess.run(["sh", "-c", command], env=bare_environment, cwd=home, check=True, timeout=900)
    assert (home / "letter to you@lab.org").read_text() == project.places.summary.read_text()


def test_the_units_for_systemd(bare_environment, home, tmp_path):
    units = {"poseflow.service": example("[Service]"), "poseflow.timer": example("[Timer]")}
    for name, text in units.items():
        (tmp_path / name).write_text(text.replace("%h", str(home)))
    if shutil.which("systemd-analyze"):
        verify = ["systemd-analyze", "--user", "verify", *(tmp_path / name for name in units)]
        environment = {**bare_environment, "XDG_RUNTIME_DIR": str(tmp_path)}
        said = subprocess.run(verify, env=environment, capture_output=True, text=True, check=True)
        assert not said.stderr
    lines = (tmp_path / "poseflow.service").read_text().splitlines()
    settings = dict(line.split("=", 1) for line in lines if "=" in line)
    subprocess.run(
        shlex.split(settings["ExecStart"]),
        env=bare_environment,
        cwd=settings["WorkingDirectory"],
        check=True,
        timeout=900,
    )
