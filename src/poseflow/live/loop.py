"""The loop itself: the newest frame in, its animals out, again and again."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from threading import Event

from poseflow.core.errors import VideoError
from poseflow.live.capture import Capture
from poseflow.live.following import Follower
from poseflow.live.frames import Frame
from poseflow.live.latency import Latencies
from poseflow.live.poses import LivePoses
from poseflow.live.settings import LiveSettings
from poseflow.live.sources import SourceFacts

WAIT_S = 0.1
"""So long at most until it is seen that the loop is to end."""


class LiveLoop:
    """Answers the newest frame of a source, one at a time.

    A frame that was replaced by a newer one before its turn is skipped. One that is older than `max_age_frames` frame
    times when its turn comes, since the source itself gave it late, is passed over: it does not answer what is now.
    """

    def __init__(
        self,
        capture: Capture,
        facts: SourceFacts,
        follower: Follower,
        settings: LiveSettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._capture, self._follower, self._settings, self._clock = capture, follower, settings, clock
        self._facts = facts
        self._max_age_s = settings.max_age_frames / facts.fps if facts.fps else None
        self.stopped = Event()
        """Set it to end the loop."""
        self.latencies = Latencies()
        """From a frame's time stamp to its poses."""
        self.network = Latencies()
        """Of that, what networks, tracking and naming take."""
        self.too_old = 0
        """Frames that were passed over."""
        self.newest: LivePoses | None = None
        self.newest_frame: Frame | None = None
        """What `newest` is the answer to."""
        self.start: datetime | None = None
        """When the source's first frame was taken."""

    @property
    def answered(self) -> int:
        """Frames that were answered."""
        return self.latencies.count

    @property
    def skipped(self) -> int:
        """Frames that were replaced by newer ones."""
        return self._capture.mailbox.skipped

    def answers(self) -> Iterator[LivePoses]:
        """Answer frames until the source ends, or the loop is stopped.

        Raises: VideoError where the source fails, or gives nothing for `patience_s`.
        """
        settings, mailbox = self._settings, self._capture.mailbox
        begin = last = self._clock()
        while not self.stopped.is_set():
            if settings.seconds is not None and self._clock() - begin >= settings.seconds:
                return
            frame = mailbox.take(WAIT_S)
            if frame is not None and not self._is_too_old(frame):
                yield self._answer(frame)
                last = self._clock()
                if settings.frames is not None and self.answered >= settings.frames:
                    return
            elif mailbox.is_done:
                if self._capture.error is not None:
                    raise self._capture.error
                return
            elif self._clock() - last > settings.patience_s:
                raise VideoError(self._describe_silence(frame))

    def _is_too_old(self, frame: Frame) -> bool:
        is_old = self._max_age_s is not None and self._clock() - frame.time_s > self._max_age_s
        self.too_old += is_old
        return is_old

    def _answer(self, frame: Frame) -> LivePoses:
        begin = self._clock()
        instances, tracks = self._follower.follow(frame.image)
        now = self._clock()
        first = self._capture.mailbox.first_time_s
        assert first is not None  # a frame was put
        if self.start is None:
            self.start = datetime.now(UTC) - timedelta(seconds=now - first)
        self.latencies.add(now - frame.time_s)
        self.network.add(now - begin)
        instances.frame_idx[:] = frame.number
        poses = LivePoses(
            frame.number,
            frame.time_s - first,
            frame.time_s,
            now - frame.time_s,
            self._follower.pipeline.skeleton,
            instances,
            tracks.track,
            tracks.identity_code,
            tracks.identity_score,
            tracks.tracklet,
            tracks.identity_names,
        )
        self.newest_frame, self.newest = frame, poses
        return poses

    def _describe_silence(self, frame: Frame | None) -> str:
        patience = f"{self._settings.patience_s:g} s"
        if frame is None:
            return f"{self._facts.name} must go on giving frames, got none for {patience}: was it unplugged?"
        age_ms, most_ms = 1000 * (self._clock() - frame.time_s), 1000 * (self._max_age_s or 0)
        return (
            f"{self._facts.name} must give frames that are at most {most_ms:.0f} ms old "
            f"({self._settings.max_age_frames:g} frame times), got none for {patience}, the last {age_ms:.0f} ms old: "
            "--max-age-frames allows older ones"
        )
