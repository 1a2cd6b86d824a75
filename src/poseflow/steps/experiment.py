"""The step `experiment`: what the runs of an experiment came to, side by side."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poseflow.core.files import read_json, replacing
from poseflow.runs.experiments import Values, describe_value

FIGURES = (
    "map_coco",
    "map_paper",
    "median_px",
    "p90_px",
    "animals",
    "false_negatives",
    "false_positives",
    "right_names",
    "frames_per_s",
    "labeled_frames",
    "training_s",
    "parameters",
    "error",
)
"""Columns of an experiment's table, after those of what it varies and `replicate`."""


@dataclass(frozen=True)
class RunResult:
    """A run, as a row of the table: what differs, which replicate, and where its files are."""

    values: Values
    replicate: int
    trained: Path
    metrics: Path


def tabulate_runs(runs: Sequence[RunResult], out: Path) -> None:
    """Write an experiment's table (CSV): a row a run, its values, `replicate` and FIGURES; empty where it has none."""
    keys = list(dict.fromkeys(key for run in runs for key in run.values))
    with replacing(out) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*keys, "replicate", *FIGURES])
        writer.writeheader()
        for run in runs:
            values = {key: describe_value(value) for key, value in run.values.items()}
            writer.writerow(values | {"replicate": run.replicate} | _read_figures(run))


def _read_figures(run: RunResult) -> dict[str, Any]:
    metrics, trained = read_json(run.metrics), read_json(run.trained)
    if error := metrics.get("error"):
        return {"error": error}
    trainings = [read_json(Path(folder) / "training.json") for folder in trained["models"].values()]
    errors = metrics["errors_px"]["all"]
    return {
        "map_coco": metrics["map_coco"],
        "map_paper": metrics["map_paper"],
        "median_px": errors["p50"],
        "p90_px": errors["p90"],
        "animals": metrics["animals"],
        "false_negatives": metrics["false_negatives"],
        "false_positives": metrics["false_positives"],
        "right_names": (metrics["identities"] or {}).get("accuracy"),
        "frames_per_s": (metrics["speed"] or {}).get("frames_per_s"),
        "labeled_frames": trainings[0]["train_frames"],
        "training_s": round(sum(training["seconds"] for training in trainings), 1),
        "parameters": sum(training["parameters"] for training in trainings),
    }
