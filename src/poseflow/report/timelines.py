"""When each animal of a recording was tracked, binned over time, so that a day fits into a figure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from poseflow.core.wording import count_of
from poseflow.report.palette import BLUE, GREY, INK, VERMILLION, color_animals, hex_of
from poseflow.report.style import Picture, draw_wide_picture
from poseflow.tables import count_frames, read_pose_metadata

BINS = 900
REVIEW_IN = 0.22
MAX_TRACKS = 40
BATCH_ROWS = 1 << 18


@dataclass(frozen=True)
class Timeline:
    """Tracks of one video over time."""

    video: str
    seconds: float
    """Length of the video."""
    frames: int
    frames_read: int
    failed_frames: int
    tracks: int
    """How many there are in all."""
    named: int
    """How many animals have a name; they are the first lines."""
    lines: int
    """Tracks; or where there are names, the animals that have one, and all others as one."""
    shown: tuple[int, ...]
    """The lines below, the longest if there are more than MAX_TRACKS, in order."""
    names: tuple[str, ...]
    colors: tuple[str, ...]
    """Of each line shown, as overlays have them."""
    presence: NDArray[np.float32]
    """(lines shown, bins): share of the bin's frames in which the animal or track has a pose."""
    fewest: NDArray[np.int64]
    """(bins,) animals in the frame of the bin that has fewest."""
    most: NDArray[np.int64]
    mean: NDArray[np.float32]
    usual: int
    """The number of animals that most frames have."""
    usual_share: float
    """The share of the frames that have it."""
    longest_frames: int
    """Frames of the longest track."""


def read_timeline(path: Path, seconds: float, bins: int = BINS) -> Timeline:
    """Read a pose table's frames and tracks, no points; memory is some bytes per frame of the video.

    Raises: TableError for a file that is no pose table.
    """
    note = read_pose_metadata(path)
    frames = int(note["frames"])
    per_frame = np.zeros(frames, np.uint16)
    per_track, per_line = np.zeros(0, np.int64), np.zeros(0, np.int64)
    animals = find_names(path)
    for frame_idx, track, line in iterate_lines(path, animals):
        np.add.at(per_frame, frame_idx, 1)
        per_track, per_line = _add_counts(per_track, track), _add_counts(per_line, line)
    shown = np.sort(np.argsort(-per_line, kind="stable")[: min(MAX_TRACKS, np.count_nonzero(per_line))])
    bins = max(1, min(bins, frames))
    edges = np.arange(bins + 1) * frames // bins
    presence = _read_presence(path, animals, shown, edges)
    colors = color_animals(animals, np.flatnonzero(per_track).tolist(), note.get("identities", ()))
    usual, usual_share = _find_usual(per_frame, note["frames_read"])
    starts = edges[:-1]
    return Timeline(
        video=note["video"],
        seconds=seconds,
        frames=frames,
        frames_read=count_frames(note["frames_read"]),
        failed_frames=len(note["failed_frames"]),
        tracks=int(np.count_nonzero(per_track)),
        named=len(animals),
        lines=int(np.count_nonzero(per_line)),
        shown=tuple(shown.tolist()),
        names=tuple((*animals, "no name")[line] if animals else f"track {line}" for line in shown),
        colors=tuple(hex_of(colors[_animal(line, animals)]) for line in shown.tolist()),
        presence=presence,
        fewest=np.minimum.reduceat(per_frame, starts).astype(np.int64) if frames else np.zeros(1, np.int64),
        most=np.maximum.reduceat(per_frame, starts).astype(np.int64) if frames else np.zeros(1, np.int64),
        mean=(np.add.reduceat(per_frame, starts, dtype=np.float64) / np.diff(edges)).astype(np.float32)
        if frames
        else np.zeros(1, np.float32),
        usual=usual,
        usual_share=usual_share,
        longest_frames=int(per_track.max(initial=0)),
    )


def draw_timeline(
    timeline: Timeline, switch_frames: Sequence[int] = (), review_items: Sequence[tuple[int, float]] = ()
) -> Picture:
    """A line per animal or track, below it the animals in each frame, and marks of switches and of links to review.

    Args:
        switch_frames: where tracks switch animals. review_items: frame and expected errors of each link to review.
    """
    lines = max(len(timeline.shown), 1)
    line_in = 0.2 if lines <= 16 else 0.1
    more = timeline.lines - len(timeline.shown)
    caption = (
        f"One line per {'animal' if timeline.named else 'track'}, colored where it is detected, paler where in part of "
        f"the frames only. Below: animals per frame (line: mean; band: fewest to most). All {timeline.frames:,} frames "
        f"of {timeline.video}."
    )
    if len(review_items):
        links = count_of(len(review_items), "link")
        caption += f" Review: {links} to look at, the darker the more may be wrong from there on."
    if len(switch_frames):
        caption += " Triangles: an animal goes on under another track, as labels show."
    if more > 0:
        caption += f" Shown are the {len(timeline.shown)} longest tracks; {more:,} shorter ones are left out."
    return draw_wide_picture(
        lambda figure: _draw(figure, timeline, lines * line_in, switch_frames, review_items),
        1.7 + lines * line_in + REVIEW_IN * bool(review_items),
        caption,
        timeline.video,
    )


def _draw(
    figure: Figure,
    timeline: Timeline,
    lines_in: float,
    switch_frames: Sequence[int],
    review_items: Sequence[tuple[int, float]],
) -> None:
    heights = [lines_in + 0.1, *([REVIEW_IN] if review_items else []), 0.8]
    above, *middle, below = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    unit, length = time_unit(timeline.seconds)
    colors = np.array([to_rgb(color) for color in timeline.colors]).reshape(-1, 1, 3)
    if len(timeline.shown):
        # A lone frame in a bin of thousands is still to be seen.
        alpha = np.where(timeline.presence > 0, 0.25 + 0.75 * timeline.presence, 0)
        image = np.concatenate([np.broadcast_to(colors, (*alpha.shape, 3)), alpha[..., None]], axis=2)
        extent = (0, length, len(timeline.shown) - 0.5, -0.5)
        above.imshow(image, aspect="auto", interpolation="none", extent=extent, zorder=2)
        above.set_yticks(range(len(timeline.shown)), timeline.names, fontsize=9 if len(timeline.shown) <= 16 else 6)
        above.hlines(np.arange(1, len(timeline.shown)) - 0.5, 0, length, color="white", linewidth=2, zorder=3)
    else:
        above.set_yticks([])
        above.text(0.5, 0.5, "no tracks", transform=above.transAxes, ha="center", va="center", color=GREY)
    above.grid(False, axis="y")
    above.tick_params(length=0)
    for axes in middle:
        _draw_review_items(axes, review_items, length / max(timeline.frames, 1))
    middles = (np.arange(len(timeline.mean)) + 0.5) * length / len(timeline.mean)
    below.fill_between(
        middles, timeline.fewest, timeline.most, step="mid", color=BLUE, alpha=0.2, linewidth=0, rasterized=True
    )
    below.step(middles, timeline.mean, where="mid", color=BLUE, linewidth=1.2, rasterized=True)
    top = max(int(timeline.most.max()), 1)
    below.set_ylim(-0.1, top + 0.3)
    below.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    if len(switch_frames):
        place = (np.array(switch_frames) + 0.5) * length / timeline.frames
        below.plot(place, np.full(len(place), top + 0.3), "v", color=VERMILLION, markersize=6, clip_on=False)
    below.set_ylabel("animals", color=INK)
    below.set_xlabel(f"time ({unit})")
    below.set_xlim(0, length)


def _draw_review_items(axes: Axes, review_items: Sequence[tuple[int, float]], per_frame: float) -> None:
    """A bar for each item, the darker the more errors are expected."""
    frames, errors = np.array(review_items, np.float64).T
    shade = 0.25 + 0.75 * np.log1p(errors) / max(np.log1p(errors).max(), 1e-9)
    colors = [(*to_rgb(VERMILLION), alpha) for alpha in shade]
    axes.vlines((frames + 0.5) * per_frame, 0, 1, colors=colors, linewidth=1.4, rasterized=True)
    axes.set_ylim(0, 1)
    axes.set_yticks([0.5], ["review"])
    axes.tick_params(length=0)
    axes.grid(False, axis="y")


def time_unit(seconds: float) -> tuple[str, float]:
    """Unit in which a length of time reads well, and the length in it."""
    for unit, size in (("days", 86_400), ("hours", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return unit, seconds / size
    return "s", seconds


def _read_presence(
    path: Path, animals: Sequence[str], shown: NDArray[np.int64], edges: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Share of each bin's frames that each line has."""
    counts = np.zeros((len(shown), len(edges) - 1), np.int64)
    for frame_idx, _, line in iterate_lines(path, animals):
        place = np.searchsorted(shown, line)
        kept = (place < len(shown)) & (np.take(shown, place, mode="clip") == line) if len(shown) else line < 0
        column = np.searchsorted(edges, frame_idx[kept], side="right") - 1
        np.add.at(counts, (place[kept], column), 1)
    return np.minimum(counts / np.maximum(np.diff(edges), 1), 1).astype(np.float32)


def find_names(path: Path) -> tuple[str, ...]:
    """Names that a pose table gives to animals, sorted."""
    names: set[str] = set()
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=["identity"]):
            names.update(name for name in batch.column(0).unique().to_pylist() if name is not None)
    return tuple(sorted(names))


def iterate_lines(path: Path, animals: Sequence[str], *more: str) -> Iterator[tuple[Any, ...]]:
    """Yield frame_idx, track, line and further columns (Arrow) of a few rows at a time.

    The line of an animal with a name is its place in `animals`, that of all others comes after; where there are no
    names, the line is the track.
    """
    places = {name: place for place, name in enumerate(animals)}
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=["frame_idx", "track", "identity", *more]):
            track = batch.column("track").to_numpy(zero_copy_only=False).astype(np.int64)
            identity = batch.column("identity")
            codes = identity.indices.fill_null(-1).to_numpy(zero_copy_only=False)
            place = np.array([*(places.get(name, -1) for name in identity.dictionary.to_pylist()), -1])[codes]
            line = np.where(place >= 0, place, len(animals)) if animals else track
            yield batch.column("frame_idx").to_numpy(), track, line, *(batch.column(name) for name in more)


def _animal(line: int, animals: Sequence[str]) -> str | int | None:
    """Whom a line is about: an animal by name, or a track; None: all without a name."""
    if not animals:
        return line
    return animals[line] if line < len(animals) else None


def _add_counts(counts: NDArray[np.int64], numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    found = np.bincount(numbers, minlength=len(counts))
    found[: len(counts)] += counts
    return found


def _find_usual(per_frame: NDArray[np.uint16], frames_read: list[list[int]]) -> tuple[int, float]:
    """The commonest number of animals above 0 in the frames that were read, and its share of them."""
    counts = np.zeros(1, np.int64)
    for start, stop in frames_read:
        part = np.bincount(per_frame[start:stop], minlength=len(counts))
        part[: len(counts)] += counts
        counts = part
    if not counts[1:].any():
        return 0, float("nan")
    usual = int(np.argmax(counts[1:])) + 1
    return usual, float(counts[usual] / counts.sum())
