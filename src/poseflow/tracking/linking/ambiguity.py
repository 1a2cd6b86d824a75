"""Ambiguous links: two animals might as well have changed places, or one is unlike its track."""

from array import array
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from poseflow.config import AmbiguityConfig, TrackingConfig
from poseflow.tracking.linking.matching import Gains
from poseflow.tracking.linking.pairs import far_px, is_distance

CALM_FRAMES = 5
"""Ambiguous links of a track at most so far apart are one."""

CUT_FRAMES = 10
"""Where links stay ambiguous, the tracklet is cut every so many frames."""

# Confidence of links; counted in synthetic cages, where the truth is known (benchmarks/identity.py).
CROSSED, CLEAR = 0.8, 0.99
"""Of a link against which nothing is gained, and of one which the settings just do not call ambiguous."""

JUMPED, RESUMED, REPLACED = 0.4, 0.7, 0.5
"""Of a link to an animal that jumped, that was hidden, and by nothing but being the only track left."""


@dataclass(slots=True)
class AmbiguousLink:
    """`track` may be another animal's from `frame` on."""

    frame: int
    kind: str
    """crossing, jump, hidden (found again), new (a track began)"""
    track: int
    other: int
    """The track that it may have changed places with, -1 for none."""
    confidence: float
    """How likely the track goes on with the same animal."""
    rows_before: int = 0
    """Of the track, before `frame`."""


@dataclass(slots=True)
class _Episode:
    """Ambiguous links of a track, close together."""

    worst: AmbiguousLink
    last: int
    cut: int
    confidence: float | None = None
    """The least since the last cut."""


@dataclass
class AmbiguityLog:
    """Watches links and says where tracklets are to be cut.

    Ambiguous links of a track that are close in time become one, at its worst frame.
    """

    config: TrackingConfig
    ambiguous: list[AmbiguousLink] = field(default_factory=list)
    rows: Counter[int] = field(default_factory=Counter)
    """Of each track, before the frame that is watched."""
    _open: dict[int, _Episode] = field(default_factory=dict)

    def watch(self, frame: int, gains: Gains, matched: list[int], sizes: list[float]) -> dict[int, float]:
        """Look at the links of a frame.

        Args:
            gains: of each instance by each track. matched: the tracks that were given.
            sizes: what a gain of 1 is for each instance.

        Returns: tracks whose tracklets are cut before this frame, and the confidence of the link across the cut.
        """
        ambiguous = find_ambiguous_links(frame, gains, matched, sizes, self.config)
        return self.note(frame, ambiguous, matched) if ambiguous or self._open else {}

    def note(self, frame: int, ambiguous: list[AmbiguousLink], tracks: list[int]) -> dict[int, float]:
        """Take in a frame's ambiguous links; `tracks` are those of the frame. Returns cuts as `watch`."""
        cuts: dict[int, float] = {}
        for link in ambiguous:
            link.rows_before = self.rows[link.track]
            episode = self._open.get(link.track)
            if episode is None:
                self._open[link.track] = _Episode(link, frame, frame)
                cuts[link.track] = link.confidence
                continue
            episode.last = frame
            episode.confidence = min(link.confidence, episode.confidence or 1)
            if link.confidence < episode.worst.confidence:
                episode.worst = link
        for track in tracks:
            episode = self._open.get(track)
            if episode is None:
                continue
            over = frame - episode.last > CALM_FRAMES
            if episode.confidence is not None and (over or frame - episode.cut >= CUT_FRAMES):
                cuts[track] = episode.confidence
                episode.cut, episode.confidence = frame, None
            if over:
                self.end(track)
        return cuts

    def end(self, track: int) -> None:
        """The track does not go on."""
        episode = self._open.pop(track, None)
        if episode is not None:
            self.ambiguous.append(episode.worst)

    def forget(self, open_tracks: Collection[int]) -> None:
        """Drop the ambiguous links so far, and what is known of tracks that do not go on."""
        self.ambiguous.clear()
        if len(self.rows) > 2 * len(open_tracks) + 16:
            self.rows = Counter({track: self.rows[track] for track in open_tracks})

    def close(self) -> list[AmbiguousLink]:
        """All ambiguous links in order of their frames; nothing comes after."""
        self.ambiguous += [episode.worst for episode in self._open.values()]
        self._open.clear()
        return sorted(self.ambiguous, key=lambda link: (link.frame, link.track))


def find_ambiguous_links(
    frame: int, gains: Gains, matched: list[int], sizes: list[float], config: TrackingConfig
) -> list[AmbiguousLink]:
    """The links of one frame that are ambiguous.

    Ambiguous are two animals that would gain nearly as much if they changed places, one of which a track or an instance
    without partner may be; and an animal that is too unlike its track. Tracks that are not among an instance's gains
    (an animal that was found again, a new one) are looked at elsewhere.
    """
    ambiguous = []
    settings = config.ambiguity
    for i, track in enumerate(matched):
        own = gains[i].get(track) if track >= 0 else None
        if own is None:
            continue
        least, other = _least_margin(i, gains, matched, sizes)
        if least < settings.min_margin:
            ambiguous.append(AmbiguousLink(frame, "crossing", track, other, _confidence_at(least, settings)))
        elif _similarity(own, sizes[i], config) < settings.min_similarity:
            ambiguous.append(AmbiguousLink(frame, "jump", track, -1, JUMPED))
    return ambiguous


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


def _confidence_at(margin: float, settings: AmbiguityConfig) -> float:
    return CROSSED + (CLEAR - CROSSED) * max(margin, 0) / settings.min_margin


def _similarity(gain: float, size: float, config: TrackingConfig) -> float:
    return 1 - (far_px(config) - gain) / size if is_distance(config) else gain


@dataclass
class Links:
    """Which tracklet goes on as which, by the tracklets' numbers; a few bytes for each."""

    before: "array[int]" = field(default_factory=lambda: array("q"))
    """The tracklet of the same track before it, -1 for a track's first."""
    confidence: "array[float]" = field(default_factory=lambda: array("d"))
    """How likely both are one animal."""
    track: "array[int]" = field(default_factory=lambda: array("q"))
    """The track it belongs to."""

    def add(self, before: int, confidence: float, track: int) -> int:
        """Number a new tracklet."""
        self.before.append(before)
        self.confidence.append(confidence)
        self.track.append(track)
        return len(self.before) - 1
