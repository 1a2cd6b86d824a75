"""What the report says of an experiment."""

import pytest

from poseflow.core.errors import TableError
from poseflow.core.files import write_json
from poseflow.report.experiments import read_experiment_story
from poseflow.steps.experiment import RunResult, tabulate_runs

METRICS = {
    "map_paper": 0.4,
    "errors_px": {"all": {"p50": 1.5, "p90": 4.0}},
    "animals": 10,
    "false_negatives": 1,
    "false_positives": 0,
    "identities": None,
}


@pytest.fixture
def tabulate(tmp_path):
    """The table of runs, each given by its values, replicate, mAP or what failed, and frames/s."""

    def make(runs):
        results = []
        for number, (values, replicate, outcome, speed) in enumerate(runs):
            folder = tmp_path / str(number)
            (folder / "model").mkdir(parents=True)
            frames = values.get("labels", 50)
            training = {"seconds": 60, "parameters": 1000, "train_frames": 50 if frames == "all" else frames}
            write_json(training, folder / "model/training.json")
            write_json({"models": {"m": str(folder / "model")}, "error": None}, folder / "trained.json")
            failed = isinstance(outcome, str)
            metrics = {**METRICS, "map_coco": outcome, "speed": {"frames_per_s": speed}}
            write_json({"error": outcome} if failed else metrics, folder / "metrics.json")
            results.append(RunResult(values, replicate, folder / "trained.json", folder / "metrics.json"))
        tabulate_runs(results, tmp_path / "table.csv")
        return read_experiment_story("one", tmp_path / "table.csv")

    return make


@pytest.mark.slow
def test_means_of_replicates_and_what_is_enough(tabulate):
    labels = {5: (0.2, 0.3), 20: (0.59, 0.60), "all": (0.60, 0.61)}
    story = tabulate([({"labels": n}, r, goal, 50) for n, goals in labels.items() for r, goal in enumerate(goals)])
    assert story.text == (
        "3 combinations of labels, each 2 times, with other random numbers. "
        "The highest mAP (COCO), 0.605, has labels all (0.600 to 0.610). "
        "The lowest, 0.250, has labels 5 (0.200 to 0.300). "
        "labels 20 comes within 0.02 of the best (0.595)."
    )
    assert [row[:3] for row in story.table.rows] == [
        ["5", "2 of 2", "0.250 (0.200 to 0.300)"],
        ["20", "2 of 2", "0.595 (0.590 to 0.600)"],
        ["all", "2 of 2", "0.605 (0.600 to 0.610)"],
    ]
    assert len(story.figures) == 1


@pytest.mark.slow
def test_a_broken_run_is_a_hole_with_its_reason(tabulate):
    story = tabulate(
        [
            ({"pose.backbone": {"name": "unet", "filters": 8}}, 0, 0.5, 90),
            ({"pose.backbone": {"name": "resnet50"}}, 0, "ModelError: out of memory", None),
            ({"pose.backbone": {"name": "leap"}}, 0, 0.4, 120),
        ]
    )
    assert "1 run could not be measured; the table says why." in story.text
    assert "The fastest, 120 frames/s, is pose.backbone leap." in story.text
    names, reasons = [row[0] for row in story.table.rows], [row[-1] for row in story.table.rows]
    assert names == ["unet, filters 8", "resnet50", "leap"]
    assert reasons == ["–", "ModelError: out of memory", "–"]


def test_all_runs_broken_is_said_without_a_figure(tabulate):
    story = tabulate([({"labels": 5}, 0, "no frames", None)])
    assert story.text == "1 combination of labels, each once. 1 run could not be measured; the table says why."
    assert not story.figures


def test_another_table_is_refused(tmp_path):
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    with pytest.raises(TableError, match="must be the table of an experiment, got columns a, b"):
        read_experiment_story("one", tmp_path / "table.csv")
