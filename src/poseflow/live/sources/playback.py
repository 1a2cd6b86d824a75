"""A video that plays as if a camera took it: a stand-in, to try everything without one."""

import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseflow.core.errors import VideoError
from poseflow.core.prefetch import prefetch
from poseflow.live.frames import Frame
from poseflow.live.sources.source import Clock, SourceFacts, SourceSettings
from poseflow.media import index_video, open_video

FRAMES_AHEAD = 16
"""Decoded before they are due: decoders give frames in spurts."""


class VideoPlayback:
    """Frames of a recording, each at its own time; a frame that cannot be decoded is as one that a camera lost.

    The time stamp of a frame is when it was due: where decoding is late, frames are old, as a camera's would be.
    """

    def __init__(
        self,
        path: str,
        settings: SourceSettings,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], Any] = time.sleep,
    ) -> None:
        self._index = index_video(path)
        if not self._index.is_ok:
            raise VideoError(f"{path} must be a readable recording, got: {self._index.reason}")
        rate = settings.rate or self._index.fps
        if rate is None:
            raise VideoError(f"{path} must say its frame rate, got none; or --rate says it")
        self._clock, self._sleep, self._repeats = clock, sleep, settings.repeat
        self._times = self._due_times(settings.rate, rate)
        self.facts = SourceFacts(path, self._index.width, self._index.height, rate, self._index.channels == 3)

    def frames(self, channels: int) -> Iterator[Frame]:
        """As the protocol says."""
        total, begin, turn_s = self._index.frames, 0.0, float(self._times[-1])
        with open_video(self._index, threads=1) as video:
            for turn in count():
                for number, image in prefetch(video.read(0, total, channels), FRAMES_AHEAD):
                    if turn == number == 0:
                        begin = self._clock()
                    due = begin + turn * turn_s + float(self._times[number])
                    wait = due - self._clock()
                    if wait > 0:
                        self._sleep(wait)
                    if image is not None:
                        yield Frame(turn * total + number, due, image)
                if not self._repeats:
                    return

    def close(self) -> None:
        """The iterator of frames closes the video itself."""

    def _due_times(self, asked: float | None, rate: float) -> NDArray[np.float64]:
        """When each frame is due, and when the video is over, in s after its first frame."""
        total = self._index.frames
        times = np.arange(total + 1) / rate
        own = self._index.time_s()
        if asked is None and np.isfinite(own).all() and (np.diff(own) >= 0).all():
            times[:total] = own - own[0]
            times[total] = times[total - 1] + 1 / rate
        return times
