"""How the animals of a recording move, and how surely they are named, binned over time."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from poseflow.report.palette import INK, PURPLE
from poseflow.report.style import Picture, draw_wide_picture, legend_label
from poseflow.report.timelines import Timeline, find_names, iterate_lines, time_unit
from poseflow.tables import read_pose_metadata

BINS = 300
MAX_LINES = 6
"""Beyond, speeds hide each other."""


@dataclass(frozen=True)
class Motion:
    """Of one video, in bins of time."""

    node: str
    """Whose place is taken for the animal's."""
    unit: str
    """mm or px."""
    names: tuple[str, ...]
    colors: tuple[str, ...]
    speed: NDArray[np.float64]
    """(animals or tracks shown, bins): mean speed per s, NaN where it is not seen"""
    distance: NDArray[np.float64]
    """(bins,) mean over frames of the distance of the two animals that are nearest to each other"""
    confidence: NDArray[np.float64]
    """(bins,) mean probability of names; NaN where nobody has one"""
    least: NDArray[np.float64]
    """(bins,) the least"""


def read_motion(path: Path, timeline: Timeline, bins: int = BINS) -> Motion:
    """Read one node of a pose table, the one with most edges, and the names' probabilities.

    Raises: TableError for a file that is no pose table.
    """
    note = read_pose_metadata(path)
    frames, fps, scale = int(note["frames"]), note["fps"] or 1.0, note["pixels_per_mm"]
    node = _central_node(note["skeleton"])
    bins = max(1, min(bins, frames))
    shown = np.array(timeline.shown[: min(MAX_LINES, timeline.named or MAX_LINES)], np.int64)
    moved, seconds = np.zeros((len(shown), bins)), np.zeros((len(shown), bins))
    apart, pairs = np.zeros(bins), np.zeros(bins)
    score_sum, named, least = np.zeros(bins), np.zeros(bins), np.full(bins, np.inf)
    columns = (f"{node}.x", f"{node}.y", "identity_score", "time_s")
    for frame_idx, _, line, *values in iterate_lines(path, find_names(path), *columns):
        x, y, score, time_s = (np.asarray(value.to_numpy(zero_copy_only=False), np.float64) for value in values)
        column = np.minimum(frame_idx * bins // max(frames, 1), bins - 1)
        for row, number in enumerate(shown):
            rows = np.flatnonzero(line == number)
            length = np.hypot(np.diff(x[rows]), np.diff(y[rows]))
            step = np.nan_to_num(np.diff(time_s[rows]), nan=1 / fps)
            measured = np.isfinite(length) & (np.diff(frame_idx[rows]) == 1) & (step > 0)
            np.add.at(moved[row], column[rows[1:]][measured], length[measured])
            np.add.at(seconds[row], column[rows[1:]][measured], step[measured])
        where, nearest = _nearest_pairs(frame_idx, x, y)
        np.add.at(apart, column[where], nearest)
        np.add.at(pairs, column[where], 1)
        given = np.isfinite(score)
        np.add.at(score_sum, column[given], score[given])
        np.add.at(named, column[given], 1)
        np.minimum.at(least, column[given], score[given])
    per_px = 1 / scale if scale else 1.0
    return Motion(
        node=node,
        unit="mm" if scale else "px",
        names=timeline.names[: len(shown)],
        colors=timeline.colors[: len(shown)],
        speed=_divide(moved, seconds) * per_px,
        distance=_divide(apart, pairs) * per_px,
        confidence=_divide(score_sum, named),
        least=np.where(np.isfinite(least), least, np.nan),
    )


def draw_motion(motion: Motion, timeline: Timeline) -> Picture:
    """Probability of the names, speed, and distance of the nearest two animals, over time; none is drawn empty."""
    has_names, has_pairs = (bool(np.isfinite(values).any()) for values in (motion.confidence, motion.distance))
    apart = f" and distance of the two nearest animals' {motion.node}" if has_pairs else ""
    caption = f"Speed of {motion.node}{apart}, means over a bin."
    if has_names:
        caption = "Probability of the animals' names (line: mean; band: down to the least). " + caption
    if (timeline.named or len(timeline.shown)) > MAX_LINES:
        caption += f" Speeds of the first {MAX_LINES} lines above."
    height = 1.7 + 0.9 * has_names + 0.9 * has_pairs
    return draw_wide_picture(
        lambda figure: _draw(figure, motion, timeline, has_names, has_pairs), height, caption, timeline.video
    )


def _draw(figure: Figure, motion: Motion, timeline: Timeline, has_names: bool, has_pairs: bool) -> None:
    unit, length = time_unit(timeline.seconds)
    rows = list(figure.subplots(1 + has_names + has_pairs, 1, sharex=True, squeeze=False)[:, 0])
    rows[-1].set_xlabel(f"time ({unit})")
    rows[-1].set_xlim(0, length)
    time = (np.arange(len(motion.distance)) + 0.5) * length / len(motion.distance)
    if has_names:
        axes: Axes = rows.pop(0)
        axes.fill_between(time, motion.least, 1, step="mid", color=PURPLE, alpha=0.2, linewidth=0, rasterized=True)
        axes.step(time, motion.confidence, where="mid", color=PURPLE, linewidth=1.2)
        axes.set_ylim(0, 1.05)
        axes.set_ylabel("names", color=INK)
    speed = rows.pop(0)
    for name, color, values in zip(motion.names, motion.colors, motion.speed, strict=True):
        speed.plot(time, values, color=color, linewidth=0.9, label=legend_label(name), alpha=0.85, rasterized=True)
    speed.set_ylabel(f"{motion.unit}/s", color=INK)
    speed.set_ylim(bottom=0)
    if len(motion.names) > 1:
        speed.legend(ncols=3, fontsize=7, loc="upper right")
    for distance in rows:
        distance.plot(time, motion.distance, color=INK, linewidth=0.9, rasterized=True)
        distance.set_ylabel(f"apart ({motion.unit})", color=INK)
        distance.set_ylim(bottom=0)


def _central_node(skeleton: dict[str, Any]) -> str:
    """The node with most edges; the first of several."""
    ends = [node for edge in skeleton["edges"] for node in edge]
    return str(max(enumerate(skeleton["nodes"]), key=lambda node: (ends.count(node[0]), -node[0]))[1])


def _nearest_pairs(
    frame_idx: NDArray[np.int64], x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """First row of each frame with two animals or more, and the distance of the two that are nearest; rows by frame."""
    _, first, counts = np.unique(frame_idx, return_index=True, return_counts=True)
    nearest = np.full(len(first), np.inf)
    row = np.repeat(np.arange(len(first)), counts)
    for step in range(1, int(counts.max(initial=0))):
        same = frame_idx[step:] == frame_idx[:-step]
        distance = np.hypot(x[step:] - x[:-step], y[step:] - y[:-step])
        kept = same & np.isfinite(distance)
        np.minimum.at(nearest, row[step:][kept], distance[kept])
    found = np.isfinite(nearest)
    return first[found], nearest[found]


def _divide(total: NDArray[np.float64], by: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(total, by, out=np.full(total.shape, np.nan), where=by > 0)
