"""Names that a person gives tracks, where no network tells the animals apart."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np
from numpy.typing import NDArray

from poseflow.tables import Tracks


@dataclass(frozen=True)
class GivenName:
    """In this frame, that track is the animal of this name."""

    frame: int
    track: int
    name: str


class Bearers:
    """Which track bears which name when.

    A name holds for its track from the frame on in which it was given, until another is given to the track, or the name
    to another track: two animals never have the same one. The first name of a track, given for the first time, holds
    for the track's beginning too: to rename a track is to name all of it.

    Args:
        given_names: in order of their frames. finals: the final number of each track.
    """

    def __init__(self, given_names: Sequence[GivenName], finals: NDArray[np.int32]) -> None:
        self.names = tuple(dict.fromkeys(given.name for given in given_names))
        self._spans: list[tuple[int, float, float, int]] = []
        """(track, first frame, the one after the last, place of the name)"""
        now: dict[int, tuple[float, str]] = {}
        known: set[str] = set()
        for given in given_names:
            track = int(finals[given.track])
            is_first = track not in now and given.name not in known
            for other in [number for number, (_, name) in now.items() if number == track or name == given.name]:
                begin, name = now.pop(other)
                self._spans.append((other, begin, given.frame, self.names.index(name)))
            now[track] = (-inf if is_first else given.frame, given.name)
            known.add(given.name)
        self._spans += [(track, begin, inf, self.names.index(name)) for track, (begin, name) in now.items()]

    def name(self, part: Tracks) -> Tracks:
        """Rows, under the tracks' final numbers, with the names that these bear."""
        code = np.full(len(part.row), -1, np.int16)
        for track, begin, stop, name in self._spans:
            code[(part.track == track) & (part.frame_idx >= begin) & (part.frame_idx < stop)] = name
        score = np.where(code >= 0, 1, np.nan).astype(np.float32)
        return replace(part, identity_code=code, identity_score=score, identity_names=self.names)
