"""SIGKILL at random moments, then the same command again: the same tables as an undisturbed run."""

import glob
import os
import random
import signal
import subprocess
import time

import duckdb
import pandas as pd
import polars as pl
import psutil
import pyarrow.dataset as ds
import pytest

pytestmark = [pytest.mark.workflow, pytest.mark.long]

KILLS = int(os.environ.get("POSEFLOW_KILLS", "3"))


def count_finished(project):
    """How far the run has come: files in the results."""
    return sum(path.is_file() for path in project.places.results.rglob("*"))


def kill_midway(project, rng):
    """Start the workflow, let it get something done, and kill it, or one of its jobs and then it.

    The moment is drawn by what has been made since, so that it falls anywhere in the run on any machine.
    """
    wanted = count_finished(project) + rng.randint(0, 6)
    output = {"stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
    with subprocess.Popen(project.command(), cwd=project.folder, env=project.environment, **output) as run:
        while run.poll() is None and count_finished(project) < wanted:
            time.sleep(0.05)
        time.sleep(rng.uniform(0, 5))
        if run.poll() is not None:
            return
        jobs = [process.pid for process in psutil.Process(run.pid).children(recursive=True)]
        if jobs and rng.random() < 0.4:
            os.kill(rng.choice(jobs), signal.SIGKILL)
            time.sleep(rng.uniform(0, 2))
        left = psutil.Process(run.pid).children(recursive=True)
        run.kill()
    psutil.wait_procs(left, timeout=60)


def assert_readable(project):
    """Every reader finds whole tables, and the same rows, by a plain glob and in the folder."""
    poses = project.places.all_poses
    pattern = f"{poses}/**/*.parquet"
    paths = glob.glob(pattern, recursive=True, include_hidden=True)
    if paths:
        rows = sum(len(pd.read_parquet(path)) for path in paths)
        assert duckdb.sql(f"SELECT count(*) FROM '{pattern}'").fetchone() == (rows,)
        assert duckdb.sql(f"SELECT count(*) FROM read_parquet('{poses}/*/*')").fetchone() == (rows,)
        assert {pl.scan_parquet(place).select(pl.len()).collect().item() for place in (pattern, poses)} == {rows}
        assert ds.dataset(poses, partitioning="hive").count_rows() == len(pd.read_parquet(poses)) == rows


@pytest.mark.timeout(3600)
def test_after_kills_at_random_moments_the_tables_are_those_of_an_undisturbed_run(finished, fresh):
    rng = random.Random(KILLS)
    for _ in range(KILLS):
        kill_midway(fresh, rng)
        assert_readable(fresh)
    fresh.snakemake()
    assert_readable(fresh)
    assert not list(fresh.folder.rglob("*.unfinished"))
    undisturbed = {name: table for name, table in finished.tables().items() if "day_2" not in name}
    assert fresh.tables() == undisturbed
    assert "Nothing to be done" in fresh.snakemake()
