"""What becomes of an experiment's run that cannot be measured."""

import csv

from blobs import write_blobs

from poseflow.config import EvaluationConfig, PredictConfig, TrackingConfig
from poseflow.core.files import write_json
from poseflow.steps.experiment import RunResult, tabulate_runs
from poseflow.steps.experiment_evaluate import evaluate_run


def test_a_set_without_animals_is_a_hole_with_its_reason(tmp_path):
    """As where all labels lie in one block, which leaves none for the validation set."""
    val, trained, table = write_blobs(tmp_path, "val", 0), tmp_path / "trained.json", tmp_path / "table.csv"
    write_json({"models": {"model": str(tmp_path / "model")}, "error": None}, trained)
    evaluate_run(trained, val, tmp_path / "run", PredictConfig(), EvaluationConfig(), TrackingConfig())
    tabulate_runs([RunResult({"labels": 5}, 0, trained, tmp_path / "run/metrics.json")], table)
    with table.open() as file:
        (row,) = csv.DictReader(file)
    assert row["map_coco"] == ""
    assert "val.pkg.slp must have labeled animals to measure the models on, got none" in row["error"]
