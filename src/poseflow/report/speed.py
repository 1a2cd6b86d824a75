"""Where the time of the predictions went."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from poseflow.core.files import read_json
from poseflow.core.wording import count_of
from poseflow.report.grid import duration, number
from poseflow.report.palette import GREY, INK, color_of
from poseflow.report.recordings import choose_newest_cut
from poseflow.report.style import Picture, draw_wide_picture


@dataclass(frozen=True)
class PredictionTimes:
    """What the predictions of many frames took, in seconds."""

    jobs: int
    frames: int
    whole: float
    first_batches: float
    """In which networks are compiled."""
    steps: dict[str, float]
    """Of the other batches."""

    @property
    def slowest(self) -> str:
        """The step that the others wait for."""
        return max(self.steps, key=self.steps.__getitem__)


def read_prediction_times(profiles: Mapping[str, Sequence[Path]]) -> PredictionTimes | None:
    """Sum up what `inference.profile.Profile` wrote of the jobs of each video; None where no frame was predicted.

    Files of jobs that did not come to their end are empty.
    """
    ended = (path for paths in profiles.values() for path in choose_newest_cut(paths) if path.stat().st_size)
    read = [one for one in map(read_json, ended) if one["frames"]]
    steps: Counter[str] = Counter()
    for one in read:
        steps.update(one["steps_s"])
    frames = sum(one["frames"] for one in read)
    if not frames:
        return None
    first = sum(one["first_batch_s"] for one in read)
    return PredictionTimes(len(read), frames, sum(one["wall_s"] for one in read), first, dict(steps))


def draw_prediction_times(times: PredictionTimes) -> Picture:
    """A bar for each step, beside what a frame takes in all."""
    whole = 1000 * (times.whole - times.first_batches) / times.frames
    share = times.steps[times.slowest] / max(times.whole - times.first_batches, 1e-9)
    caption = (
        f"Processing of {count_of(times.frames, 'frame')} in {count_of(times.jobs, 'job')}, without start-up. Steps "
        f"work side by side, each in a thread of its own, flow in several, of which one is shown. The line is what a "
        f"frame takes in all, {number(whole, 2)} ms; the step whose bar comes nearest is the one to make faster. It is "
        f"{times.slowest} here, at work for {min(share, 1):.0%} of the time. The first batch of each job, with which "
        f"its networks are compiled, took {duration(times.first_batches / times.jobs)} on average and is left out."
    )
    return draw_wide_picture(lambda figure: _plot(figure, times, whole), 2.6, caption, "Where predictions' time goes")


def _plot(figure: Figure, times: PredictionTimes, whole: float) -> None:
    axes = figure.subplots()
    steps = list(times.steps)
    each = [1000 * times.steps[step] / times.frames for step in steps]
    bars = axes.barh(steps, each, color=[color_of(0) if step == times.slowest else GREY for step in steps])
    axes.axvline(whole, color=INK, linewidth=1.2)
    for text in axes.bar_label(bars, fmt="%.2f", padding=3, fontsize=8.5):
        text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1})  # before the line
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("ms a frame")
    axes.margins(x=0.12)
