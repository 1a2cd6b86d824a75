"""`snakemake --profile slurm` on a virtual cluster."""

import pytest
from cluster.cluster_project import TRACKS

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(1800)]


def test_the_tables_equal_those_of_the_local_profile(finished_locally, finished_on_cluster):
    tables, local = finished_on_cluster.tables(), finished_locally.tables()
    assert tables.keys() == local.keys()
    assert [name for name in tables if tables[name] != local[name]] == []


def test_a_second_run_submits_nothing(finished_on_cluster):
    before = finished_on_cluster.cluster.run("sacct", "-X", "-n", "-o", "jobid")
    assert "Nothing to be done" in finished_on_cluster.snakemake()
    assert finished_on_cluster.cluster.run("sacct", "-X", "-n", "-o", "jobid") == before


def test_rules_ask_for_what_the_profile_says(finished_on_cluster):
    columns = "workdir,comment,jobname,reqtres,timelimitraw"
    jobs = finished_on_cluster.cluster.run("sacct", "-X", "-n", "-P", "-o", columns).splitlines()
    own = (line.split("|") for line in jobs)
    asked = [rest for folder, *rest in own if folder == str(finished_on_cluster.folder)]
    shards = [(tres, limit) for comment, _, tres, limit in asked if comment.startswith("rule_predict")]
    trainings = [(tres, limit) for _, name, tres, limit in asked if name.startswith("train_")]
    assert len(shards) == 5
    assert len(trainings) == 2
    assert all("gres/gpu=1" in tres and limit == "120" for tres, limit in shards)
    assert all("gres/gpu=1" in tres and "cpu=8" in tres and limit == "480" for tres, limit in trainings)
    assert all("gres/gpu" not in tres for comment, _, tres, _ in asked if comment.startswith("rule_track"))


def test_the_doctor_looks_at_the_cluster(finished_on_cluster):
    said = finished_on_cluster.poseflow("doctor", check=False)
    partitions = finished_on_cluster.cluster.run("sinfo", "-h", "-o", "%P").split()
    assert partitions
    assert all(f"ok    partition {name}: up, " in said for name in partitions)
    assert "ok    accounting: is on" in said
    assert "ok    MaxArraySize: " in said


@pytest.mark.slow
def test_a_recording_is_done_again(finished_locally, project):
    project.places.pose_table("first", "first").unlink()
    project.poseflow("rerun", "first", "--profile", "slurm")
    assert project.tables() == finished_locally.tables()
    assert (project.count_jobs("rule_predict"), project.count_jobs("rule_track")) == (3, 1)


@pytest.mark.slow
def test_shards_that_are_submitted_as_an_array(finished_locally, project):
    for table in project.places.find(project.places.shard("first", "[0-9]*")):
        table.unlink()
    (project.folder / TRACKS).unlink()
    project.snakemake(TRACKS, "--slurm-array-jobs", "predict", "--slurm-array-limit", "500")
    assert project.tables() == finished_locally.tables()
    jobs = project.cluster.run("sacct", "-X", "-n", "-P", "-o", "workdir,jobid").splitlines()
    own = [job for folder, job in (line.split("|") for line in jobs) if folder == str(project.folder)]
    assert len([job for job in own if "_" in job]) == 3, "as tasks of an array"
