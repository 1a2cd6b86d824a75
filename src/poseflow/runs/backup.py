"""What of a project must be kept, since nothing makes it again, and what can be made again, at which cost."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from poseflow.config import Config
from poseflow.runs.places import ANY, Places
from poseflow.runs.plan import Plan

MADE_BY = {
    "models": "train",
    "predictions": "predict",
    "tracks": "track",
    "poses": "assemble",
    "overlays": "render",
    "index": "index",
    "datasets": "split",
    "experiments": "experiment_train",
}
"""Folders of the results that can be made again, and the rule that makes each."""

OF_PROJECT = ("Snakefile", "README.md", "local", "slurm", "profiles")
"""What a project has beside its settings, as `poseflow init` makes it, for people to change."""


def list_kept(config: Config, config_files: Sequence[Path], plan: Plan, places: Places) -> list[Path]:
    """Files that must be kept: settings, labels, what people corrected and decided, names, releases and their models.

    Labels are those that settings name, though they may train nothing now, as when one of them is damaged. Models can
    be trained again, but not to the last bit; without the one that predicted a recording, its tables cannot be made
    again as they are. Recordings are not among them: they are the project's input, and mostly too large.
    """
    from poseflow.labels import find_label_files  # which takes seconds to import

    folders = [*config_files, *map(Path, OF_PROJECT), *find_label_files(config.labels)]
    folders += [Path(config.review.corrections), Path(config.recordings.table)]
    folders += [config.foreign_predictions] if config.foreign_predictions else []
    folders += [path.parent for path in config_files]
    folders += [places.names, places.history, places.current_release]
    folders += [*places.find(places.release(ANY)), *places.find(places.assigned_release(ANY))]
    folders += [path for path in places.find(places.model(ANY, ANY)) if not path.name.startswith(".")]
    folders += [*plan.models.values()]
    return sorted({file for folder in folders for file in _files(folder)})


def tell_costs(places: Places) -> Iterator[tuple[str, float]]:
    """Folders of the results that can be made again, each with the seconds of jobs that it took, as measured."""
    for folder, rule in MADE_BY.items():
        if (places.results / folder).is_dir():
            yield folder, sum(map(_seconds, places.benchmark(rule, ANY).parent.rglob("*.tsv")))


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (file for file in path.rglob(ANY) if file.is_file() and not file.name.endswith(".unfinished"))
    elif path.is_file():
        yield path


def _seconds(benchmark: Path) -> float:
    try:
        with benchmark.open(newline="") as file:
            return sum(float(row["s"]) for row in csv.DictReader(file, delimiter="\t"))
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0
