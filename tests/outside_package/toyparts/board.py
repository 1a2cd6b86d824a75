"""A source and an output, live: a camera that gives three frames, and a board that notes what it is told."""

import time

import numpy as np

from poseflow.live.frames import Frame
from poseflow.live.outputs import Output
from poseflow.live.sources import SourceFacts

TOLD = []


class Board(Output):
    def send_trigger(self, event):
        TOLD.append((self.argument, event.name, event.is_met))


class ThreeFrames:
    def __init__(self, argument, settings, clock):
        self.facts = SourceFacts(argument, 64, 48, None, has_color=False)

    def frames(self, channels):
        for number in range(3):
            time.sleep(0.02)
            yield Frame(number, time.monotonic(), np.zeros((48, 64, channels), np.uint8))

    def close(self):
        pass
