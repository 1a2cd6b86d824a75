"""Corrected frames: all animals of a frame in which a person corrected poses, as truth to train on.

They are known by the claims alone, which hold all animals of their frame as they were shown: what a person saw and left
as it was is right, too. Claims of names and tracks say nothing of points, and an absence along a path is not looked at
frame by frame: neither makes a frame one to train on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseflow.corrections.claims import (
    AbsenceClaim,
    AnimalClaim,
    AnyClaim,
    NameClaim,
    PointsClaim,
    Retraction,
    find_standing,
    place_of,
)
from poseflow.corrections.standing import follow_in_frame


@dataclass(frozen=True, eq=False)
class CorrectedFrame:
    """The animals of a frame as a person says that they are."""

    video: str
    frame: int
    nodes: Sequence[str]
    points: NDArray[np.float64]
    """(animals, nodes, 2), NaN where a node is not seen; none where the person deleted all"""
    names: Sequence[str | None]
    """(animals,), None where the person says none"""


def find_corrected_frames(claims: Iterable[AnyClaim]) -> list[CorrectedFrame]:
    """Frames of which a person corrected the poses, in order; claims that are taken back count for nothing."""
    in_frame: dict[tuple[str, int], list[AnyClaim]] = {}
    for claim in find_standing(claims):
        if isinstance(claim, PointsClaim | AnimalClaim | NameClaim) or (
            isinstance(claim, AbsenceClaim) and not claim.path
        ):
            in_frame.setdefault((claim.where.video, claim.where.frame), []).append(claim)
    found = []
    for (video, frame), own in sorted(in_frame.items()):
        shown = [claim.where for claim in own if isinstance(claim, PointsClaim | AnimalClaim | AbsenceClaim)]
        if shown:
            points, names = follow_in_frame(shown[-1], own)
            found.append(CorrectedFrame(video, frame, shown[-1].nodes, points, names))
    return found


def describe_frames(frames: Iterable[CorrectedFrame]) -> list[object]:
    """What frames say, as JSON: the same truth, the same text, whoever said it when, wherever the videos lie."""
    return [
        [
            one.video,
            one.frame,
            list(one.nodes),
            [[None if np.isnan(point).any() else point.round(3).tolist() for point in pose] for pose in one.points],
            list(one.names),
        ]
        for one in frames
    ]


def find_sources(files: Sequence[Sequence[AnyClaim]], frames: Iterable[CorrectedFrame]) -> list[int]:
    """Places of the files whose claims say something of corrected frames that the files before them do not say."""
    places = {(one.video, one.frame) for one in frames}
    every = [claim for claims in files for claim in claims]
    about = {claim.id for claim in every if place_of(claim) in places}
    more = {claim.id for claim in every if isinstance(claim, Retraction) and claim.retracts in about}
    while not more <= about:  # retractions of retractions
        about |= more
        more = {claim.id for claim in every if isinstance(claim, Retraction) and claim.retracts in about}
    found: list[int] = []
    known: set[str] = set()
    for place, claims in enumerate(files):
        own = {claim.id for claim in claims} & about
        if own - known:
            found.append(place)
        known |= own
    return found
