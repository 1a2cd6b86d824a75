"""Link instances to tracks, frame by frame, from tables alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from math import dist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseflow.config import TrackingConfig
from poseflow.errors import ConfigError
from poseflow.tables import Predictions, Tracks
from poseflow.tracking.candidates import (
    FAR_PX,
    Instances,
    PairGains,
    describe_instances,
    gain_of_pairs,
    gains_by_track,
)
from poseflow.tracking.identities import NAMINGS
from poseflow.tracking.matching import MATCHINGS
from poseflow.tracking.selection import select_instances

_NOTHING = tuple(np.empty(0, kind) for kind in (np.int64, np.int64, np.int32, np.int32, np.int16, np.float32))
BLOCK_ROWS = 2048
"""Instances whose pairs are compared in one go: enough for NumPy, few enough for the processor's cache."""


def link_tracks(predictions: Predictions | Iterable[Predictions], config: TrackingConfig) -> Tracks:
    """Give every instance a track, and in mode `identity` a name.

    Each instance of a frame is compared with the tracked instances of the `window_frames` frames before it, which flow
    has moved onto it (or as they were); a track's best candidate counts, and the matching with the greatest total gain
    (or greedily the best pair first) continues the tracks. What is left over opens new tracks. Frames are counted by
    their numbers: one that is empty, failed or was not read is a gap, and a track that is not seen for longer than the
    window ends, unless `max_tracks` makes a newcomer resume it. Names are given frame by frame (`name_instances`), and
    do not depend on the tracks.

    Args:
        predictions: the whole table, or its blocks in order (`iter_predictions`), in bounded memory; the result is the
            same however it is cut.
        config: settings.

    Returns: tracks of the instances that were not left out; `track` and `tracklet` are numbered as they appear, a
        tracklet being a track's run of frames without a gap.

    Raises: ConfigError when flow reaches less far than the window.
    Source: Pereira et al. 2022, Methods, "Flow-shift tracking"; a track's best candidate as in SLEAP 1.x,
        `sleap/nn/tracker/components.py`, `FrameMatches.from_candidate_instances`.
    """
    linker, linked = _Linker(config), [_NOTHING]
    names: tuple[str, ...] = ()
    for block in [predictions] if isinstance(predictions, Predictions) else predictions:
        _check_lags(block, config)
        for part in _cut_at_frames(block):
            row, *others = linker.link(describe_instances(part, select_instances(part, config), config))
            linked.append((row, *others, *NAMINGS[config.mode](part, row - part.first_row, config)))
        names = block.class_names if config.mode == "identity" else ()
    row, frame_idx, tracklet, track, code, score = (np.concatenate(part) for part in zip(*linked, strict=True))
    return Tracks(row, frame_idx, tracklet, track, code, score, names, {"tracking": config.model_dump(mode="json")})


def _check_lags(predictions: Predictions, config: TrackingConfig) -> None:
    if config.candidates == "flow" and predictions.lags < config.window_frames:
        raise ConfigError(
            f"tracking.window_frames must be at most predict.flow.window_frames, which was {predictions.lags} when the "
            f"predictions were made, got {config.window_frames}; or set tracking.candidates to 'window'"
        )


def _cut_at_frames(predictions: Predictions) -> Iterator[Predictions]:
    """Blocks of about BLOCK_ROWS rows that hold whole frames."""
    begin, n = 0, len(predictions)
    while begin < n:
        last_frame = predictions.frame_idx[min(begin + BLOCK_ROWS, n) - 1]
        stop = int(np.searchsorted(predictions.frame_idx, last_frame, "right"))
        rows = {
            name: getattr(predictions, name)[begin:stop]
            for name in ("frame_idx", "instance_score", "points", "point_scores", "shifted", "class_scores")
        }
        yield replace(predictions, **rows, first_row=predictions.first_row + begin)
        begin = stop


@dataclass
class _Track:
    """What is known of a track."""

    tracklet: int = -1
    frame: int = -2
    centroid: list[float] = field(default_factory=list)


class _Linker:
    """The state between blocks: the tracks, and the instances of the last window with their tracks."""

    def __init__(self, config: TrackingConfig) -> None:
        self.config = config
        self.match = MATCHINGS[config.matching]
        self.known: list[_Track] = []
        self.tracklets = 0
        self.recent: Instances | None = None
        self.labels: list[list[int]] = []  # of the recent instances, frame by frame; -1 for one without a track

    def link(self, fresh: Instances) -> tuple[NDArray[Any], ...]:
        """Link the instances of the frames that come next.

        Returns: row, frame, tracklet and track of those that have a track.
        """
        if not len(fresh):
            return _NOTHING[:4]
        both = self.recent.join(fresh) if self.recent else fresh
        frames, starts = np.unique(both.frame, return_index=True)
        starts = np.append(starts, len(both))
        new = len(self.labels)
        pairs = gain_of_pairs(both, frames, starts, new, self.config)
        tracklet = np.array(self._link_frames(both, frames.tolist(), starts.tolist(), pairs), np.int32)
        track = np.array([track for labels in self.labels[new:] for track in labels], np.int32)
        kept = track >= 0
        horizon = int(frames[-1]) + 1 - self.config.window_frames
        self.labels = self.labels[int(np.searchsorted(frames, horizon)) :]
        self.recent = both.tail(horizon)
        return fresh.row[kept], fresh.frame[kept], tracklet[kept], track[kept]

    def _link_frames(self, instances: Instances, frames: list[int], starts: list[int], pairs: PairGains) -> list[int]:
        """Append the tracks of each new frame's instances to `labels`; returns their tracklets."""
        scores, centroids = instances.score.tolist(), instances.centroid.tolist()
        tracklets: list[int] = []
        for place in range(len(self.labels), len(frames)):
            begin, stop = starts[place], starts[place + 1]
            matched = self.match(gains_by_track(pairs, place, stop - begin, self.labels))
            if -1 in matched:
                self._start_tracks(matched, frames[place], scores[begin:stop], centroids[begin:stop])
            for track, centroid in zip(matched, centroids[begin:stop], strict=True):
                tracklets.append(self._follow(track, frames[place], centroid) if track >= 0 else -1)
            self.labels.append(matched)
        return tracklets

    def _follow(self, track: int, frame: int, centroid: list[float]) -> int:
        """Note where a track is now; returns its tracklet, a new one after a gap."""
        known = self.known[track]
        if known.frame != frame - 1:
            known.tracklet = self.tracklets
            self.tracklets += 1
        known.frame, known.centroid = frame, centroid
        return known.tracklet

    def _start_tracks(self, matched: list[int], frame: int, scores: list[float], centroids: list[list[float]]) -> None:
        """Fill in `matched` where an instance opens a new track or, there being no more, resumes a lost one."""
        limit, least = self.config.max_tracks, self.config.min_new_track_score
        alone = [i for i, track in enumerate(matched) if track < 0 and scores[i] >= least]
        room = len(alone) if limit is None else limit - len(self.known)
        for i in alone[:room]:
            matched[i] = len(self.known)
            self.known.append(_Track())
        alone = alone[room:]
        if alone:
            lost = self._lost_tracks(frame)
            gains = [{track: FAR_PX - dist(centroids[i], at) for track, at in lost.items()} for i in alone]
            for i, track in zip(alone, self.match(gains), strict=True):
                matched[i] = track

    def _lost_tracks(self, frame: int) -> dict[int, list[float]]:
        """Where the tracks that were last seen before the window were then."""
        horizon = frame - self.config.window_frames
        return {track: known.centroid for track, known in enumerate(self.known) if 0 <= known.frame < horizon}
