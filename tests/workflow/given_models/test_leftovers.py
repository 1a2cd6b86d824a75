"""What a killed run leaves behind is gone before the next one looks which files are there."""

import os
import signal
import subprocess
import time

import pytest
from small_project import lay_out

from poseflow.config import VideosConfig
from poseflow.runs.places import PLACES
from poseflow.steps.index import index_recording

pytestmark = pytest.mark.workflow
INDEX = str(PLACES.index("first"))


@pytest.fixture
def indexed(tmp_path):
    """A project in which one recording is indexed, and a killed job's temporary file."""
    project = lay_out(tmp_path / "project")
    index_recording(project.folder / "videos/first.mp4", project.places.index("first"), VideosConfig())
    project.places.index("first").with_name(".first.json.node-1-0f.unfinished").touch()
    return project


def test_what_a_cancelled_job_deletes_at_its_end_is_made_by_the_run_that_cancels_it(indexed, tmp_path, monkeypatch):
    """A dry run cancels nothing and removes nothing."""
    left = tmp_path / "left"
    left.touch()
    commands = {
        "squeue": f"[ ! -e {left} ] || echo '7|rule_index_wildcards_first|{indexed.folder}'",
        "scancel": f"rm {indexed.folder / INDEX} {left}",  # its own Snakemake does so, before it ends
    }
    (tmp_path / "bin").mkdir()
    for name, script in commands.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")

    assert indexed.planned_jobs(INDEX) == {}
    assert left.exists()
    assert list(indexed.folder.rglob("*.unfinished"))
    output = indexed.snakemake(INDEX)
    assert "cancelling 1 jobs that an earlier run left behind: 7" in output
    assert (indexed.folder / INDEX).exists()
    assert not list(indexed.folder.rglob("*.unfinished"))


def test_an_interrupted_run_ends_soon_says_so_and_leaves_nothing_half_written(tmp_path):
    """Ctrl-C goes to Snakemake and its jobs alike."""
    project = lay_out(tmp_path / "project")
    log = tmp_path / "run.log"
    with log.open("w") as output:
        run = subprocess.Popen(
            project.command(str(PLACES.index("first")), str(PLACES.index("broken"))),
            cwd=project.folder,
            env=project.environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # pytest may ignore it
        )
        try:
            while not list(project.places.logs.rglob("*.log")):
                assert run.poll() is None
                time.sleep(0.02)
            os.killpg(run.pid, signal.SIGINT)
            assert run.wait(timeout=60) == 130
        finally:
            run.kill()
    assert "Interrupted: the same command goes on from here." in log.read_text()
    assert not list(project.folder.rglob("*.unfinished"))
