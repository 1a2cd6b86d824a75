"""What a person corrected in SLEAP's GUI, as claims: read from the label file that the GUI saved.

The file holds the animals of the review items' frames (`poseflow.tracking.review.listing`), and in its provenance how
they were, so that what differs is what the person says: nodes that were dragged, animals that were deleted or added,
tracks that were changed, suggestions that were taken from the list.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import sleap_io as sio
from numpy.typing import NDArray
from pydantic import ValidationError

from poseflow.core.errors import AmbiguousVideoError, LabelsError
from poseflow.core.matching import match_pairs
from poseflow.core.similarity import score_node_distance
from poseflow.corrections.attach import find_reach
from poseflow.corrections.claims import (
    AbsenceClaim,
    AnimalClaim,
    AnyClaim,
    ContinuationClaim,
    NameClaim,
    PointsClaim,
    ReviewedClaim,
    Sighting,
    from_points,
    id_of_content,
)
from poseflow.corrections.log import say_fault
from poseflow.exchange.slp import number_of
from poseflow.labels.formats.content import DAMAGED, check_file, describe_content, one_line, raise_if_machine_failed
from poseflow.labels.formats.sleap import recognize
from poseflow.labels.videos import plain_name, root_video
from poseflow.media.lookup import base_name, find_recording, key_of_name

PROVENANCE = "poseflow tracks"
"""Key of a review file's provenance: (frame, row, name, points) of each animal as it was, by path of its video."""

NODES = "poseflow nodes"
"""Key of the nodes that those points are of."""

RELEASE = "poseflow release"
"""Key of the release whose predictions they are."""

LAST_SEEN = "poseflow last seen"
"""Key of where tracks that were lost before the items were last: (frame, name, points), by path of their video."""

REVIEW_ITEMS = "poseflow review items"
"""Key of the review items that were suggested, by path of video: those that a person took from the list are right."""

MOVED_PX = 0.05
"""A node that is farther from where it was has been moved; nearer, it has been rounded."""

SAME_PX = 0.5
"""Predicted instances cannot be moved in the GUI: one that is so near is the same."""

logger = logging.getLogger(__name__)


def read_slp_claims(path: str | Path, videos: Mapping[str, str]) -> list[AnyClaim]:
    """Read what a person says in a label file that SLEAP's GUI saved.

    User instances count, and predicted ones whose track is no longer what it was, or that are gone. What was left as it
    was says nothing, nor do frames that a package does not hold, and nodes that the file's skeleton does not have. A
    claim's id depends on what it says, so that a file that is saved again, or under another name, says it once; its
    time is that of the file.

    Args:
        path: a `.slp`, best one saved from `results/review`. videos: path of each video of the recording, by name.

    Raises: LabelsError for a file that cannot be read.
    """
    path = Path(path)
    labels = _load(path)
    try:
        claims = _find_claims(labels, videos, path)
    except ValidationError as error:
        raise LabelsError(f"{path} must hold what can be said of a recording, got {say_fault(error)}") from error
    return [claim.model_copy(update={"id": id_of_content(claim)}) for claim in claims]


def _find_claims(labels: sio.Labels, videos: Mapping[str, str], path: Path) -> list[AnyClaim]:
    """All that a file says, under no ids yet."""
    nodes = _read_nodes(labels, path)
    known = _read_note(labels, PROVENANCE, videos, path)
    last_seen = _read_note(labels, LAST_SEEN, videos, path) or {}
    made = {"time": datetime.fromtimestamp(path.stat().st_mtime, UTC), "author": path.name, "id": "?"}
    claims: list[AnyClaim] = []
    is_purged = known is not None and not any(
        isinstance(one, sio.PredictedInstance) for frame in labels.labeled_frames for one in frame.instances
    )
    for video, recorded in _find_videos(labels, videos, path).items():
        was_shown = (known or {}).get(video, ())
        frames = _read_frames(labels, recorded, was_shown, (video, nodes), is_purged)
        claims += _Differences(frames, known is not None, made, last_seen.get(video, ())).find()
    if is_purged and known and any(known.values()):
        logger.warning("%s holds no predicted instance any more: none is taken for deleted by hand", path)
    if not _is_package(labels):  # it holds the frames that were labeled, and of the suggestions perhaps none
        claims += _find_reviewed(labels, videos, path, made)
    return claims


@dataclass(frozen=True, eq=False)
class _Shown:
    """An animal as the file showed it."""

    name: str | None
    """What it was called; None: that is not known."""
    points: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Left:
    """An animal as the file holds it now."""

    name: str | None
    points: NDArray[np.float64]
    has: NDArray[np.bool_]
    """Nodes that its skeleton has."""
    by_person: bool
    shown: int | None
    """Which of those that were shown it is."""


@dataclass(eq=False)
class _Frame:
    video: str
    number: int
    nodes: Sequence[str]
    release: str | None
    shown: list[_Shown] = field(default_factory=list)
    left: list[_Left] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    """Those of the shown ones that were deleted."""

    @cached_property
    def _all(self) -> Sighting:
        points = np.array([one.points for one in self.shown]).reshape(-1, len(self.nodes), 2)
        return Sighting.of(self.video, self.number, self.nodes, points, None, release=self.release)

    def sighting(self, animal: int | None) -> Sighting:
        """One of the animals that were shown, among the others; to be asked for when all are known."""
        return self._all.model_copy(update={"animal": animal})


class _Differences:
    """What a person changed in the frames of one video, in order."""

    def __init__(
        self, frames: Sequence[_Frame], has_names: bool, made: Mapping[str, Any], lost: Sequence[Any] = ()
    ) -> None:
        self._frames, self._has_names, self._made, self._lost = frames, has_names, made, lost
        self._renamed: dict[str, str] = {}  # how the GUI has carried changes of tracks on to this frame
        self._last: dict[str, Sighting] = {}  # where each track was last

    def find(self) -> list[AnyClaim]:
        """All claims."""
        return [claim for frame in self._frames for claim in self._find_in(frame)]

    def _find_in(self, frame: _Frame) -> Iterator[AnyClaim]:
        last: dict[str, Sighting] = {}
        for one in sorted(frame.left, key=lambda one: one.by_person):  # a person's takes the predicted one's place
            if one.shown is None:
                yield self._add(frame, one)
                continue
            sighting = frame.sighting(one.shown)
            shown = frame.shown[one.shown]
            is_moved = _is_moved(shown.points, one.points) & one.has & one.by_person
            moved = np.flatnonzero(is_moved).tolist()
            if moved:
                points = from_points(one.points[moved], [frame.nodes[node] for node in moved])
                yield PointsClaim(**self._made, where=sighting, points=points)
            if one.name is not None:
                if self._is_new(shown.name, one):
                    yield self._name(sighting, one.name)
                last[one.name] = sighting
        for place in frame.gone:
            yield AbsenceClaim(**self._made, where=frame.sighting(place))
        for one in frame.left:
            if one.shown is not None and one.name is not None and (was := frame.shown[one.shown].name) is not None:
                self._renamed[was] = one.name
        self._last |= last

    def _is_new(self, was: str | None, one: _Left) -> bool:
        """Whether the name is a person's word here: the GUI carries a changed track on to later frames by itself.

        Names of animals count there as well, since they are of one animal for good.
        """
        if was is None:
            return one.by_person or not self._has_names
        return one.name != self._renamed.get(was, was) or (one.name != was and not _is_number(one.name))

    def _find_before(self, name: str, here: Sighting) -> Sighting | None:
        """Where a track was last in the file, or was lost before."""
        before = self._last.get(name)
        lost = [one for one in self._lost if one[1] == name and one[0] < here.frame]
        if lost and (before is None or before.frame < lost[-1][0]):
            points = np.array([[point or (np.nan, np.nan) for point in lost[-1][2]]])
            return Sighting.of(here.video, lost[-1][0], here.nodes, points, 0, release=here.release)
        return before

    def _name(self, sighting: Sighting, name: str) -> AnyClaim:
        before = self._find_before(name, sighting)
        if _is_number(name) and before is not None:
            return ContinuationClaim(**self._made, where=sighting, before=before)
        return NameClaim(**self._made, where=sighting, name=name)

    def _add(self, frame: _Frame, one: _Left) -> AnyClaim:
        name = None if _is_number(one.name) else one.name
        here = frame.sighting(None)
        before = self._find_before(one.name, here) if one.name is not None else None
        points = from_points(one.points[one.has], [node for node, has in zip(frame.nodes, one.has, strict=True) if has])
        return AnimalClaim(**self._made, where=here, points=points, name=name, before=before)


def _read_frames(
    labels: sio.Labels,
    recorded: Sequence[str],
    was_shown: Sequence[Any],
    shown_as: tuple[str, Sequence[str] | None],
    is_purged: bool,
) -> list[_Frame]:
    """Frames of one video, with what they showed and what they hold; `shown_as` are its name and nodes."""
    video, nodes = shown_as
    held: dict[int, list[sio.Instance]] = {}
    for frame in labels.labeled_frames:
        if _path_of(frame.video) in recorded:
            held.setdefault(int(frame.frame_idx), []).extend(frame.instances)
    was: dict[int, list[Any]] = {}
    for entry in was_shown:
        was.setdefault(int(entry[0]), []).append(entry)
    skeletons = [one.skeleton for instances in held.values() for one in instances] or list(labels.skeletons)
    nodes = nodes or (skeletons[0].node_names if skeletons else [])
    release = labels.provenance.get(RELEASE)
    found = []
    for number in sorted({*held, *was}) if nodes else ():
        frame = _Frame(video, number, nodes, release)
        _fill(frame, held.get(number, []), was.get(number, []))
        is_told = not is_purged and (number in held or not _is_package(labels))
        frame.gone = frame.gone if is_told else []
        found.append(frame)
    return found


def _fill(frame: _Frame, instances: Sequence[sio.Instance], was: Sequence[Any]) -> None:
    """Tell which of a frame's instances is which of those that it showed."""
    predicted = [one for one in instances if isinstance(one, sio.PredictedInstance)]
    own = [one for one in instances if not isinstance(one, sio.PredictedInstance)]
    poses = {id(one): _points_of(one, frame.nodes) for one in instances}
    has = {id(one): np.isin(frame.nodes, one.skeleton.node_names) for one in instances}
    has_points = all(len(entry) > 3 for entry in was)
    if was and not has_points and len(predicted) != len(was):
        was = ()  # of an earlier version, and changed: which is which cannot be told
    for place, entry in enumerate(was):
        points = np.array([point or (np.nan, np.nan) for point in entry[3]]) if has_points else None
        frame.shown.append(_Shown(entry[2], poses[id(predicted[place])] if points is None else points))
    of_predicted = _match([poses[id(one)] for one in predicted], frame.shown, SAME_PX)
    for place, one in enumerate(predicted):
        if of_predicted[place] < 0:
            frame.shown.append(_Shown(None, poses[id(one)]))
            of_predicted[place] = len(frame.shown) - 1
    place_of = {id(one): of_predicted[place] for place, one in enumerate(predicted)}
    of_own = {id(one): place_of.get(id(one.from_predicted), -1) for one in own}
    for one in own:  # what it was made from may be hidden, or gone from the file
        if of_own[id(one)] < 0 and one.from_predicted is not None:
            (of_own[id(one)],) = _match([_points_of(one.from_predicted, frame.nodes)], frame.shown, SAME_PX)
    alone = [one for one in own if of_own[id(one)] < 0]
    taken = set(of_own.values())
    free = [place for place in range(len(frame.shown)) if place not in taken]
    near = _match([poses[id(one)] for one in alone], [frame.shown[place] for place in free], None)
    of_own |= {id(one): free[place] if place >= 0 else -1 for one, place in zip(alone, near, strict=True)}
    replaced = {*of_own.values()}
    for one in predicted:
        if place_of[id(one)] not in replaced:
            frame.left.append(_Left(_track_of(one), poses[id(one)], has[id(one)], False, place_of[id(one)]))
    for one in own:
        if np.isfinite(poses[id(one)]).any():
            place = of_own[id(one)]
            shown = None if place < 0 else place
            frame.left.append(_Left(_track_of(one), poses[id(one)], has[id(one)], True, shown))
    # Who was deleted, or has no node any more that is to be seen.
    frame.gone = sorted({*range(len(frame.shown))} - {one.shown for one in frame.left})


def _match(poses: Sequence[NDArray[np.float64]], shown: Sequence[_Shown], reach: float | None) -> list[int]:
    """Which of the shown animals each pose is, -1 for none; within `reach` px, by default half its length."""
    if not poses or not shown:
        return [-1] * len(poses)
    seen = np.array([one.points for one in shown])
    distance = score_node_distance(np.array(poses), seen)
    limit = find_reach(seen)[None] if reach is None else reach
    return [int(place) for place in match_pairs(limit - distance)]


def _is_moved(was: NDArray[np.float64], now: NDArray[np.float64]) -> NDArray[np.bool_]:
    missing = np.isnan(was).any(axis=1), np.isnan(now).any(axis=1)
    with np.errstate(invalid="ignore"):
        far = np.linalg.norm(was - now, axis=1) > MOVED_PX
    return np.where(missing[0] | missing[1], missing[0] != missing[1], far)


def _points_of(instance: sio.Instance, nodes: Sequence[str]) -> NDArray[np.float64]:
    points = dict(zip(instance.skeleton.node_names, instance.numpy(), strict=True))
    return np.array([points.get(node, (np.nan, np.nan)) for node in nodes], np.float64).reshape(len(nodes), 2)


def _track_of(instance: sio.Instance) -> str | None:
    return None if instance.track is None else plain_name(instance.track.name or "") or None


def _is_number(name: str | None) -> bool:
    return name is not None and number_of(name) is not None


def _find_reviewed(
    labels: sio.Labels, videos: Mapping[str, str], path: Path, made: Mapping[str, Any]
) -> Iterator[AnyClaim]:
    """Review items that were suggested, and are so no longer."""
    left = {(_find_video(_path_of(one.video), videos, path), int(one.frame_idx)) for one in labels.suggestions}
    for video, frames in (_read_note(labels, REVIEW_ITEMS, videos, path) or {}).items():
        for frame in frames:
            if (video, int(frame)) not in left:
                yield ReviewedClaim(**made, video=video, frame=int(frame))


def _read_note(labels: sio.Labels, key: str, videos: Mapping[str, str], path: Path) -> dict[str, Any] | None:
    """What a review file's provenance says of each of the recording's videos; None where it has no such key."""
    said = _parse_note(labels, key, path)
    return None if said is None else {_find_video(name, videos, path): own for name, own in said.items()}


def _parse_note(labels: sio.Labels, key: str, path: Path) -> Any:
    """What stands under a key of a review file's provenance; None where there is none."""
    try:
        return json.loads(labels.provenance.get(key, "null"))
    except (TypeError, ValueError) as error:
        raise LabelsError(f"{path}: {key!r} of its provenance must be JSON as text, got {one_line(error)}") from error


def _read_nodes(labels: sio.Labels, path: Path) -> list[str] | None:
    """Nodes that a review file showed; of those that a person renamed, took out or added since, warn."""
    shown = _parse_note(labels, NODES, path)
    held = {node for skeleton in labels.skeletons for node in skeleton.node_names}
    if not shown or not held:
        return shown
    if not held & set(shown):
        raise LabelsError(
            f"{path} must have nodes that were predicted ({', '.join(shown)}), got {', '.join(sorted(held))}"
        )
    if differing := sorted(held ^ set(shown)):
        logger.warning(
            "%s says nothing of nodes that are not both in its skeleton and in the predictions that it showed: %s",
            path,
            ", ".join(differing),
        )
    return shown


def _is_package(labels: sio.Labels) -> bool:
    """Whether the file holds pictures of some frames, instead of all that was shown."""
    return any(_path_of(video) != str(video.filename) for video in labels.videos)


def _path_of(video: sio.Video) -> str:
    """Of the recording, also where a package holds its pictures."""
    return str(root_video(video).filename)


def _find_videos(labels: sio.Labels, videos: Mapping[str, str], path: Path) -> dict[str, list[str]]:
    """Names of the recording's videos in the file, each with the paths by which the file knows it."""
    found: dict[str, list[str]] = {}
    for recorded in dict.fromkeys(map(_path_of, labels.videos)):
        found.setdefault(_find_video(recorded, videos, path), []).append(recorded)
    return found


def _find_video(recorded: str, videos: Mapping[str, str], path: Path) -> str:
    """The video of a recording that a path in a file means; its own file name where it is none of them.

    The file's own name says which recording it is about, so that a video's name alone is enough.
    """
    key = key_of_name(base_name(recorded))
    alike = [video for video, own in videos.items() if key_of_name(base_name(own)) == key]
    if len(alike) < 2:
        return alike[0] if alike else base_name(recorded)
    try:
        chosen = find_recording(recorded, [Path(videos[video]) for video in alike])
    except AmbiguousVideoError as error:
        raise LabelsError(f"{path}: {error}") from None
    return next((video for video in alike if Path(videos[video]) == chosen), base_name(recorded))


def _load(path: Path) -> sio.Labels:
    """Read a file all of whose data lie in it; raises OSError where the machine failed to read it."""
    check_file(path, "a SLEAP label file", LabelsError)
    if not recognize(path):
        raise LabelsError(f"{path} must be a SLEAP label file, got {describe_content(path)}")
    try:
        return sio.load_slp(str(path), open_videos=False)
    except DAMAGED as error:
        raise_if_machine_failed(error, path)
        raise LabelsError(f"{path} must be a SLEAP label file, got a damaged one: {one_line(error)}") from error
