"""`snakemake experiments` from labels to the table, in a small project; one of its runs cannot be trained."""

import csv

import pytest
from small_project import lay_out

from poseflow.runs.places import Places

pytestmark = [pytest.mark.workflow, pytest.mark.long]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    project = lay_out(tmp_path_factory.mktemp("experiments") / "project")
    project.configure(
        experiments={
            "few": {
                "vary": {"labels": [6, 1000], "predict.batch_size": [1, 4]},
                "fixed": {"*.training.max_epochs": 1, "*.training.steps_per_epoch": 4},
                "pipeline": "one_pass",
                "replicates": 1,
            }
        }
    )
    return project


def test_a_run_that_fails_is_a_hole_and_the_others_are_measured(project):
    assert project.planned_jobs("experiments") == {
        "experiment": 1,
        "experiment_evaluate": 4,
        "experiment_train": 2,
        "experiments": 1,
        "split": 1,
    }
    project.snakemake("experiments")
    places = Places(project.folder / "results")
    with places.experiment_table("few").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["labels"], row["predict.batch_size"], row["labeled_frames"]) for row in rows] == [
        ("6", "1", "6"),
        ("6", "4", "6"),
        ("1000", "1", ""),
        ("1000", "4", ""),
    ]
    assert [bool(row["map_coco"]) for row in rows] == [True, True, False, False]
    assert all("must have 1,000 frames to choose from" in row["error"] for row in rows[2:])
    assert project.planned_jobs("experiments") == {}
