"""Frames on their way from a source to the networks: always the newest, never a queue."""

from dataclasses import dataclass
from threading import Condition

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a source."""

    number: int
    """Counted from 0 by the source, with those that nobody takes."""
    time_s: float
    """When it was taken, on the clock of `time.monotonic`."""
    image: NDArray[np.uint8]
    """(height, width, channels)"""


class Mailbox:
    """One slot that holds the newest frame; a frame that nobody took before the next one came is skipped.

    One thread puts, one takes.
    """

    def __init__(self) -> None:
        self._slot: Frame | None = None
        self._changed = Condition()
        self._is_closed = False
        self.put_frames = 0
        """How many frames came."""
        self.skipped = 0
        """How many of them were replaced by newer ones."""
        self.first_time_s: float | None = None
        """Time stamp of the first frame, whether it was taken or not."""

    def put(self, frame: Frame) -> None:
        """Replace whatever is in the slot."""
        with self._changed:
            self.skipped += self._slot is not None
            self.put_frames += 1
            if self.first_time_s is None:
                self.first_time_s = frame.time_s
            self._slot = frame
            self._changed.notify()

    def take(self, timeout_s: float) -> Frame | None:
        """Empty the slot; waits for a frame, at most so long. None: there came none, or there comes none any more."""
        with self._changed:
            if self._slot is None and not self._is_closed:
                self._changed.wait(timeout_s)
            frame, self._slot = self._slot, None
            return frame

    def close(self) -> None:
        """Say that there comes no more; a frame that is in the slot may still be taken."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    @property
    def is_done(self) -> bool:
        """Whether the last frame was taken, and no more come."""
        with self._changed:
            return self._is_closed and self._slot is None
