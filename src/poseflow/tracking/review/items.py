"""Moments at which a person should look, the greatest likely damage first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseflow.tracking.linking.ambiguity import CUT_FRAMES, Doubt

NEAR_FRAMES = 25
"""Moments so close together are one: who looks at it sees all animals."""

SURE_NAME = 0.99
"""From this probability on, a name is in no doubt."""


@dataclass(frozen=True)
class Moment:
    """A frame from which on animals may be mistaken."""

    frame: int
    kind: str
    """crossing, jump, hidden, new: as of a link (`Doubt`); looks: nothing but the animals' looks gives cause"""
    tracks: tuple[int, ...]
    codes: tuple[int, ...]
    """Names that these have from there on, -1 for none; empty where nobody is named by tracklets."""
    sure: float
    """How likely all is right."""
    frames: int
    """Animal-frames that are wrong if it is not: rows, so that what was not recorded is none."""
    damage: float
    """Expected number of wrong animal-frames, at most `frames`."""


def find_moments_of_tracks(doubts: Sequence[Doubt], rows: Mapping[int, int]) -> list[Moment]:
    """From doubtful links alone: a mistake lasts to the end of the track.

    Doubts that are close together are one moment. What it puts at stake of a track are the rows from the first doubt
    on, once, however many doubts follow; and it is right if it is right at each of them.

    Args:
        doubts: in order of their frames.
        rows: of each track, the whole number.
    """

    def risk(doubt: Doubt) -> float:
        return (1 - doubt.sure) * (rows[doubt.track] - doubt.rows_before)

    groups: list[tuple[Doubt, list[Doubt]]] = []
    for doubt in doubts:
        if groups and doubt.frame - groups[-1][0].frame <= NEAR_FRAMES:
            worst, group = groups[-1]
            groups[-1] = (max(worst, doubt, key=risk), [*group, doubt])
        else:
            groups.append((doubt, [doubt]))
    moments = []
    for worst, group in groups:
        at_stake: dict[int, int] = {}
        right: dict[int, float] = {}
        for doubt in group:
            at_stake.setdefault(doubt.track, rows[doubt.track] - doubt.rows_before)
            right[doubt.track] = right.get(doubt.track, 1.0) * doubt.sure
        others = {doubt.other for doubt in group if doubt.other >= 0}
        tracks = tuple(sorted(others | at_stake.keys()))
        damage = sum((1 - right[track]) * frames for track, frames in at_stake.items())
        least = min(doubt.sure for doubt in group)
        moments.append(Moment(worst.frame, worst.kind, tracks, (), least, sum(at_stake.values()), damage))
    return _sort(moments)


def find_moments_of_names(
    first: NDArray[np.int64],
    frames: NDArray[np.int64],
    before: NDArray[np.int64],
    track: NDArray[np.int32],
    codes: NDArray[np.int16],
    probable: NDArray[np.float64],
    doubts: Sequence[Doubt],
) -> list[Moment]:
    """From the names of tracklets: where a name becomes doubtful, until it is sure again.

    Args:
        first: (n,) first frame of each tracklet, ascending. frames: (n,) its length.
        before: (n,) the tracklet that it continues, -1 for none. track: (n,) its track.
        codes: (n,) its name, and `probable`, (n,), the probability of that.
        doubts: of links, for the kind.
    """
    weak = probable < SURE_NAME
    kinds = _Kinds(doubts)
    where: dict[int, int] = {}
    moments: list[Moment] = []
    for number in np.flatnonzero(weak).tolist():
        sure, length = float(probable[number]), int(frames[number])
        damage = (1 - sure) * length
        place = where.get(int(before[number]), -1)
        where[number] = place if place >= 0 else len(moments)
        if place >= 0:
            begun = moments[place]
            moments[place] = Moment(
                begun.frame,
                begun.kind,
                begun.tracks,
                begun.codes,
                min(begun.sure, sure),
                begun.frames + length,
                begun.damage + damage,
            )
        else:
            frame, own = int(first[number]), int(track[number])
            moments.append(Moment(frame, kinds.near(own, frame), (own,), (int(codes[number]),), sure, length, damage))
    return _rank(moments)


class _Kinds:
    """Kinds of doubtful links by track and time."""

    def __init__(self, doubts: Sequence[Doubt]) -> None:
        self._kinds = {(doubt.track, doubt.frame // CUT_FRAMES): doubt.kind for doubt in doubts}

    def near(self, track: int, frame: int) -> str:
        place = frame // CUT_FRAMES
        found = (self._kinds.get((track, place + step)) for step in (0, -1, 1))
        return next((kind for kind in found if kind), "looks")


def _rank(moments: list[Moment]) -> list[Moment]:
    """Join what is close together, and sort by damage."""
    joined: list[Moment] = []
    for moment in sorted(moments, key=lambda moment: (moment.frame, moment.tracks)):
        if joined and moment.frame - joined[-1].frame <= NEAR_FRAMES:
            joined[-1] = _join(joined[-1], moment)
        else:
            joined.append(moment)
    return _sort(joined)


def _sort(moments: list[Moment]) -> list[Moment]:
    return sorted(moments, key=lambda moment: (-moment.damage, moment.frame))


def _join(a: Moment, b: Moment) -> Moment:
    """One moment of two, at the worse one's frame; their tracklets are not the same, and so are not their frames."""
    worse = b if b.damage > a.damage else a
    codes = dict(zip(a.tracks, a.codes, strict=False)) | dict(zip(b.tracks, b.codes, strict=False))
    tracks = tuple(sorted({*a.tracks, *b.tracks}))
    return Moment(
        worse.frame,
        worse.kind,
        tracks,
        tuple(codes[track] for track in tracks),
        min(a.sure, b.sure),
        a.frames + b.frames,
        a.damage + b.damage,
    )
