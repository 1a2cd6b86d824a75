"""Pipelines side by side: how accurate they are, whom they take for whom, and how fast they are with many animals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from poseflow.core.files import read_json
from poseflow.report.grid import Grid, count, number, percent
from poseflow.report.palette import INK, color_of
from poseflow.report.style import Picture, draw_picture, draw_wide_picture, legend_label

Metrics = Mapping[str, Any]
MARKERS = "osD^vP"


@dataclass(frozen=True)
class ComparisonStory:
    """Several pipelines measured on the same test set, for the report."""

    tables: Sequence[Grid]
    figures: Sequence[Picture]
    confusions: Sequence[Picture]
    """One for each pipeline that tells animals apart."""


def read_comparison_story(folders: Mapping[str, Path]) -> ComparisonStory | None:
    """Read folders that `evaluate_release` wrote, by the pipeline's name; None where there is nothing to compare."""
    every = {name: read_json(folder / "metrics.json") for name, folder in folders.items()}
    measured = {name: metrics for name, metrics in every.items() if metrics.get("animals")}
    if not measured:
        return None
    timed = {name: metrics["speed"] for name, metrics in measured.items() if metrics.get("speed")}
    return ComparisonStory(
        tables=[_tabulate_pipelines(measured), *([_tabulate_speed(timed)] if timed else [])],
        figures=[_draw_comparison(measured)] if timed else [],
        confusions=[
            draw_confusion(metrics["identities"], name) for name, metrics in measured.items() if metrics["identities"]
        ],
    )


def _tabulate_pipelines(measured: Mapping[str, Metrics]) -> Grid:
    rows = [
        [
            name,
            number(metrics["map_coco"], 3),
            number(metrics["map_paper"], 3),
            number(metrics["errors_px"]["all"]["p50"], 1),
            percent(metrics["false_negative_share"]),
            count(metrics["false_positives"]),
            percent(metrics["identities"]["accuracy"] if metrics["identities"] else None),
            number(metrics["speed"]["frames_per_s"] if metrics.get("speed") else None, 1),
        ]
        for name, metrics in measured.items()
    ]
    caption = (
        "All on the same test frames. Right names: of all labeled animals with a name; those that were not detected "
        "count as wrong. Frames/s: networks and assembly, frames in memory. The first pipeline runs over the "
        "recordings."
    )
    columns = [
        "pipeline",
        "#mAP: COCO",
        "#paper",
        "#median error (px)",
        "#false negatives",
        "#false positives",
        "#right names",
    ]
    return Grid([*columns, "#frames/s"], rows, caption)


def _tabulate_speed(timed: Mapping[str, Metrics]) -> Grid:
    counts = sorted({timing["animals"] for speed in timed.values() for timing in speed["by_animals"]})
    rows = []
    for name, speed in timed.items():
        rates = {timing["animals"]: timing["frames_per_s"] for timing in speed["by_animals"]}
        rows.append([name, *(number(rates.get(animals), 1) for animals in counts)])
    caption = "Frames/s against the number of labeled animals in a frame."
    return Grid(["pipeline", *(f"#{animals}" for animals in counts)], rows, caption)


def _draw_comparison(measured: Mapping[str, Metrics]) -> Picture:
    caption = (
        "Left: accuracy against speed on the test frames; up and to the right is better. Right: speed against the "
        "number of labeled animals in a frame. Pipelines that cut out each animal slow down with every one; those that "
        "see the frame in one pass hardly do."
    )
    return draw_wide_picture(lambda figure: _plot_comparison(figure, measured), 3.6, caption, "Accuracy and speed")


def _plot_comparison(figure: Figure, measured: Mapping[str, Metrics]) -> None:
    left, right = figure.subplots(1, 2)
    for position, (name, metrics) in enumerate(measured.items()):
        speed = metrics.get("speed")
        if not speed:
            continue
        look: Any = {
            "color": color_of(position),
            "marker": MARKERS[position % len(MARKERS)],
            "label": legend_label(name),
        }
        if metrics["map_coco"] is not None:
            left.plot(speed["frames_per_s"], metrics["map_coco"], linestyle="", markersize=8, **look)
        timings = [(timing["animals"], timing["frames_per_s"]) for timing in speed["by_animals"]]
        animals, rates = zip(*timings, strict=True)
        right.plot(animals, rates, **look)
        right.set_xticks(sorted({*right.get_xticks(), *animals} & {*range(max(animals) + 1)}))
    left.set_xlabel("frames/s")
    left.set_ylabel("mAP (COCO)")
    left.set_ylim(0, 1)
    right.set_xlabel("labeled animals in a frame")
    right.set_ylabel("frames/s")
    for axes in (left, right):
        axes.set_xlim(left=0)
    right.set_ylim(bottom=0)
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9)


def draw_confusion(identities: Metrics, name: str) -> Picture:
    """Draw `evaluate_identities`' confusion matrix: labels in rows, predictions in columns."""
    caption = (
        f"{name}: {percent(identities['accuracy'])} of {count(identities['animals'])} labeled animals have their right "
        "name. Rows: the labels. Columns: the name that was predicted, none, or no animal detected. Numbers are "
        "animals; colors are shares of a row."
    )
    rows, columns = (len(identities["confusion"][side]) for side in ("labels", "predicted"))
    size_in = (1.6 + 0.62 * columns, 1.5 + 0.42 * rows)
    return draw_picture(lambda figure: _plot_confusion(figure.subplots(), identities["confusion"]), size_in, caption)


def _plot_confusion(axes: Axes, confusion: Metrics) -> None:
    counts = np.array(confusion["counts"])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), animals in np.ndenumerate(counts):
        shade = "white" if shares[row, column] > 0.6 else INK
        axes.text(column, row, f"{animals:,}", ha="center", va="center", color=shade, fontsize=8.5)
    axes.set_xticks(range(len(confusion["predicted"])), confusion["predicted"], rotation=30, ha="right")
    axes.set_yticks(range(len(confusion["labels"])), confusion["labels"])
    axes.grid(False)
    axes.set_xlabel("predicted")
    axes.set_ylabel("label")
