"""The state of tracking between blocks: the tracks, and the instances that may be candidates."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import dist

import numpy as np
from numpy.typing import NDArray

from poseflow.config import TrackingConfig
from poseflow.tracking.linking.ambiguity import REPLACED, RESUMED, AmbiguityLog, AmbiguousLink, Links
from poseflow.tracking.linking.candidates import CANDIDATES, Block, Track
from poseflow.tracking.linking.features import Features
from poseflow.tracking.linking.kalman import Motion
from poseflow.tracking.linking.matching import MATCHINGS, Gains
from poseflow.tracking.linking.pairs import FAR_PX, is_distance

HIDDEN_LOSS = 0.002
"""How much less confidence a link has for each frame of a gap, down to RESUMED."""


@dataclass(frozen=True)
class TrackOf:
    """The track that an instance of an earlier frame got."""

    row: int


@dataclass(frozen=True, eq=False)
class Linked:
    """Instances that have a track; n of them."""

    row: NDArray[np.int64]
    frame_idx: NDArray[np.int64]
    tracklet: NDArray[np.int32]
    track: NDArray[np.int32]


class Linker:
    """Links frame after frame; what it keeps does not grow with the recording, but for a few bytes per tracklet.

    Args:
        corrections: what a person corrected: frame → {row: track that it is from there on, None: it begins a tracklet}.
    """

    def __init__(
        self, config: TrackingConfig, corrections: Mapping[int, Mapping[int, int | TrackOf | None]] | None = None
    ) -> None:
        self.config = config
        self.corrections = corrections or {}
        spoken_of = [track for rows in self.corrections.values() for track in rows.values()]
        self._track_of: dict[int, int] = {}  # of rows that corrections of later frames speak of
        self._spoken_of = np.array(sorted({one.row for one in spoken_of if isinstance(one, TrackOf)}), np.int64)
        self.links = Links()
        self.log = AmbiguityLog(config)
        self._joined: dict[int, int] = {}  # track that was another one all along → that one
        self._joined_after: dict[int, int] = {}  # and how many rows that one had had
        self._match = MATCHINGS[config.matching]
        self._candidates = CANDIDATES[config.candidates](config)
        self._piece_frames = config.naming.piece_frames if config.identity == "per_tracklet" else 0
        self._open_tracks: dict[int, Track] = {}
        self._tracks = 0
        self._recent: Features | None = None
        self._labels: list[list[int]] = []  # of the recent instances, frame by frame; -1 for one without a track
        self._full: set[int] = set()  # tracks of the last frame that had all animals
        self._corrected: set[int] = set()  # tracks that a correction has just given to another animal

    def link(self, fresh: Features) -> Linked:
        """Link the instances of the frames that come next; instances that get no track are left out."""
        if not len(fresh):
            nothing = np.empty(0, np.int64)
            return Linked(nothing, nothing, nothing.astype(np.int32), nothing.astype(np.int32))
        both = self._recent.join(fresh) if self._recent else fresh
        frames, starts = np.unique(both.instances.frame_idx, return_index=True)
        block = Block(both, frames.tolist(), [*starts.tolist(), len(both)], len(self._labels))
        track, tracklet = (np.array(numbers, np.int32) for numbers in self._link_frames(block))
        self._forget(block)
        kept = track >= 0
        return Linked(fresh.row[kept], fresh.instances.frame_idx[kept], tracklet[kept], track[kept])

    def close(self) -> list[AmbiguousLink]:
        """All ambiguous links in order of their frames, under the tracks' final numbers."""
        ambiguous = self.log.close()
        for link in ambiguous:
            while link.track in self._joined:
                link.rows_before += self._joined_after[link.track]
                link.track = self._joined[link.track]
            link.other = self._final(link.other)
        return ambiguous

    @property
    def open_tracks(self) -> Collection[int]:
        """Those that may go on."""
        return self._open_tracks.keys()

    def rows(self) -> Mapping[int, int]:
        """How many rows each track has, by final number."""
        return self.log.rows

    def finals(self) -> NDArray[np.int32]:
        """The number of each track after connecting."""
        return np.array([self._final(track) for track in range(self._tracks)], np.int32)

    def _final(self, track: int) -> int:
        while track in self._joined:
            track = self._joined[track]
        return track

    def _link_frames(self, block: Block) -> tuple[list[int], list[int]]:
        """Append the tracks of each new frame's instances to the labels; returns these, and their tracklets."""
        features = block.features
        scores, centroids = features.instances.score.tolist(), features.centroid.tolist()
        sizes = (np.sqrt(features.area) if is_distance(self.config) else np.ones(len(features))).tolist()
        self._candidates.begin(block)
        tracks: list[int] = []  # the labels may change later, for what comes after
        tracklets: list[int] = []
        for at in range(block.new, len(block.frames)):
            begin, stop, frame = block.starts[at], block.starts[at + 1], block.frames[at]
            gains = self._candidates.gain_by_track(at, self._labels, self._open_tracks)
            matched = self._match(gains)
            cuts = self.log.watch(frame, gains, matched, sizes[begin:stop])
            if -1 in matched:
                cuts |= self._place_newcomers(block, at, matched, scores[begin:stop], centroids)
            if frame in self.corrections:
                self._correct(frame, features.row[begin:stop].tolist(), matched)
            if self.config.connect_breaks:
                self._connect_break(matched)
            if len(self._spoken_of):
                self._note_tracks(features.row[begin:stop], matched)
            self.log.rows.update(track for track in matched if track >= 0)
            for index, track in enumerate(matched, begin):
                tracklets.append(self._follow(track, frame, index, centroids[index], cuts) if track >= 0 else -1)
            tracks += matched
            self._corrected.clear()
            self._labels.append(matched)
        return tracks, tracklets

    def _follow(self, track: int, frame: int, index: int, centroid: list[float], cuts: dict[int, float]) -> int:
        """Note where a track is now; returns its tracklet, a new one after a gap or a cut."""
        state = self._open_tracks[track]
        gap = frame - state.frame
        pieces = self._piece_frames
        cut = pieces and (track in cuts or frame // pieces != state.frame // pieces)
        if gap != 1 or cut or track in self._corrected:
            confidence = 1 - self.config.naming.switch_odds if gap == 1 else max(1 - HIDDEN_LOSS * gap, RESUMED)
            state.tracklet = self.links.add(state.tracklet, min(confidence, cuts.get(track, 1)), track)
        if self.config.candidates == "kalman":
            if state.motion is None:
                state.motion = Motion(centroid, self.config.kalman)
            else:
                state.motion.update(centroid, gap)
        state.frame, state.index = frame, index
        return state.tracklet

    def _place_newcomers(
        self, block: Block, at: int, matched: list[int], scores: list[float], centroids: list[list[float]]
    ) -> dict[int, float]:
        """Fill in `matched` where an instance continues no track.

        It resumes one that is hidden, opens a new one, or, there being no more, resumes any lost one. Returns cuts.
        """
        frame, begin, config = block.frames[at], block.starts[at], self.config
        ambiguous = []
        if config.max_gap_frames != 0:
            alone = [i for i, track in enumerate(matched) if track < 0]
            hidden = self._lost_tracks(frame, config.max_gap_frames)
            gains = self._candidates.gain_by_lost(at, alone, hidden)
            for i, track in zip(alone, self._match(gains), strict=True):
                matched[i] = track
                if track >= 0:
                    ambiguous.append(AmbiguousLink(frame, "hidden", track, -1, RESUMED))
        alone = [i for i, track in enumerate(matched) if track < 0 and scores[i] >= config.min_new_track_score]
        room = len(alone) if config.max_tracks is None else max(config.max_tracks - self._tracks, 0)
        for i in alone[:room]:
            matched[i] = self._tracks
            self._open_tracks[self._tracks] = Track(frame)
            if self._tracks and self._labels:
                ambiguous.append(AmbiguousLink(frame, "new", self._tracks, -1, REPLACED))
            self._tracks += 1
        alone = alone[room:]
        if alone:
            ambiguous += self._resume_nearest(frame, begin, alone, matched, centroids)
        return self.log.note(frame, ambiguous, matched) if ambiguous else {}

    def _resume_nearest(
        self, frame: int, begin: int, alone: list[int], matched: list[int], centroids: list[list[float]]
    ) -> list[AmbiguousLink]:
        lost = {track: state for track, state in self._lost_tracks(frame, None).items() if track not in matched}
        gains: Gains = [
            {track: FAR_PX - dist(centroids[begin + i], centroids[state.index]) for track, state in lost.items()}
            for i in alone
        ]
        for i, track in zip(alone, self._match(gains), strict=True):
            matched[i] = track
        return [AmbiguousLink(frame, "hidden", matched[i], -1, REPLACED) for i in alone if matched[i] >= 0]

    def _lost_tracks(self, frame: int, reach: int | None) -> dict[int, Track]:
        """Tracks that were last seen before the window, at most `reach` frames before it."""
        horizon = frame - self.config.window_frames
        oldest = 0 if reach is None else horizon - reach
        return {track: state for track, state in self._open_tracks.items() if max(oldest, 0) <= state.frame < horizon}

    def _correct(self, frame: int, rows: list[int], matched: list[int]) -> None:
        """Give instances the tracks that corrections say, as if they had had them all along."""
        for row, said in self.corrections[frame].items():
            if row not in rows:
                continue
            track = self._find_track(said) if isinstance(said, TrackOf) else said
            now = matched[rows.index(row)]
            if now < 0 and track is not None:
                now = max(self._tracks, track + 1)
                self._open_tracks[now] = Track(frame)
                matched[rows.index(row)] = now
            if track is not None and now != track:
                self._exchange(now, track, [*self._labels[-self.config.window_frames :], matched])
            self._corrected.add(now if track is None else track)

    def _note_tracks(self, rows: NDArray[np.int64], matched: list[int]) -> None:
        """Remember the tracks of instances that corrections of later frames speak of."""
        first, stop = np.searchsorted(self._spoken_of, [rows.min(initial=0), rows.max(initial=-1) + 1])
        for row in self._spoken_of[first:stop].tolist():
            for position in np.flatnonzero(rows == row):
                self._track_of[row] = matched[int(position)]

    def _find_track(self, said: TrackOf) -> int | None:
        """The track that an earlier instance got; None where it got none."""
        track = self._track_of.get(said.row, -1)
        return self._final(track) if track >= 0 else None

    def _exchange(self, a: int, b: int, labels: list[list[int]]) -> None:
        """Let two tracks change places; one of them may be new."""
        numbers = {a: b, b: a}
        for tracks in labels:
            tracks[:] = [numbers.get(track, track) for track in tracks]
        changed = {numbers[track]: self._open_tracks.pop(track) for track in (a, b) if track in self._open_tracks}
        self._open_tracks |= changed
        self._corrected |= {a, b}
        self._tracks = max(self._tracks, a + 1, b + 1)

    def _connect_break(self, matched: list[int]) -> None:
        """Where all animals are in view and one track has replaced another, go on with the other.

        Source: SLEAP 1.x, `sleap/nn/tracker/components.py`, `connect_single_track_breaks`.
        """
        tracks = {track for track in matched if track >= 0}
        if len(tracks) != self.config.animals or tracks == self._full:
            return
        lost, spawned = self._full - tracks, tracks - self._full
        if len(lost) == len(spawned) == 1:
            (old,), (new,) = lost, spawned
            if old in self._open_tracks and self._open_tracks[old].frame < self._open_tracks[new].first:
                self._open_tracks[new].first = self._open_tracks[old].first
                self._open_tracks[old] = self._open_tracks.pop(new)
                self._joined[new] = old
                self._joined_after[new] = self.log.rows[old]
                self.log.rows[old] += self.log.rows.pop(new, 0)
                for labels in [*self._labels[-self.config.window_frames :], matched]:
                    labels[:] = [old if track == new else track for track in labels]
                tracks = {track for track in matched if track >= 0}
        self._full = tracks

    def _forget(self, block: Block) -> None:
        """Keep what may be a candidate of the next frames: the last window, and hidden animals where they were."""
        frames, last = np.array(block.frames), block.frames[-1]
        config = self.config
        if config.max_tracks is None and config.max_gap_frames is not None:
            oldest = last + 1 - config.window_frames - config.max_gap_frames
            over = [
                number
                for number, track in self._open_tracks.items()
                if track.frame < oldest and number not in self._full
            ]
            for number in over:
                del self._open_tracks[number]
                self.log.end(number)
        kept = block.features.instances.frame_idx > last - config.window_frames
        kept[[track.index for track in self._open_tracks.values()]] = True
        frame_of = np.repeat(np.arange(len(frames)), np.diff(block.starts))
        tracks = np.array([track for labels in self._labels for track in labels])
        self._labels = [
            tracks[kept & (frame_of == position)].tolist() for position in np.unique(frame_of[kept]).tolist()
        ]
        index_now = np.cumsum(kept) - 1
        for track in self._open_tracks.values():
            track.index = int(index_now[track.index])
        self._recent = block.features.take(kept)
