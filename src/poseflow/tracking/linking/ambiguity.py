"""Where a link is in doubt: two animals might as well have changed places, or one is unlike its track."""

from array import array
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from poseflow.config import DoubtConfig, TrackingConfig
from poseflow.tracking.linking.matching import Gains
from poseflow.tracking.linking.pairs import far_px, is_distance

CALM_FRAMES = 5
"""Doubts at most so far apart are one."""

CUT_FRAMES = 10
"""A doubt that lasts is cut into pieces of so many frames."""

# How sure links are; counted in synthetic cages, where the truth is known (benchmarks/identity.py).
CROSSED, SURE = 0.8, 0.99
"""Of a link against which nothing is gained, and of one which the settings just do not call doubtful."""

JUMPED, RESUMED, REPLACED = 0.4, 0.7, 0.5
"""Of a link to an animal that jumped, that was hidden, and by nothing but being the only track left."""


@dataclass(slots=True)
class Doubt:
    """One moment of doubt: `track` may be another animal's from `frame` on."""

    frame: int
    kind: str
    """crossing, jump, hidden (found again), new (a track began)"""
    track: int
    other: int
    """The track that it may have changed places with, -1 for none."""
    sure: float
    """How likely the track goes on with the same animal."""
    rows_before: int = 0
    """Of the track, before `frame`."""


@dataclass(slots=True)
class _Episode:
    """Doubts about a track, close together."""

    worst: Doubt
    last: int
    cut: int
    unsure: float | None = None
    """Of the doubts since the last cut."""


@dataclass
class DoubtLog:
    """Watches links and says where tracklets are to be cut.

    Doubts of a track that are close in time become one, at its worst frame.
    """

    config: TrackingConfig
    doubts: list[Doubt] = field(default_factory=list)
    rows: Counter[int] = field(default_factory=Counter)
    """Of each track, before the frame that is watched."""
    _open: dict[int, _Episode] = field(default_factory=dict)

    def watch(self, frame: int, gains: Gains, matched: list[int], sizes: list[float]) -> dict[int, float]:
        """Look at the links of a frame.

        Args:
            gains: of each instance by each track. matched: the tracks that were given.
            sizes: what a gain of 1 is for each instance.

        Returns: tracks whose tracklets are cut before this frame, and how sure the link across the cut is.
        """
        found = find_doubts(frame, gains, matched, sizes, self.config)
        return self.note(frame, found, matched) if found or self._open else {}

    def note(self, frame: int, found: list[Doubt], seen: list[int]) -> dict[int, float]:
        """Take in a frame's doubts; `seen` are its tracks. Returns cuts as `watch`."""
        cuts: dict[int, float] = {}
        for doubt in found:
            doubt.rows_before = self.rows[doubt.track]
            episode = self._open.get(doubt.track)
            if episode is None:
                self._open[doubt.track] = _Episode(doubt, frame, frame)
                cuts[doubt.track] = doubt.sure
                continue
            episode.last = frame
            episode.unsure = min(doubt.sure, episode.unsure or 1)
            if doubt.sure < episode.worst.sure:
                episode.worst = doubt
        for track in seen:
            episode = self._open.get(track)
            if episode is None:
                continue
            over = frame - episode.last > CALM_FRAMES
            if episode.unsure is not None and (over or frame - episode.cut >= CUT_FRAMES):
                cuts[track] = episode.unsure
                episode.cut, episode.unsure = frame, None
            if over:
                self.end(track)
        return cuts

    def end(self, track: int) -> None:
        """The track does not go on."""
        episode = self._open.pop(track, None)
        if episode is not None:
            self.doubts.append(episode.worst)

    def close(self) -> list[Doubt]:
        """All doubts in order of their frames; nothing comes after."""
        self.doubts += [episode.worst for episode in self._open.values()]
        self._open.clear()
        return sorted(self.doubts, key=lambda doubt: (doubt.frame, doubt.track))


def find_doubts(
    frame: int, gains: Gains, matched: list[int], sizes: list[float], config: TrackingConfig
) -> list[Doubt]:
    """The links of one frame that are in doubt.

    Doubtful are two animals that would gain nearly as much if they changed places, one of which a track or an instance
    without partner may be; and an animal that is too unlike its track. Tracks that are not among an instance's gains
    (an animal that was found again, a new one) are looked at elsewhere.
    """
    doubts = []
    settings = config.doubt
    for i, track in enumerate(matched):
        own = gains[i].get(track) if track >= 0 else None
        if own is None:
            continue
        least, other = _least_margin(i, gains, matched, sizes)
        if least < settings.min_margin:
            doubts.append(Doubt(frame, "crossing", track, other, _sureness(least, settings)))
        elif _similarity(own, sizes[i], config) < settings.min_similarity:
            doubts.append(Doubt(frame, "jump", track, -1, JUMPED))
    return doubts


def _least_margin(i: int, gains: Gains, matched: list[int], sizes: list[float]) -> tuple[float, int]:
    """The least that is gained against a change of places between instance i and another, and with which track."""
    track, row = matched[i], gains[i]
    own = row[track]
    least, rival = np.inf, -1
    for j, other in enumerate(matched):
        theirs = gains[j].get(track)
        if j == i or theirs is None:
            continue
        margin = own - theirs
        if other >= 0:
            crossed, straight = row.get(other), gains[j].get(other)
            if crossed is None or straight is None:
                continue
            margin += straight - crossed
        if margin / sizes[i] < least:
            least, rival = margin / sizes[i], other
    for other, gain in row.items():
        if other not in matched and (own - gain) / sizes[i] < least:
            least, rival = (own - gain) / sizes[i], other
    return least, rival


def _sureness(margin: float, settings: DoubtConfig) -> float:
    return CROSSED + (SURE - CROSSED) * max(margin, 0) / settings.min_margin


def _similarity(gain: float, size: float, config: TrackingConfig) -> float:
    return 1 - (far_px(config) - gain) / size if is_distance(config) else gain


@dataclass
class Links:
    """Which tracklet goes on as which, by the tracklets' numbers; a few bytes for each."""

    before: "array[int]" = field(default_factory=lambda: array("q"))
    """The tracklet of the same track before it, -1 for a track's first."""
    sure: "array[float]" = field(default_factory=lambda: array("d"))
    """How likely both are one animal."""
    track: "array[int]" = field(default_factory=lambda: array("q"))
    """The track it belongs to."""

    def add(self, before: int, sure: float, track: int) -> int:
        """Number a new tracklet."""
        self.before.append(before)
        self.sure.append(sure)
        self.track.append(track)
        return len(self.before) - 1
