"""What the appearance of whole tracklets says about who they are."""

import numpy as np
from numpy.typing import NDArray

from poseflow.config import TrackingConfig

LEAST_PROBABILITY = 0.01
"""No network counts as more certain than this that an animal is not one: one frame alone rules nobody out."""

CORRECTION_FRAMES = 1e4
"""So many frames weighs a correction of one."""


class Evidence:
    """First and last frame, length and summed log-probabilities of each tracklet; a few bytes for each."""

    def __init__(self, names: int, config: TrackingConfig) -> None:
        self._names, self._config = names, config
        self._count = 0
        self._first, self._last, self._frames = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64)
        self._logs = np.empty((0, names + 1))

    def __len__(self) -> int:
        return self._count

    @property
    def first(self) -> NDArray[np.int64]:
        """(n,) first frame."""
        return self._first[: self._count]

    @property
    def last(self) -> NDArray[np.int64]:
        """(n,) last frame."""
        return self._last[: self._count]

    @property
    def frames(self) -> NDArray[np.int64]:
        """(n,) number of frames."""
        return self._frames[: self._count]

    @property
    def logs(self) -> NDArray[np.float64]:
        """(n, names + 1) log-probability of each name, and of none of them (nobody's appearance)."""
        return self._logs[: self._count]

    def add(
        self,
        tracklet: NDArray[np.int32],
        frame_idx: NDArray[np.int64],
        probabilities: NDArray[np.float32],
        corrected: NDArray[np.int16],
    ) -> None:
        """Take in instances (n,), sorted by frame, with their class probabilities (n, names).

        `corrected` holds the name that a person gave an instance, -1 for none. Neighboring frames are alike: the sum is
        divided by `appearance_window_frames`. An instance without probabilities says nothing.
        """
        if not len(tracklet):
            return
        self._grow(int(tracklet.max()) + 1)
        new, where = np.unique(tracklet[::-1], return_index=True)
        self._last[new] = frame_idx[::-1][where]
        new, where = np.unique(tracklet, return_index=True)
        fresh = self._frames[new] == 0
        self._first[new[fresh]] = frame_idx[where[fresh]]
        np.add.at(self._frames, tracklet, 1)
        np.add.at(self._logs, tracklet, self._score(probabilities, corrected))

    def _score(self, probabilities: NDArray[np.float32], corrected: NDArray[np.int16]) -> NDArray[np.float64]:
        nobody = max(self._config.naming.min_appearance, LEAST_PROBABILITY)
        known = ~np.isnan(probabilities).any(axis=1)
        logs = np.zeros((len(probabilities), self._names + 1))
        logs[known, :-1] = np.log(np.maximum(probabilities[known], LEAST_PROBABILITY))
        logs[known, -1] = np.log(nobody)
        given = np.flatnonzero(corrected >= 0)
        logs[given] = CORRECTION_FRAMES * np.log(LEAST_PROBABILITY)
        logs[given, corrected[given]] = 0
        return logs / self._config.naming.appearance_window_frames

    def _grow(self, count: int) -> None:
        if count > len(self._frames):
            more = max(2 * len(self._frames), count, 1024) - len(self._frames)
            nothing = np.zeros(more, np.int64)
            self._first, self._last, self._frames = (
                np.concatenate([values, nothing]) for values in (self._first, self._last, self._frames)
            )
            self._logs = np.concatenate([self._logs, np.zeros((more, self._names + 1))])
        self._count = max(self._count, count)
