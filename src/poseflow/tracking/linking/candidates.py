"""What each instance of a frame would gain by each track, from the track's candidates in the frames before it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from poseflow.config import TrackingConfig
from poseflow.tracking.linking.features import Features
from poseflow.tracking.linking.kalman import Motion
from poseflow.tracking.linking.matching import Gains
from poseflow.tracking.linking.pairs import Floats, Pairs, score_pairs


@dataclass
class Track:
    """What is known of a track that may go on."""

    first: int
    """Frame in which it began."""
    tracklet: int = -1
    frame: int = -2
    """Frame in which it was last seen."""
    index: int = -1
    """Of its last instance among those of the block."""
    motion: Motion | None = None


@dataclass(frozen=True, eq=False)
class Block:
    """Instances whose frames are linked in one go, after those that may be their candidates."""

    features: Features
    frames: list[int]
    """Frame numbers, ascending."""
    starts: list[int]
    """Where each frame's instances begin, and the end."""
    new: int
    """Position in `frames` of the first frame that is linked."""


class Candidates(Protocol):
    """A way to find candidates."""

    def begin(self, block: Block) -> None:
        """Prepare for a block."""

    def gain_by_track(self, at: int, labels: list[list[int]], tracks: dict[int, Track]) -> Gains:
        """For each instance of the frame at position `at` what each track seen within the window would gain.

        Args:
            labels: tracks of the instances of each frame before it, -1 for one that has none.
            tracks: those that may go on.
        """

    def gain_by_lost(self, at: int, alone: list[int], lost: dict[int, Track]) -> Gains:
        """The same for the instances `alone` of that frame and tracks that were last seen before the window."""


class EarlierInstances:
    """Candidates are the instances of the last `window_frames` frames, where they were or where flow moves them.

    Of a track's candidates the one at `quantile` counts (1: the best).
    Source: Pereira et al. 2022, Methods, "Flow-shift tracking"; a track's best candidate as in SLEAP 1.x,
        `sleap/nn/tracker/components.py`, `FrameMatches.from_candidate_instances`, its quantile as `--tracking.robust`.
    """

    def __init__(self, config: TrackingConfig) -> None:
        self.config = config
        self._combine = _best_gains if config.quantile == 1 else _quantile_gains

    def begin(self, block: Block) -> None:
        """Compare the instances of each frame with those of the frames before it."""
        self._block = block
        self._pairs = _gain_of_pairs(block, self.config)

    def gain_by_track(self, at: int, labels: list[list[int]], tracks: dict[int, Track]) -> Gains:
        """As the protocol says."""
        count = self._block.starts[at + 1] - self._block.starts[at]
        return self._combine(self._pairs, at, count, labels, self.config.quantile)

    def gain_by_lost(self, at: int, alone: list[int], lost: dict[int, Track]) -> Gains:
        """As the protocol says; flow has moved them as far as it reaches."""
        i, j = _cross(self._block.starts[at], alone, lost)
        gains = _gain(self._block.features, i, j, np.full(len(i), self.config.window_frames), self.config)
        return _to_rows(gains, len(alone), list(lost))


class MovedInstances:
    """Each track's candidate is its last instance, moved by what a Kalman filter expects of its centroid.

    Source: Kalman 1960; in tracking as Bewley et al. 2016, "Simple online and realtime tracking".
    """

    def __init__(self, config: TrackingConfig) -> None:
        self.config = config

    def begin(self, block: Block) -> None:
        """Note the block."""
        self._block = block

    def gain_by_track(self, at: int, labels: list[list[int]], tracks: dict[int, Track]) -> Gains:
        """As the protocol says."""
        horizon = self._block.frames[at] - self.config.window_frames
        recent = {number: track for number, track in tracks.items() if track.frame >= horizon}
        count = self._block.starts[at + 1] - self._block.starts[at]
        return self.gain_by_lost(at, list(range(count)), recent)

    def gain_by_lost(self, at: int, alone: list[int], lost: dict[int, Track]) -> Gains:
        """As the protocol says."""
        if not lost:
            return [{} for _ in alone]
        i, j = _cross(self._block.starts[at], alone, lost)
        features, frame = self._block.features, self._block.frames[at]
        expected = np.array([track.motion.expect(frame - track.frame) for track in lost.values() if track.motion])
        moved = np.tile(expected, (len(alone), 1)) - features.centroid[j]
        pairs = _pair(features, (i, j), (features.instances.points, j), features.centroid[j] + moved, moved)
        gains = score_pairs(pairs, self.config)
        return _to_rows(gains, len(alone), list(lost))


CANDIDATES: dict[str, type[EarlierInstances] | type[MovedInstances]] = {
    "flow": EarlierInstances,
    "window": EarlierInstances,
    "kalman": MovedInstances,
}


@dataclass(frozen=True, eq=False)
class _PairGains:
    """What linking each instance with each candidate would gain; NaN where it is not allowed.

    `offsets[k - 1][f]` is the position in `gains` of frame f's pairs with the frame k before it, instance by instance;
    `partners[k - 1][f]` is that frame's position, -1 if nothing is known of it.
    """

    gains: list[float]
    offsets: list[list[int]]
    partners: list[list[int]]

    def iter_partners(self, at: int, labels: list[list[int]]) -> Iterator[tuple[list[int], int]]:
        """Tracks of each frame that frame `at` is compared with, and where its pairs with that frame begin."""
        for partners, offsets in zip(self.partners, self.offsets, strict=True):
            if partners[at] >= 0:
                yield labels[partners[at]], offsets[at]


def _gain_of_pairs(block: Block, config: TrackingConfig) -> _PairGains:
    """Compare the instances of each frame from `block.new` on with those of the `window_frames` frames before it."""
    frames, starts, new = np.array(block.frames), np.array(block.starts), block.new
    current, candidate, lags, offsets, partners = [], [], [], [], []
    total = 0
    for lag in range(1, config.window_frames + 1):
        partner = _find_frames(frames, frames[new:] - lag)
        i, j, offset = _enumerate_pairs(starts, np.arange(new, len(frames)), partner)
        current.append(i)
        candidate.append(j)
        lags.append(np.full(len(i), lag))
        offsets.append([0] * new + (offset + total).tolist())
        partners.append([-1] * new + partner.tolist())
        total += len(i)
    i, j, lag_of = np.concatenate(current), np.concatenate(candidate), np.concatenate(lags)
    return _PairGains(_gain(block.features, i, j, lag_of, config).tolist(), offsets, partners)


def _best_gains(pairs: _PairGains, at: int, instances: int, labels: list[list[int]], quantile: float) -> Gains:
    """For each of a frame's instances, the gain by the best candidate of each track."""
    rows: Gains = [{} for _ in range(instances)]
    for tracks, position in pairs.iter_partners(at, labels):
        for number, row in enumerate(rows):
            begin = position + number * len(tracks)
            for track, gain in zip(tracks, pairs.gains[begin : begin + len(tracks)], strict=True):
                if gain > row.get(track, 0.0) and track >= 0:
                    row[track] = gain
    return rows


def _quantile_gains(pairs: _PairGains, at: int, instances: int, labels: list[list[int]], quantile: float) -> Gains:
    """The same at a quantile of each track's candidates, between two of them linearly."""
    found: list[dict[int, list[float]]] = [{} for _ in range(instances)]
    for tracks, position in pairs.iter_partners(at, labels):
        for number, row in enumerate(found):
            begin = position + number * len(tracks)
            for track, gain in zip(tracks, pairs.gains[begin : begin + len(tracks)], strict=True):
                if gain > 0 and track >= 0:
                    row.setdefault(track, []).append(gain)
    return [{track: _quantile(sorted(gains), quantile) for track, gains in row.items()} for row in found]


def _quantile(ascending: list[float], quantile: float) -> float:
    at = quantile * (len(ascending) - 1)
    low = int(at)
    high = min(low + 1, len(ascending) - 1)
    return ascending[low] + (at - low) * (ascending[high] - ascending[low])


def _find_frames(frames: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.intp]:
    """Positions of frame numbers among `frames`, -1 for those that are not there."""
    position = np.searchsorted(frames, wanted)
    return np.where(frames[np.minimum(position, len(frames) - 1)] == wanted, position, -1)


def _enumerate_pairs(
    starts: NDArray[np.intp], current: NDArray[np.intp], partner: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """All pairs (instance of a frame, instance of its partner frame), frame by frame.

    Returns: the instance and the candidate of each pair, and where each frame's pairs begin.
    """
    counts = np.diff(starts)
    across = np.where(partner >= 0, counts[partner], 0)
    pairs = counts[current] * across
    offset = np.cumsum(pairs) - pairs
    within = np.arange(pairs.sum()) - np.repeat(offset, pairs)
    width = np.repeat(across, pairs)
    i = np.repeat(starts[current], pairs) + within // np.maximum(width, 1)
    j = np.repeat(starts[partner], pairs) + within % np.maximum(width, 1)
    return i, j, offset


def _cross(begin: int, alone: list[int], tracks: dict[int, Track]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """All pairs of instances `alone` of the frame that begins at `begin` and the last instances of `tracks`."""
    i = np.repeat(np.array(alone, np.intp) + begin, len(tracks))
    return i, np.tile(np.array([track.index for track in tracks.values()], np.intp), len(alone))


def _to_rows(gains: NDArray[np.float64], instances: int, tracks: list[int]) -> Gains:
    rows = gains.reshape(instances, len(tracks)).tolist()
    return [{track: gain for track, gain in zip(tracks, row, strict=True) if gain > 0} for row in rows]


def _gain(
    features: Features, i: NDArray[np.intp], j: NDArray[np.intp], lag: NDArray[np.intp], config: TrackingConfig
) -> NDArray[np.float64]:
    """Gain of linking instance i with candidate j, `lag` frames before it; NaN where it is not allowed."""
    if config.candidates == "flow":
        _, window, nodes, _ = features.instances.shifted.shape
        poses = features.instances.shifted.reshape(-1, nodes, 2), j * window + lag - 1
        return score_pairs(_pair(features, (i, j), poses, features.shifted_centroid[j, lag - 1]), config)
    return score_pairs(_pair(features, (i, j), (features.instances.points, j), features.centroid[j]), config)


def _pair(
    features: Features,
    pairs: tuple[NDArray[np.intp], NDArray[np.intp]],
    poses: tuple[Floats, NDArray[np.intp]],
    centroid: Floats,
    shift: Floats | None = None,
) -> Pairs:
    """Instances and candidates side by side.

    Args:
        pairs: (p,) of which instances, each.
        poses: points of the candidates as they are compared, and which of them (p,).
        centroid: (p, 2) of these. shift: (p, 2) by which their points are moved yet.
    """
    i, j = pairs
    offset = features.centroid[i].astype(np.float64) - centroid
    area = np.maximum(features.area[i], features.area[j]).astype(np.float64)
    return Pairs(features.instances.points, i, *poses, area, np.hypot(offset[:, 0], offset[:, 1]), shift)
