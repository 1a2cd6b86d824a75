"""What claims mean for a recording's predictions as they are now: rows that are changed, animals that are added."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseflow.core.similarity import find_centroids
from poseflow.corrections.attach import NOBODY, attach, find_reach
from poseflow.corrections.claims import (
    AbsenceClaim,
    AnimalClaim,
    AnyClaim,
    ContinuationClaim,
    NameClaim,
    PointsClaim,
    Retraction,
    ReviewedClaim,
    Sighting,
    find_standing,
    place_of,
    to_points,
)
from poseflow.tables import describe_predictions, find_rows, in_ranges, read_instances
from poseflow.tables.ranges import Ranges

BLOCK_FRAMES = 20_000
"""Frames of a path that are looked through at once."""

SAME_PX = 0.01
"""Points so near say the same."""


@dataclass(frozen=True, eq=False)
class Edit:
    """The pose of an animal as a person has changed or added it."""

    frame: int
    points: NDArray[np.float64]
    """(nodes, 2) of all nodes"""
    edited: NDArray[np.bool_]
    """(nodes,), those that the person set"""


@dataclass(frozen=True, eq=False)
class AddedAnimal(Edit):
    """An animal that the predictions do not have."""

    claim: AnimalClaim
    name: str | None
    before: tuple[str, int] | None
    """Video and row of what it is in an earlier frame, where that was said."""


@dataclass(frozen=True)
class VideoEdits:
    """What claims mean for one video; rows are those of its whole predictions table."""

    edits: dict[int, Edit] = field(default_factory=dict)
    """By row."""
    added: list[AddedAnimal] = field(default_factory=list)
    removed: set[int] = field(default_factory=set)
    """Rows that are no animals."""
    names: dict[int, tuple[int, str]] = field(default_factory=dict)
    """Row → frame, and name from there on."""
    continued: dict[int, tuple[int, str, int]] = field(default_factory=dict)
    """Row → frame, and video and row of what it is in an earlier frame."""
    reviewed: set[int] = field(default_factory=set)
    """Frames that a person has found right."""
    claim_of: dict[int, AnyClaim] = field(default_factory=dict)
    """Row → the last claim about it."""

    @property
    def kept(self) -> set[int]:
        """Rows of which a person says something: they are animals, whatever their scores."""
        return {*self.edits, *self.names, *self.continued}


@dataclass(frozen=True)
class ListedClaim:
    """A claim that does not hold, for a person to look at."""

    claim: AnyClaim
    kind: str
    """orphan: it finds no animal, or several; superseded: a later one says otherwise."""
    reason: str
    by: str = ""
    """Id of the later one."""


@dataclass(frozen=True)
class Standing:
    """What all claims of a recording mean for it now."""

    videos: Mapping[str, VideoEdits]
    listed: Sequence[ListedClaim] = ()


@dataclass(frozen=True, eq=False)
class ShownFrames:
    """The animals of some neighboring frames of a video, as predicted."""

    range: tuple[int, int]
    """First frame, and the one behind the last."""
    nodes: Sequence[str]
    rows: NDArray[np.int64]
    """(n,) by which they are called in what is found."""
    frame_idx: NDArray[np.int64]
    """(n,)"""
    points: NDArray[np.floating]
    """(n, nodes, 2)"""


def find_edits(claims: Iterable[AnyClaim], predictions: Mapping[str, Sequence[Path]]) -> Standing:
    """Find what claims are about, and which of them hold.

    They are taken by time, whatever their order here: of two that contradict each other the later holds, and the
    earlier is listed. So is one that finds no animal, or several. An absence that finds none holds already.

    Args:
        claims: of the recording, retractions too. predictions: shards of each of its videos.

    Reads the rows of the claims' frames only, and those along paths block by block.
    """
    standing = find_standing(claims)
    frames: dict[str, set[int]] = {}
    for claim in standing:
        for video, frame in _single_frames(claim):
            frames.setdefault(video, set()).add(frame)
    about = {place[0] for claim in standing if (place := place_of(claim)) is not None}
    videos = {
        video: _Video.read(paths, frames.get(video, ())) for video, paths in predictions.items() if video in about
    }
    work = _Work(videos)
    for claim in standing:
        work.take(claim)
    return work.finish()


def _reach_of(claim: AnyClaim) -> tuple[int, int]:
    """First and last frame that a claim is about."""
    if isinstance(claim, AbsenceClaim) and claim.path:
        return claim.path[0][0], claim.path[-1][0]
    _, frame = place_of(claim) or ("", -1)
    return frame, frame


def follow_in_frame(shown: Sighting, claims: Iterable[AnyClaim]) -> tuple[NDArray[np.float64], list[str | None]]:
    """What claims of one frame make of the animals that were shown there, by their order.

    Returns: (animals, nodes, 2) of `shown`'s nodes, NaN where one is not seen; and the names that are given.
    """
    start = [_Animal(place, points) for place, points in enumerate(shown.points)]
    video = _Video(shown.nodes, ((shown.frame, shown.frame + 1),), {shown.frame: start})
    work = _Work({shown.video: video})
    for claim in claims:
        work.take(claim)
    left = [animal for animal in video.animals[shown.frame] if animal.gone is None]
    points = np.array([animal.points for animal in left]).reshape(-1, len(shown.nodes), 2)
    return points, [animal.name.name if animal.name else None for animal in left]


def find_edits_in(shown: Mapping[str, ShownFrames], claims: Iterable[AnyClaim]) -> Standing:
    """What claims mean for some frames that are at hand, without reading any table; otherwise as `find_edits`.

    Of claims about other frames nothing is said, and a continuation is followed where both its frames are at hand.
    """
    videos = {}
    for video, frames in shown.items():
        animals: dict[int, list[_Animal]] = {frame: [] for frame in range(*frames.range)}
        for row, frame, points in zip(frames.rows.tolist(), frames.frame_idx.tolist(), frames.points, strict=True):
            animals[frame].append(_Animal(row, points.astype(np.float64)))
        videos[video] = _Video(frames.nodes, (frames.range,), animals)
    work = _Work(videos)
    for claim in find_standing(claims):
        first, last = _reach_of(claim)
        place = place_of(claim)
        own = shown.get(place[0]) if place is not None else None
        if own is not None and first < own.range[1] and last >= own.range[0]:
            work.take(claim)
    return work.finish()


class _Animal:
    """An animal of a frame and what has been claimed of it so far."""

    def __init__(self, row: int | None, points: NDArray[np.float64], born: AnimalClaim | None = None) -> None:
        self.row, self.born = row, born
        self.predicted, self.points = points, points.copy()
        self.set_by: dict[int, AnyClaim] = {}
        self.gone: AbsenceClaim | None = None
        self.name: NameClaim | None = None
        self.continues: ContinuationClaim | None = None
        self.before: tuple[str, int] | None = None
        self.last: AnyClaim | None = born

    @property
    def forms(self) -> NDArray[np.float64]:
        """(2, nodes, 2): as predicted, and as it is now."""
        return np.stack([self.predicted, self.points])

    @property
    def claims(self) -> list[AnyClaim]:
        """Those that hold of it."""
        found = [self.born, *self.set_by.values(), self.name, self.continues]
        return list({claim.id: claim for claim in found if claim is not None}.values())


@dataclass(eq=False)
class _Video:
    """A video in the frames that single claims are about."""

    nodes: Sequence[str]
    frames: Ranges
    """That were read."""
    animals: dict[int, list[_Animal]]
    """Of each frame."""
    paths: Sequence[Path] = ()
    content: str | None = None
    removed: set[int] = field(default_factory=set)

    @classmethod
    def read(cls, paths: Sequence[Path], frames: Iterable[int]) -> "_Video":
        """From its predictions."""
        note = describe_predictions(list(paths))
        inputs = note.metadata.get("made_by", {}).get("predict", {}).get("inputs", {})
        content = inputs.get("recording", {}).get("fingerprint")
        animals: dict[int, list[_Animal]] = {frame: [] for frame in frames}
        wanted = np.array(sorted(animals), np.int64)
        rows = find_rows(list(paths), wanted) if len(wanted) else np.empty(0, np.int64)
        found = read_instances(list(paths), rows)
        for row, frame, points in zip(rows.tolist(), found.frame_idx.tolist(), found.points, strict=True):
            animals[frame].append(_Animal(row, points.astype(np.float64)))
        return cls(note.skeleton.nodes, note.frames, animals, list(paths), content)

    def fits(self, sighting: Sighting) -> str | None:
        """What is wrong with a sighting in this video; None where nothing is."""
        if sighting.content and self.content and sighting.content != self.content:
            return "the video has been replaced by another since"
        if not in_ranges(np.array([sighting.frame]), self.frames).all():
            return "the frame is not among those that were read"
        if not set(sighting.nodes) & set(self.nodes):
            return f"the animals have other nodes now ({', '.join(self.nodes)})"
        return None

    def suit(self, sighting: Sighting) -> Sighting:
        """The sighting with the nodes of the predictions."""
        if tuple(sighting.nodes) == tuple(self.nodes):
            return sighting
        place = [sighting.nodes.index(node) if node in sighting.nodes else -1 for node in self.nodes]
        points = np.concatenate([sighting.points, np.full((len(sighting.animals), 1, 2), np.nan)], axis=1)[:, place]
        return Sighting.of(sighting.video, sighting.frame, self.nodes, points, sighting.animal)


class _Work:
    def __init__(self, videos: Mapping[str, _Video]) -> None:
        self.videos = videos
        self.reviewed: dict[str, set[int]] = {}
        self.listed: list[ListedClaim] = []

    def take(self, claim: AnyClaim) -> None:
        """Note what a claim means, after all earlier ones."""
        if isinstance(claim, Retraction):
            return
        if isinstance(claim, ReviewedClaim):
            self.reviewed.setdefault(claim.video, set()).add(claim.frame)
            return
        video = self.videos.get(claim.where.video)
        fault = f"the recording has no video {claim.where.video}" if video is None else video.fits(claim.where)
        if video is None or fault:
            self._list(claim, fault or "")
        elif isinstance(claim, AbsenceClaim) and claim.path:
            self._clear_path(video, claim)
        else:
            self._take_in_frame(video, claim)

    def _take_in_frame(self, video: _Video, claim: Any) -> None:
        sighting = video.suit(claim.where)
        animals = video.animals[sighting.frame]
        is_added = isinstance(claim, AnimalClaim)
        pose = to_points(claim.points, video.nodes) if is_added else None
        place = attach(sighting, pose, [animal.forms for animal in animals])
        if place >= 0:
            self._apply(video, animals, animals[place], claim)
        elif place != NOBODY:
            self._list(claim, "several animals are as near to where it was seen")
        elif pose is not None:
            if np.isnan(pose).all():
                self._list(claim, "it has no node that the animals have now")
                return
            animals.append(_Animal(None, pose, claim))
            animals[-1].set_by = dict.fromkeys(_nodes_of(claim.points, video), claim)
            animals[-1].before = self._find_before(claim)
            if claim.name is not None:
                self._name(animals, animals[-1], _named(claim, claim.name))
        elif not isinstance(claim, AbsenceClaim):
            self._list(claim, "no animal is where it was seen")

    def _apply(self, video: _Video, animals: list[_Animal], animal: _Animal, claim: Any) -> None:
        if isinstance(claim, AbsenceClaim):
            for earlier in animal.claims:
                self._supersede(earlier, claim, "that no animal is there")
            animal.gone, animal.last = claim, claim
            animal.set_by, animal.points, animal.name, animal.continues = {}, animal.predicted.copy(), None, None
            return
        if animal.gone is not None:
            self._supersede(animal.gone, claim, "that an animal is there")
            animal.gone = None
            if animal.born is not None:
                animal.set_by = dict.fromkeys(_nodes_of(animal.born.points, video), animal.born)
        animal.last = claim
        if isinstance(claim, PointsClaim | AnimalClaim):
            for node in _nodes_of(claim.points, video):
                point = to_points(claim.points, [video.nodes[node]])[0]
                before = animal.set_by.get(node)
                if before is not None and not _is_same(animal.points[node], point):
                    self._supersede(before, claim, f"another place of {video.nodes[node]}")
                animal.points[node], animal.set_by[node] = point, claim
        if isinstance(claim, AnimalClaim):
            if claim.name is not None:
                self._name(animals, animal, _named(claim, claim.name))
            animal.before = self._find_before(claim) or animal.before
        elif isinstance(claim, NameClaim):
            self._name(animals, animal, claim)
        elif isinstance(claim, ContinuationClaim):
            self._continue(animals, animal, claim)

    def _name(self, animals: list[_Animal], animal: _Animal, claim: NameClaim) -> None:
        for other in animals:
            if other.name is not None and (other is animal) != (other.name.name == claim.name):
                self._supersede(other.name, claim, f"who is {claim.name}")
                other.name = None
        animal.name = claim

    def _continue(self, animals: list[_Animal], animal: _Animal, claim: ContinuationClaim) -> None:
        before = self._find_before(claim)
        if before is None:
            self._list(claim, f"no predicted animal is where it was seen before, in frame {claim.before.frame}")
            return
        for other in animals:
            if other.continues is not None and (other is animal) != (other.before == before):
                self._supersede(other.continues, claim, f"which animal of frame {claim.before.frame} it is")
                other.continues = other.before = None
        animal.continues, animal.before = claim, before

    def _find_before(self, claim: Any) -> tuple[str, int] | None:
        """Video and row of an animal of an earlier frame; None where a claim names none, or it is not found."""
        sighting = claim.before
        video = self.videos.get(sighting.video) if sighting is not None else None
        if video is None or video.fits(sighting):
            return None
        animals = video.animals[sighting.frame]
        place = attach(video.suit(sighting), None, [animal.forms for animal in animals])
        row = animals[place].row if place >= 0 else None
        return None if row is None else (sighting.video, row)

    def _clear_path(self, video: _Video, claim: AbsenceClaim) -> None:
        """Take out what is nearest to a path, within reach, in each of its frames."""
        first = claim.path[0][0]
        last = min(claim.path[-1][0], max((stop - 1 for _, stop in video.frames), default=0))
        reach = float(find_reach(claim.where.points)[claim.where.animal])
        for frame in sorted(frame for frame in video.animals if first <= frame <= last):
            animals = video.animals[frame]
            center = _centers(claim, np.array([frame]))
            centroids = np.array([find_centroids(animal.points) for animal in animals]).reshape(-1, 2)
            distance = np.linalg.norm(centroids - center, axis=1)
            if len(animals) and np.nanmin(distance, initial=np.inf) < reach:
                self._apply(video, animals, animals[int(np.nanargmin(distance))], claim)
        single = np.array(sorted(video.animals), np.int64)
        for begin in range(first, last + 1, BLOCK_FRAMES) if video.paths else ():
            frames = np.arange(begin, min(begin + BLOCK_FRAMES, last + 1))
            rows = find_rows(video.paths, np.setdiff1d(frames, single))
            found = read_instances(video.paths, rows)
            distance = np.linalg.norm(find_centroids(found.points) - _centers(claim, found.frame_idx), axis=1)
            order = np.lexsort((distance, found.frame_idx))
            nearest = order[np.unique(found.frame_idx[order], return_index=True)[1]]
            video.removed |= set(rows[nearest[distance[nearest] < reach]].tolist())

    def _list(self, claim: AnyClaim, reason: str) -> None:
        self.listed.append(ListedClaim(claim, "orphan", reason))

    def _supersede(self, earlier: AnyClaim, later: AnyClaim, what: str) -> None:
        if earlier.id != later.id and all(one.claim.id != earlier.id for one in self.listed):
            reason = f"{later.id}, which is later, says {what}"
            self.listed.append(ListedClaim(earlier, "superseded", reason, later.id))

    def finish(self) -> Standing:
        """What holds in the end."""
        found = {video: _sum_up(own) for video, own in self.videos.items()}
        for video, frames in self.reviewed.items():
            found.setdefault(video, VideoEdits()).reviewed.update(frames)
        return Standing(found, tuple(self.listed))


def _sum_up(video: _Video) -> VideoEdits:
    found = VideoEdits(removed=set(video.removed))
    for frame, animals in sorted(video.animals.items()):
        for animal in animals:
            edited = np.isin(np.arange(len(video.nodes)), list(animal.set_by))
            if animal.row is None:
                if animal.gone is None and animal.born is not None:
                    name = animal.name.name if animal.name else None
                    found.added.append(AddedAnimal(frame, animal.points, edited, animal.born, name, animal.before))
                continue
            if animal.gone is not None:
                found.removed.add(animal.row)
                continue
            if animal.last is not None:
                found.claim_of[animal.row] = animal.last
            if edited.any():
                found.edits[animal.row] = Edit(frame, animal.points, edited)
            if animal.name is not None:
                found.names[animal.row] = (frame, animal.name.name)
            if animal.before is not None:
                found.continued[animal.row] = (frame, *animal.before)
    return found


def _single_frames(claim: AnyClaim) -> list[tuple[str, int]]:
    """Frames of which all animals must be known; along a path there are too many."""
    if isinstance(claim, Retraction | ReviewedClaim) or (isinstance(claim, AbsenceClaim) and claim.path):
        return []
    before = claim.before if isinstance(claim, ContinuationClaim | AnimalClaim) else None
    return [(sighting.video, sighting.frame) for sighting in (claim.where, before) if sighting is not None]


def _nodes_of(points: Mapping[str, Any], video: _Video) -> list[int]:
    return [place for place, node in enumerate(video.nodes) if node in points]


def _named(claim: AnimalClaim, name: str) -> NameClaim:
    """What an added animal that turns out to be there says of its name; its sighting is not asked for."""
    return NameClaim.model_construct(id=claim.id, time=claim.time, author=claim.author, where=claim.where, name=name)


def _centers(claim: AbsenceClaim, frames: NDArray[np.int64]) -> NDArray[np.float64]:
    """Where a path is in each of the frames (n,), (n, 2)."""
    known, x, y = np.array(claim.path, np.float64).T
    return np.stack([np.interp(frames, known, x), np.interp(frames, known, y)], axis=1)


def _is_same(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    return bool(np.allclose(a, b, atol=SAME_PX, rtol=0, equal_nan=True))
