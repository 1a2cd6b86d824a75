"""Experiments in the report: a paragraph, a figure and a table of each."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from poseflow.core.errors import TableError
from poseflow.core.wording import count_of
from poseflow.report.grid import NOTHING, Grid, duration, number, percent
from poseflow.report.palette import color_of
from poseflow.report.style import Picture, draw_wide_picture, legend_label

GOAL = "map_coco"
AS_GOOD = 0.02  # of mAP: less is no difference that anyone would pay for
WIDE_RANGE = 8  # values that span such a factor stand on a logarithmic axis
MARKERS = "osD^vP"

Key = tuple[str, ...]


@dataclass(frozen=True)
class ExperimentStory:
    """What came of an experiment."""

    name: str
    text: str
    table: Grid
    figures: Sequence[Picture]


@dataclass(frozen=True)
class _Cell:
    """The runs of one combination of values: replicates."""

    values: Key
    runs: pd.DataFrame

    @property
    def measured(self) -> "pd.Series[float]":
        """The accuracy of each replicate that could be measured."""
        return self.runs[GOAL].dropna()

    @property
    def goal(self) -> float:
        return float(self.measured.mean()) if len(self.measured) else math.nan


def read_experiment_story(name: str, table: Path) -> ExperimentStory:
    """Read the table that `steps.experiment.tabulate_runs` wrote; raises TableError for another."""
    runs = pd.read_csv(table, keep_default_na=False, na_values=[""], dtype={"error": str})
    if GOAL not in runs or "replicate" not in runs:
        raise TableError(f"{table} must be the table of an experiment, got columns {', '.join(map(str, runs))}")
    keys = list(runs.columns[: runs.columns.get_loc("replicate")])
    cells = [
        _Cell(tuple(str(value) for value in (values if isinstance(values, tuple) else (values,))), own)
        for values, own in runs.groupby(keys, sort=False, dropna=False)
    ]
    return ExperimentStory(name, _tell(keys, cells), _tabulate(keys, cells), _draw(keys, cells))


def _tell(keys: Sequence[str], cells: Sequence[_Cell]) -> str:
    measured = [cell for cell in cells if math.isfinite(cell.goal)]
    replicates = max(len(cell.runs) for cell in cells)
    each = "each once" if replicates == 1 else f"each {replicates} times, with other random numbers"
    said = [f"{count_of(len(cells), 'combination')} of {' and '.join(keys)}, {each}."]
    if measured:
        best = max(measured, key=lambda cell: cell.goal)
        worst = min(measured, key=lambda cell: cell.goal)
        said.append(f"The highest mAP (COCO), {best.goal:.3f}, has {_name(keys, best)}{_spread(best)}.")
        if worst is not best:
            said.append(f"The lowest, {worst.goal:.3f}, has {_name(keys, worst)}{_spread(worst)}.")
        enough = next(cell for cell in measured if cell.goal >= best.goal - AS_GOOD)
        if enough is not best:
            said.append(f"{_name(keys, enough)} comes within {AS_GOOD} of the best ({enough.goal:.3f}).")
        fastest = max(measured, key=lambda cell: _mean(cell.runs["frames_per_s"], -math.inf))
        if len({_mean(cell.runs["frames_per_s"]) for cell in measured}) > 1:
            said.append(f"The fastest, {_mean(fastest.runs['frames_per_s']):.0f} frames/s, is {_name(keys, fastest)}.")
    holes = int(sum(cell.runs[GOAL].isna().sum() for cell in cells))
    if holes:
        said.append(f"{count_of(holes, 'run')} could not be measured; the table says why.")
    return " ".join(said)


def _name(keys: Sequence[str], cell: _Cell) -> str:
    return ", ".join(f"{key} {value}" for key, value in zip(keys, cell.values, strict=True))


def _spread(cell: _Cell) -> str:
    measured = cell.measured
    return f" ({measured.min():.3f} to {measured.max():.3f})" if len(measured) > 1 else ""


def _mean(values: "pd.Series[Any]", empty: float = math.nan) -> float:
    known = values.dropna()
    return float(known.mean()) if len(known) else empty


def _tabulate(keys: Sequence[str], cells: Sequence[_Cell]) -> Grid:
    rows = []
    for cell in cells:
        runs = cell.runs
        errors = [str(error) for error in runs["error"].dropna().unique()]
        rows.append(
            [
                *cell.values,
                f"{len(cell.measured)} of {len(runs)}",
                number(cell.goal, 3) + _spread(cell),
                number(_mean(runs["median_px"]), 1),
                number(_mean(runs["p90_px"]), 1),
                number(_mean(runs["false_negatives"]), 1),
                number(_mean(runs["false_positives"]), 1),
                percent(_mean(runs["right_names"])),
                number(_mean(runs["frames_per_s"]), 0),
                duration(_mean(runs["training_s"])),
                number(_mean(runs["parameters"]), 0),
                "; ".join(errors) or NOTHING,
            ]
        )
    columns = [
        *keys,
        "#measured",
        "#mAP: COCO",
        "#median error (px)",
        "#90 % within (px)",
        "#false negatives",
        "#false positives",
        "#right names",
        "#frames/s",
        "#training",
        "#parameters",
        "what failed",
    ]
    caption = "Means over the replicates; in brackets their range. Speed is that of the machine that measured it."
    return Grid(columns, rows, caption)


def _draw(keys: Sequence[str], cells: Sequence[_Cell]) -> list[Picture]:
    if sum(math.isfinite(cell.goal) for cell in cells) < 2:
        return []
    others = " by color: " + ", ".join(keys[1:]) if len(keys) > 1 else ""
    caption = f"Left: accuracy by {keys[0]}{others}; dots are trainings, lines their means. Right: accuracy and speed."
    return [draw_wide_picture(lambda figure: _plot(figure, keys, cells), 3.6, caption, "Accuracy")]


def _plot(figure: Figure, keys: Sequence[str], cells: Sequence[_Cell]) -> None:
    left, right = figure.subplots(1, 2)
    along = list(dict.fromkeys(cell.values[0] for cell in cells))
    places, is_log = _places(along, cells)
    groups: dict[Key, list[_Cell]] = {}
    for cell in cells:
        groups.setdefault(cell.values[1:], []).append(cell)
    for position, (rest, own) in enumerate(groups.items()):
        _plot_group(left, right, own, places, position, ", ".join(rest))
    if is_log:
        left.set_xscale("log")
    left.minorticks_off()
    long = max(map(len, along)) > 6
    left.set_xticks(
        [places[value] for value in along], along, rotation=40 if long else 0, ha="right" if long else "center"
    )
    left.set_xlabel(keys[0])
    right.set_xlabel("frames/s")
    right.set_xlim(left=0)
    for axes in (left, right):
        axes.set_ylabel("mAP (COCO)")
        axes.set_ylim(0, 1)
    if len(groups) > 1:
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9)


def _plot_group(
    left: Axes, right: Axes, cells: Sequence[_Cell], places: Mapping[str, float], position: int, name: str
) -> None:
    look: Any = {"color": color_of(position), "marker": MARKERS[position % len(MARKERS)]}
    for cell in cells:
        measured = cell.runs.dropna(subset=[GOAL])
        left.plot(
            [places[cell.values[0]]] * len(measured), measured[GOAL], linestyle="", markersize=4, alpha=0.6, **look
        )
        speed = _mean(measured["frames_per_s"])
        if math.isfinite(speed):
            right.plot([speed], [cell.goal], linestyle="", markersize=7, **look)
            right.annotate(
                legend_label(cell.values[0]), (speed, cell.goal), (4, 4), textcoords="offset points", fontsize=8
            )
    known = [cell for cell in cells if math.isfinite(cell.goal)]
    left.plot(
        [places[cell.values[0]] for cell in known],
        [mean(cell.measured) for cell in known],
        color=color_of(position),
        label=legend_label(name),
    )


def _places(along: Sequence[str], cells: Sequence[_Cell]) -> tuple[dict[str, float], bool]:
    """Where each value stands on the axis: numbers in their place, `all` at its frames, else side by side."""
    places: dict[str, float] = {}
    for value in along:
        frames = [_mean(cell.runs["labeled_frames"]) for cell in cells if cell.values[0] == value]
        try:
            places[value] = frames[0] if value == "all" else float(value)
        except ValueError:
            return {value: float(place) for place, value in enumerate(along)}, False
    numbers = [place for place in places.values() if math.isfinite(place)]
    if len(numbers) < len(places):
        return {value: float(place) for place, value in enumerate(along)}, False
    return places, min(numbers) > 0 and max(numbers) / min(numbers) >= WIDE_RANGE
