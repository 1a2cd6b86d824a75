"""What a report is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ReportInputs:
    """Files that a report reads; whatever is left out is left out of the report.

    indexes: `index`'s JSON files, whose stem is the video's id.
    poses: pose tables, of these videos or some of them.
    release: `release`'s JSON; it names the models' folders.
    models: models' folders by name; without them, those of the release.
    evaluation: the folder that `evaluate_release` wrote.
    comparison: such folders of pipelines to compare, by their names.
    experiments: tables of experiments, by their names.
    dataset: folder of train.pkg.slp, val.pkg.slp and test.pkg.slp.
    tracking: what `evaluate_tracks` measured, as JSON, by the video's id.
    history: decisions about releases, of which the last is told where it needs a person.
    reviews: lists of links to look at, of recordings.
    benchmarks: Snakemake's benchmark files of the prediction of each shard, by the video's id.
    profiles: where the time of the prediction of each shard went, as JSON, by the video's id.
    config: the settings, to be printed.
    missing: what was left out, or what a run that failed left undone, a sentence each.
    """

    indexes: Sequence[Path] = ()
    poses: Sequence[Path] = ()
    release: Path | None = None
    models: Mapping[str, Path] = field(default_factory=dict)
    evaluation: Path | None = None
    comparison: Mapping[str, Path] = field(default_factory=dict)
    experiments: Mapping[str, Path] = field(default_factory=dict)
    dataset: Path | None = None
    tracking: Mapping[str, Path] = field(default_factory=dict)
    history: Path | None = None
    reviews: Sequence[Path] = ()
    benchmarks: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    profiles: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    missing: Sequence[str] = ()
