"""Review items: frames at which a person should look, the most expected errors first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseflow.tracking.linking.ambiguity import CUT_FRAMES, AmbiguousLink

NEAR_FRAMES = 25
"""Items so close together are one: who looks at it sees all animals."""

CERTAIN_NAME = 0.99
"""From this probability on, a name is certain."""


@dataclass(frozen=True)
class ReviewItem:
    """A frame from which on animals may be mistaken."""

    frame: int
    kind: str
    """crossing, jump, hidden, new: of an `AmbiguousLink`; appearance: nothing but its appearance gives cause"""
    tracks: tuple[int, ...]
    codes: tuple[int, ...]
    """Names that these have from there on, -1 for none; empty where nobody is named by tracklets."""
    confidence: float
    """How likely all is right."""
    frames: int
    """Animal-frames that are wrong if it is not: rows, so that what was not recorded is none."""
    expected_errors: float
    """Expected number of wrong animal-frames, at most `frames`."""


def find_items_of_tracks(ambiguous: Sequence[AmbiguousLink], rows: Mapping[int, int]) -> list[ReviewItem]:
    """From ambiguous links alone: a mistake lasts to the end of the track.

    Links that are close together are one item. What it puts at stake of a track are the rows from the first link on,
    once, however many follow; and it is right if it is right at each of them.

    Args:
        ambiguous: in order of their frames.
        rows: of each track, the whole number.
    """

    def risk(link: AmbiguousLink) -> float:
        return (1 - link.confidence) * (rows[link.track] - link.rows_before)

    groups: list[tuple[AmbiguousLink, list[AmbiguousLink]]] = []
    for link in ambiguous:
        if groups and link.frame - groups[-1][0].frame <= NEAR_FRAMES:
            worst, group = groups[-1]
            groups[-1] = (max(worst, link, key=risk), [*group, link])
        else:
            groups.append((link, [link]))
    items = []
    for worst, group in groups:
        at_stake: dict[int, int] = {}
        right: dict[int, float] = {}
        for link in group:
            at_stake.setdefault(link.track, rows[link.track] - link.rows_before)
            right[link.track] = right.get(link.track, 1.0) * link.confidence
        others = {link.other for link in group if link.other >= 0}
        tracks = tuple(sorted(others | at_stake.keys()))
        expected_errors = sum((1 - right[track]) * frames for track, frames in at_stake.items())
        least = min(link.confidence for link in group)
        items.append(ReviewItem(worst.frame, worst.kind, tracks, (), least, sum(at_stake.values()), expected_errors))
    return _sort(items)


def find_items_of_names(
    first: NDArray[np.int64],
    frames: NDArray[np.int64],
    before: NDArray[np.int64],
    track: NDArray[np.int32],
    codes: NDArray[np.int16],
    probable: NDArray[np.float64],
    ambiguous: Sequence[AmbiguousLink],
) -> list[ReviewItem]:
    """From the names of tracklets: where a name becomes uncertain, until it is certain again.

    Args:
        first: (n,) first frame of each tracklet, ascending. frames: (n,) its length.
        before: (n,) the tracklet that it continues, -1 for none. track: (n,) its track.
        codes: (n,) its name, and `probable`, (n,), the probability of that.
        ambiguous: links, for the kind.
    """
    weak = probable < CERTAIN_NAME
    kinds = _Kinds(ambiguous)
    item_of: dict[int, int] = {}
    items: list[ReviewItem] = []
    for number in np.flatnonzero(weak).tolist():
        confidence, length = float(probable[number]), int(frames[number])
        expected_errors = (1 - confidence) * length
        position = item_of.get(int(before[number]), -1)
        item_of[number] = position if position >= 0 else len(items)
        if position >= 0:
            begun = items[position]
            items[position] = ReviewItem(
                begun.frame,
                begun.kind,
                begun.tracks,
                begun.codes,
                min(begun.confidence, confidence),
                begun.frames + length,
                begun.expected_errors + expected_errors,
            )
        else:
            frame, own = int(first[number]), int(track[number])
            items.append(
                ReviewItem(
                    frame, kinds.near(own, frame), (own,), (int(codes[number]),), confidence, length, expected_errors
                )
            )
    return _rank(items)


class _Kinds:
    """Kinds of ambiguous links by track and time."""

    def __init__(self, ambiguous: Sequence[AmbiguousLink]) -> None:
        self._kinds = {(link.track, link.frame // CUT_FRAMES): link.kind for link in ambiguous}

    def near(self, track: int, frame: int) -> str:
        position = frame // CUT_FRAMES
        kinds = (self._kinds.get((track, position + step)) for step in (0, -1, 1))
        return next((kind for kind in kinds if kind), "appearance")


def _rank(items: list[ReviewItem]) -> list[ReviewItem]:
    """Join what is close together, and sort by expected errors."""
    joined: list[ReviewItem] = []
    for item in sorted(items, key=lambda item: (item.frame, item.tracks)):
        if joined and item.frame - joined[-1].frame <= NEAR_FRAMES:
            joined[-1] = _join(joined[-1], item)
        else:
            joined.append(item)
    return _sort(joined)


def _sort(items: list[ReviewItem]) -> list[ReviewItem]:
    return sorted(items, key=lambda item: (-item.expected_errors, item.frame))


def _join(a: ReviewItem, b: ReviewItem) -> ReviewItem:
    """One item of two, at the worse one's frame; their tracklets are not the same, and so are not their frames."""
    worse = b if b.expected_errors > a.expected_errors else a
    codes = dict(zip(a.tracks, a.codes, strict=False)) | dict(zip(b.tracks, b.codes, strict=False))
    tracks = tuple(sorted({*a.tracks, *b.tracks}))
    return ReviewItem(
        worse.frame,
        worse.kind,
        tracks,
        tuple(codes[track] for track in tracks),
        min(a.confidence, b.confidence),
        a.frames + b.frames,
        a.expected_errors + b.expected_errors,
    )
