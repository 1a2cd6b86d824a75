"""Cameras and networks that are made up, on a clock that only moves when somebody works or waits."""

import numpy as np

from poseflow.core.skeleton import Skeleton
from poseflow.inference import Pipeline
from poseflow.live.frames import Frame, Mailbox
from poseflow.live.poses import LivePoses
from poseflow.live.sources import SourceFacts
from poseflow.tables import Instances

FLIES = Skeleton(nodes=("head", "thorax", "abdomen"), edges=((0, 1), (1, 2)))
FPS = 150.0
FACTS = SourceFacts("toy", 64, 48, FPS, has_color=False)


class Clock:
    """As `time.monotonic`."""

    def __init__(self, now=1000.0):
        self.now = now

    def __call__(self):
        return self.now

    def work(self, seconds):
        """Let time pass."""
        self.now += seconds


def numbered_image(number):
    """(48, 64, 1) uint8 that says which frame it is."""
    image = np.zeros((48, 64, 1), np.uint8)
    image[0, :4, 0] = np.frombuffer(np.uint32(number).tobytes(), np.uint8)
    return image


def number_of(image):
    return int(np.frombuffer(image[0, :4, 0].tobytes(), np.uint32)[0])


def make_pipeline(points_of, work=lambda: None, names=()):
    """A pipeline that finds (animals, 3, 2) points by the number of the frame; named animals are told apart surely."""

    def run(images):
        work()
        return (np.array([number_of(images[0])]),)

    def assemble(outputs):
        points = np.asarray(points_of(int(outputs[0][0])), np.float32).reshape(-1, 3, 2)
        count = len(points)
        return Instances.from_arrays(
            np.zeros(count), 0.9 - 0.01 * np.arange(count), points, np.full((count, 3), 0.9), np.eye(count, len(names))
        )

    return Pipeline(FLIES, 1, (), tuple(names), run, assemble)


def fly(x, y, heading_deg=0.0):
    """Points (3, 2) of a fly of 60 px whose thorax is at (x, y)."""
    along = 30 * np.array([np.cos(np.radians(heading_deg)), np.sin(np.radians(heading_deg))])
    return np.array([x, y]) + np.array([along, 0 * along, -along])


def make_poses(points, names=(), number=0, taken_s=1000.0, time_s=0.0):
    """Answers to a frame, of animals (n, 3, 2); the first ones have the names."""
    points = np.asarray(points, np.float32).reshape(-1, 3, 2)
    count = len(points)
    found = Instances.from_arrays(np.full(count, number), np.full(count, 0.9), points, np.full((count, 3), 0.9))
    codes = np.where(np.arange(count) < len(names), np.arange(count), -1).astype(np.int16)
    scores = np.where(codes >= 0, 1, np.nan).astype(np.float32)
    tracks = np.arange(count, dtype=np.int32)
    return LivePoses(number, time_s, taken_s, 0.005, FLIES, found, tracks, codes, scores, tracks, tuple(names))


class SimulatedCapture:
    """Takes the place of `Capture`: `frames` frames at 150 a second of the clock, each `late_s` after its time."""

    error = None

    def __init__(self, clock, frames, late_s=0.0):
        self.mailbox = _SimulatedMailbox(clock, frames, late_s)


class _SimulatedMailbox(Mailbox):
    def __init__(self, clock, frames, late_s):
        super().__init__()
        self._clock, self._frames, self._late_s = clock, frames, late_s
        self._begin, self._next = clock(), 0

    def take(self, timeout_s):
        if self._next < self._frames:
            self._clock.now = max(self._clock.now, self._due(self._next) + self._late_s)
        while self._next < self._frames and self._due(self._next) + self._late_s <= self._clock():
            self.put(Frame(self._next, self._due(self._next), numbered_image(self._next)))
            self._next += 1
        if self._next == self._frames:
            self.close()
        return super().take(0)

    def _due(self, number):
        return self._begin + number / FPS
