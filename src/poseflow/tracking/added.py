"""Tracks and names of animals that a person added: the predictions do not have them, so that no link leads to them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseflow.core.similarity import find_centroids
from poseflow.corrections import AddedAnimal, ListedClaim
from poseflow.corrections.attach import find_reach
from poseflow.exchange.slp import name_track, number_of
from poseflow.tables import Tracks, read_instances

NEAR_FRAMES = 25
"""A track that is missing where an animal was added is sought so many frames before and after."""


@dataclass(frozen=True)
class PlacedAnimal:
    """An added animal under its track."""

    claim: str
    """Id of the claim that adds it."""
    video: str
    frame: int
    track: int
    identity: str | None
    identity_score: float | None

    def as_note(self) -> dict[str, Any]:
        """As JSON, for the tracks table's metadata."""
        return vars(self)


@dataclass(frozen=True, eq=False)
class _Seen:
    """Where a track is, in the recording's frames."""

    frame: int
    track: int
    center: NDArray[np.floating[Any]]
    name: str | None
    score: float


class AddedAnimals:
    """Finds the tracks of added animals, while the tracks of all others go by.

    An animal continues the track that it was said to be, by its number or by where it was; else the nearest, within a
    body length, of those that are near in time and missing in its own frame; else a new one. Memory grows with the
    added animals alone.

    Args:
        added: of each video, with the frame of the recording at which the video begins.
    """

    def __init__(self, added: Mapping[str, tuple[int, Sequence[AddedAnimal]]]) -> None:
        self._added = {video: own for video, own in added.items() if own[1]}
        self._frames = np.array(sorted({start + one.frame for start, own in added.values() for one in own}), np.int64)
        self._before = {one.before for _, own in self._added.values() for one in own if one.before is not None}
        self._starts: dict[str, int] = {}
        self._parts: dict[str, list[Tracks]] = {}
        self._tracks: dict[tuple[str, int], int] = {}

    @property
    def names(self) -> list[str]:
        """That were given to them."""
        given = [one.name for _, own in self._added.values() for one in own if one.name is not None]
        return [name for name in dict.fromkeys(given) if number_of(name) is None]

    def watch(self, video: str, start: int, part: Tracks) -> None:
        """Keep what is near the added animals of some rows, under their final tracks; the video begins at `start`."""
        if not self._added or not len(part):
            return
        self._starts[video] = start
        frames = part.frame_idx + start
        begin = np.searchsorted(self._frames, frames - NEAR_FRAMES)
        stop = np.searchsorted(self._frames, frames + NEAR_FRAMES, side="right")
        wanted = [row for name, row in self._before if name == video]
        is_wanted = np.isin(part.row, wanted)
        for row, track in zip(part.row[is_wanted].tolist(), part.track[is_wanted].tolist(), strict=True):
            self._tracks[video, row] = track
        kept = stop > begin
        if kept.any():
            columns = ("row", "frame_idx", "tracklet", "track", "identity_code", "identity_score")
            own = {name: getattr(part, name)[kept] for name in columns}
            self._parts.setdefault(video, []).append(Tracks(**own, identity_names=part.identity_names))

    def place(
        self, files: Mapping[str, Sequence[Path]], tracks: int, names: Collection[str]
    ) -> tuple[list[PlacedAnimal], list[ListedClaim]]:
        """Give each added animal its track, and its name where one was given or its track has one there.

        Args:
            files: shards of each video. tracks: how many tracks there are. names: that may be given.

        Returns: the animals; and claims whose names are not given, since they are unknown or another animal's there.
        """
        seen: dict[int, list[_Seen]] = {}
        for video, parts in self._parts.items():
            for part in parts:
                found = read_instances(list(files[video]), part.row)
                centers = find_centroids(found.points)
                for place, frame in enumerate((part.frame_idx + self._starts[video]).tolist()):
                    name, score = part.identity[place], float(part.identity_score[place])
                    seen.setdefault(frame, []).append(_Seen(frame, int(part.track[place]), centers[place], name, score))
        placed, nameless = [], []
        for video, (start, added) in self._added.items():
            for one in sorted(added, key=lambda one: one.frame):
                frame = start + one.frame
                track = self._find_track(one, frame, seen)
                track = tracks if track is None else track
                tracks = max(tracks, track + 1)
                name, score = self._find_name(one, track, frame, seen, names)
                if one.name not in (None, name, name_track(None, track)):
                    reason = f"{one.name} is another animal's name or track in this frame, or unknown to the models"
                    nameless.append(ListedClaim(one.claim, "orphan", reason))
                center = find_centroids(one.points)
                seen.setdefault(frame, []).append(_Seen(frame, track, center, name, score))
                known = None if name is None else score
                placed.append(PlacedAnimal(one.claim.id, video, one.frame, track, name, known))
        return placed, nameless

    def _find_track(self, one: AddedAnimal, frame: int, seen: Mapping[int, Sequence[_Seen]]) -> int | None:
        present = {other.track for other in seen.get(frame, ())}
        said = self._tracks.get(one.before) if one.before is not None else None
        if one.name is not None and (number := number_of(one.name)) is not None:
            said = number
        if said is not None and said not in present:
            return said
        center, length = find_centroids(one.points), 2 * float(find_reach(one.points[None])[0])
        best: tuple[float, int] | None = None
        for step in range(1, NEAR_FRAMES + 1):
            for other in (*seen.get(frame - step, ()), *seen.get(frame + step, ())):
                distance = float(np.linalg.norm(other.center - center))
                if other.track not in present and distance < length and (best is None or distance < best[0]):
                    best = (distance, other.track)
            if best is not None:  # who was there a moment ago goes before who was nearer, but long ago
                return best[1]
        return None

    @staticmethod
    def _find_name(
        one: AddedAnimal, track: int, frame: int, seen: Mapping[int, Sequence[_Seen]], names: Collection[str]
    ) -> tuple[str | None, float]:
        taken = {other.name for other in seen.get(frame, ())}
        if one.name is not None and number_of(one.name) is None:
            return (one.name, 1.0) if one.name in names and one.name not in taken else (None, np.nan)
        for step in range(1, NEAR_FRAMES + 1):
            for other in (*seen.get(frame - step, ()), *seen.get(frame + step, ())):
                if other.track == track and other.name is not None and other.name not in taken:
                    return other.name, other.score
        return None, np.nan
