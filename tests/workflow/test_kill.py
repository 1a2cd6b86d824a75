"""SIGKILL at random moments, then the same command again: the same tables as an undisturbed run."""

import os
import random
import signal
import subprocess
import time

import psutil
import pytest

pytestmark = pytest.mark.workflow

KILLS = int(os.environ.get("POSEFLOW_KILLS", "3"))


def run_for(project, seconds, rng):
    """Start the workflow and kill it, or a job's process, after a while; True if it ended by itself before."""
    with subprocess.Popen(
        project.command(),
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    ) as run:
        try:
            run.wait(seconds)
        except subprocess.TimeoutExpired:
            jobs = [process.pid for process in psutil.Process(run.pid).children(recursive=True)]
            victim = rng.choice(jobs) if jobs and rng.random() < 0.3 else run.pid
            os.kill(victim, signal.SIGKILL)
            if victim != run.pid:
                time.sleep(1)
                run.kill()
            return False
    return True


@pytest.mark.timeout(1800)
def test_after_kills_at_random_moments_the_tables_are_those_of_an_undisturbed_run(finished, fresh):
    rng = random.Random(0)
    for _ in range(KILLS):
        if run_for(fresh, rng.uniform(8, 30), rng):
            break
    fresh.snakemake()
    assert fresh.tables() == finished.tables()
    assert "Nothing to be done" in fresh.snakemake()
