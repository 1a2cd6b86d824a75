"""The step `index_predictions`: a recording that is not there, as a file of predictions tells of it."""

from fractions import Fraction
from pathlib import Path

import numpy as np

from poseflow.exchange.predictions import describe_predictions_file
from poseflow.media import VideoIndex, write_index
from poseflow.media.runs import RunLengths

MOST_TICKS = 1_000_000
"""Of a second; a rate of frames is such a fraction."""


def index_predictions(file: Path, number: int, out: Path) -> VideoIndex:
    """Index a recording that is not there, by what a file of predictions says of it."""
    index = describe_absent(file, number)
    write_index(index, out)
    return index


def describe_absent(file: Path, number: int) -> VideoIndex:
    """What a file of predictions says of a video that is not there; its frames have times where it knows their rate."""
    video = next(video for video in describe_predictions_file(file).videos if video.number == number)
    rate = Fraction(video.fps).limit_denominator(MOST_TICKS) if video.fps and np.isfinite(video.fps) else Fraction(0)
    times = {}
    if rate > 0:
        ticks = RunLengths(first=0, count=video.frames, deltas=((1, video.frames - 1),) if video.frames > 1 else ())
        times = {"fps": float(rate), "time_base": (rate.denominator, rate.numerator), "timestamps": ticks}
    return VideoIndex(
        path=video.recorded or str(file),
        kind="predictions",
        frames=video.frames,
        width=video.width,
        height=video.height,
        **times,
    )
