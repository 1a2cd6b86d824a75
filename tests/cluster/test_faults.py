"""What may happen at night: nothing is lost, nothing that was done is done again, and the tables are the same."""

import shutil
import signal
import subprocess

import pytest
from cluster.cluster_project import TRACKS, ClusterProject
from cluster.virtual_slurm import wait_for

from poseflow.runs.places import ANY, PLACES

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(1800)]
SHARD = "rule_predict_wildcards_first_0001"


@pytest.fixture
def project(project) -> ClusterProject:
    """A project in which one shard of one recording, and its tracks, are missing."""
    for path in (TRACKS, str(PLACES.shard("first", "0001-of-0003"))):
        (project.folder / path).unlink()
    return project


@pytest.fixture
def same_tables(project, finished_locally):
    """At the end of the test, all tables are those of the undisturbed run."""
    yield
    assert project.tables() == finished_locally.tables()


def shards(project):
    return sorted(path.stem for path in project.places.find(project.places.shard("first", "[0-9]*")))


def node_of(project, job):
    return project.cluster.run("squeue", "-h", "-j", job, "-o", "%N").strip()


@pytest.mark.slow
@pytest.mark.usefixtures("same_tables")
def test_a_node_that_is_lost_mid_shard(project):
    with project.running(TRACKS):
        node = node_of(project, project.find_job(SHARD))
        project.cluster.stop(node, signal.SIGKILL)
        project.cluster.run("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=test")
    project.cluster.start(node)
    project.cluster.run("scontrol", "update", f"NodeName={node}", "State=RESUME", check=False)


@pytest.mark.usefixtures("same_tables")
def test_a_job_that_somebody_cancels(project):
    with project.running(TRACKS):
        project.cluster.run("scancel", project.find_job(SHARD))
    assert project.count_jobs("rule_predict") == 2, "it was tried again, alone"


@pytest.mark.usefixtures("same_tables")
def test_a_job_that_exceeds_its_memory(project):
    with project.running(TRACKS, "--set-resources", "predict:mem_mb=200 * attempt ** 5"):
        pass
    assert project.count_jobs(SHARD) == 2, "it was tried again, with more"


@pytest.mark.slow
@pytest.mark.usefixtures("same_tables")
def test_the_controller_restarts(project):
    with project.running(TRACKS):
        project.find_job(SHARD)
        project.cluster.stop("slurmctld")
        project.cluster.start("slurmctld")


@pytest.mark.usefixtures("same_tables")
def test_accounting_is_away_for_a_while(project):
    with project.running(TRACKS) as run:
        project.find_job(SHARD)
        project.cluster.stop("slurmdbd")
        wait_for(lambda: len(shards(project)) == 3, "the shard is made", seconds=400)
        assert run.poll() is None
        project.cluster.start("slurmdbd")
    assert project.count_jobs(SHARD) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("same_tables")
def test_a_disk_that_is_full(project, tmp_path):
    """The disk that the shards are written to has no room for one more; the next attempt finds some."""
    folder, spare = project.places.predictions("first"), tmp_path / "spare"
    shutil.copytree(folder, spare)
    pages = sum(-(-path.stat().st_size // 4096) for path in spare.iterdir())
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={4 * (pages + 1)}k", "tmpfs", folder], check=True)
    try:
        shutil.copytree(spare, folder, dirs_exist_ok=True)
        with project.running(TRACKS):
            wait_for(lambda: project.count_jobs(SHARD) > 1, "the shard is tried again", seconds=400)
            subprocess.run(["mount", "-o", "remount,size=64m", folder], check=True)
        shutil.copytree(folder, spare, dirs_exist_ok=True)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
    shutil.copytree(spare, folder, dirs_exist_ok=True)


@pytest.mark.slow
@pytest.mark.usefixtures("same_tables")
def test_snakemake_is_killed_and_started_again(project):
    """What finished while nobody looked counts."""
    with subprocess.Popen(
        project.command(TRACKS), cwd=project.folder, env=project.environment, stdout=subprocess.DEVNULL
    ) as run:
        project.find_job(SHARD)
        run.kill()
    wait_for(lambda: len(shards(project)) == 3, "the shard is finished, and nobody looks", seconds=400)
    inode = project.places.shard("first", "0001-of-0003").stat().st_ino
    with project.running(TRACKS):
        pass
    assert project.places.shard("first", "0001-of-0003").stat().st_ino == inode, "not made again"
    assert not project.places.finished("first").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("same_tables")
def test_a_job_left_behind_that_is_about_to_end_does_not_count_as_done(project):
    """Its table is there when the next run starts, and its own Snakemake deletes that when it is cancelled."""
    table = project.places.shard("first", "0001-of-0003")
    with subprocess.Popen(
        project.command(TRACKS), cwd=project.folder, env=project.environment, stdout=subprocess.DEVNULL
    ) as run:
        job = project.find_job(SHARD)
        run.kill()
    wait_for(table.exists, "the shard is written", seconds=400, every=0.01)
    project.cluster.run("scancel", "--full", "--signal=STOP", job)
    with project.running(TRACKS):
        pass
    assert table.exists()


def test_a_poisoned_shard_leaves_the_others_alone_and_the_report_says_so(project, finished_locally):
    """A shard that fails whenever it is tried: what its job does at its end cannot be done."""
    shutil.rmtree(project.places.predictions("day_2__second-08b94a"))
    for path in project.places.find(project.places.pose_table(ANY, ANY)):
        path.unlink()
    (project.places.finished("first") / "0001-of-0003/in the way").mkdir(parents=True)
    output = project.snakemake("--retries", "1", check=False)
    assert "At least one job did not complete successfully" in output
    assert shards(project) == ["0000-of-0003", "0002-of-0003"]
    assert project.count_jobs(SHARD) == 2
    tables, whole = project.tables(), finished_locally.tables()
    assert {name: tables.get(name) for name in whole if "first" not in name} == {
        name: table for name, table in whole.items() if "first" not in name
    }
    for name in ("summary.txt", "summary.html", "report.html"):
        text = (project.folder / "results" / name).read_text()
        assert "first: shard 0001-of-0003 missing: " in text
        assert str(PLACES.log("predict", "first", "0001-of-0003")) in text
