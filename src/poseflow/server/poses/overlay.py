"""What people say, laid over the tables before a run has followed it: who is who from a frame on, points, animals.

A name acts from its frame on. Until `track` has followed it, it is shown on the rows of the same track as long as the
tables name them as they do in that frame; an animal that has the name otherwise has none there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseflow.corrections import AnyClaim, ContinuationClaim, NameClaim, ShownFrames, Standing, find_edits_in, place_of
from poseflow.exchange.slp import UNNAMED, number_of
from poseflow.server.poses.tables import VideoTables
from poseflow.server.poses.windows import Window, read_window

SET, REMOVED, ADDED, NAMED, UNTRACKED, PENDING = 1, 2, 4, 8, 16, 32
"""Flags of a row."""
MOST_KNOWN = 10_000
MOST_APART = 2000
"""Frames between the two of a continuation that is shown before it is in the tables."""


@dataclass(frozen=True)
class Override:
    """From this frame of a video on, a track is called otherwise than the tables say."""

    place: int
    """Of the video among those of its recording."""
    frame: int
    track: int
    code: int
    """Name that the tables give it there; the override ends where they give it another."""
    name: str
    """Or the number of another track: `track_3`."""

    @property
    def number(self) -> int | None:
        """Of the track that it is."""
        return number_of(self.name)


@dataclass(frozen=True, eq=False)
class Shown:
    """A window with everything laid over, rows by frame."""

    window: Window
    flags: NDArray[np.uint8]
    standing: Standing
    added: Sequence[str]
    """Ids of the claims of rows -1, -2, …"""


def find_overrides(
    tables: Mapping[str, VideoTables], claims: Sequence[AnyClaim], known: dict[tuple[object, ...], list[Override]]
) -> list[Override]:
    """What is said of names and that the tracks do not follow yet, by time in the recording.

    Args:
        tables: of each video, in order. claims: that hold. known: what was found before, by frame.
    """
    if len(known) > MOST_KNOWN:
        known.clear()
    corrected = {(str(one[0]), int(one[1])) for own in tables.values() for one in own.corrected}
    tracked_at = min((own.tracked_at for own in tables.values()), default=0.0)
    frames: dict[tuple[str, int], list[AnyClaim]] = {}
    for claim in claims:
        place = place_of(claim)
        if not isinstance(claim, NameClaim | ContinuationClaim) or place is None:
            continue
        if place not in corrected or claim.time.timestamp() > tracked_at:
            frames.setdefault(place, []).append(claim)
    found: list[Override] = []
    order = {video: number for number, video in enumerate(tables)}
    for (video, frame), own in frames.items():
        if video not in tables:
            continue
        key = (video, frame, tables[video].stamp, *(claim.id for claim in own))
        if key not in known:
            known[key] = _find_in_frame(tables[video], order[video], video, frame, own)
        found += known[key]
    return sorted(found, key=lambda one: (one.place, one.frame))


def _find_in_frame(
    tables: VideoTables, place: int, video: str, frame: int, claims: Sequence[AnyClaim]
) -> list[Override]:
    befores = [one.before.frame for one in claims if isinstance(one, ContinuationClaim) and one.before.video == video]
    start = min([frame, *(before for before in befores if frame - before <= MOST_APART)])
    window = read_window(tables, start, frame + 1)
    edits = find_edits_in({video: shown_frames(window)}, claims).videos.get(video)
    if edits is None:
        return []
    at = {row: number for number, row in enumerate(window.row.tolist())}
    names = {row: name for row, (_, name) in edits.names.items()}
    for row, (_, other, earlier) in edits.continued.items():
        if other == video and earlier in at and row not in names:
            names[row] = called(window, at[earlier])
    return [
        Override(place, frame, int(window.track[at[row]]), int(window.name[at[row]]), name)
        for row, name in names.items()
        if row in at and window.track[at[row]] >= 0
    ]


def called(window: Window, number: int) -> str:
    """What a row is called: its name, or that of its track."""
    code = int(window.name[number])
    return window.names[code] if code >= 0 else f"{UNNAMED}{window.track[number]}"


def shown_frames(window: Window) -> ShownFrames:
    """A window as claims are laid over it."""
    return ShownFrames((window.start, window.stop), window.nodes, window.row, window.frame, window.points)


def lay_over(
    video: str, place: int, window: Window, claims: Sequence[AnyClaim], overrides: Sequence[Override], made_at: float
) -> Shown:
    """A window as it is with what people say.

    Args:
        place: of the video in its recording. claims: about the recording that hold. overrides: as `find_overrides`.
        made_at: when the tables were made, seconds since 1970; what was said later is not in them.
    """
    flags = np.where(window.track < 0, UNTRACKED, 0).astype(np.uint8) if window.source == "tracks" else None
    flags = np.zeros(len(window), np.uint8) if flags is None else flags
    flags[window.edited.any(axis=1)] |= SET
    own = [claim for claim in claims if (spot := place_of(claim)) is not None and spot[0] == video]
    standing = find_edits_in({video: shown_frames(window)}, own)
    window, flags = _name(window, flags, place, overrides)
    edits = standing.videos.get(video)
    if edits is None:
        return Shown(window, flags, standing, [])
    points, edited = window.points.copy(), window.edited.copy()
    node_score = window.node_score.copy()
    for number, row in enumerate(window.row.tolist()):
        if row in edits.edits:
            edit = edits.edits[row]
            points[number][edit.edited] = edit.points[edit.edited]
            node_score[number][edit.edited] = 1
            edited[number] |= edit.edited
            flags[number] |= SET
        if row in edits.removed:
            flags[number] |= REMOVED
        claim = edits.claim_of.get(row)
        if claim is not None and claim.time.timestamp() > made_at:
            flags[number] |= PENDING
    window = replace(window, points=points, edited=edited, node_score=node_score)
    added = [one for one in edits.added if window.start <= one.frame < window.stop]
    if not added:
        return Shown(window, flags, standing, [])
    count, nodes = len(added), len(window.nodes)
    names = tuple(dict.fromkeys([*window.names, *(one.name for one in added if one.name)]))
    more = replace(
        window,
        names=names,
        row=-1 - np.arange(count),
        frame=np.array([one.frame for one in added], np.int64),
        track=np.full(count, -1, np.int32),
        tracklet=np.full(count, -1, np.int32),
        name=np.array([names.index(one.name) if one.name else -1 for one in added], np.int16),
        name_score=np.array([1.0 if one.name else np.nan for one in added], np.float32),
        score=np.ones(count, np.float32),
        points=np.stack([one.points for one in added]).astype(np.float32),
        node_score=np.ones((count, nodes), np.float32),
        edited=np.stack([one.edited for one in added]),
    )
    new = np.array([SET | ADDED | (PENDING if one.claim.time.timestamp() > made_at else 0) for one in added], np.uint8)
    joined, order = _join(window, more)
    return Shown(joined, np.concatenate([flags, new])[order], standing, [one.claim.id for one in added])


def _join(window: Window, more: Window) -> tuple[Window, NDArray[np.int64]]:
    order = np.argsort(np.concatenate([window.frame, more.frame]), kind="stable")
    columns = ("row", "frame", "track", "tracklet", "name", "name_score", "score", "points", "node_score", "edited")
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(window, name), getattr(more, name)])[order] for name in columns
    }
    return replace(window, names=more.names, **joined), order


def _name(
    window: Window, flags: NDArray[np.uint8], place: int, overrides: Sequence[Override]
) -> tuple[Window, NDArray[np.uint8]]:
    """Names and tracks of a window's rows as they are with what was said of names."""
    names = tuple(dict.fromkeys([*window.names, *(one.name for one in overrides if one.number is None)]))
    is_said = np.zeros(len(window), np.bool_)
    track, name, score = window.track.copy(), window.name.copy(), window.name_score.copy()
    for one in overrides:  # by time: a later one of the same track takes the place of an earlier one
        if (one.place, one.frame) >= (place, window.stop):
            break
        own = (window.track == one.track) & (window.name == one.code)
        if one.place == place:
            own &= window.frame >= one.frame
        track[own] = window.track[own] if one.number is None else one.number
        name[own] = names.index(one.name) if one.number is None else -1
        score[own], is_said[own] = 1.0 if one.number is None else np.nan, True
    if is_said.any():
        # Who has a name that somebody gives to another animal of the same frame has none there.
        key = window.frame * (len(names) + 1) + name
        doubled = np.isin(key, key[is_said & (name >= 0)]) & ~is_said & (name >= 0)
        name[doubled], score[doubled] = -1, np.nan
    flags = flags | np.where(is_said, NAMED, 0).astype(np.uint8)
    return replace(window, names=names, track=track, name=name, name_score=score), flags
