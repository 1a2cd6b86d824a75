"""motmetrics over millions of frames: only the frames in which something happens are fed to it.

motmetrics takes about a millisecond for a frame. After a frame in which every animal is matched with a track and every
track with an animal, it keeps these matches as long as the same animals and tracks are there and each pair is near
enough: such frames change nothing but counts, which are added here.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.stats import chi2

from poseflow.core.similarity import score_node_distance

BLOCK_FRAMES = 4096


class Numbered(Protocol):
    """Animals or tracks over time; rows are sorted by frame."""

    @property
    def frame_idx(self) -> NDArray[np.int64]:
        """(n,) ascending."""

    @property
    def number(self) -> NDArray[np.int64]:
        """(n,) of the animal or track, once in a frame."""

    @property
    def points(self) -> NDArray[np.float32]:
        """(n, nodes, 2) px, NaN where missing."""


@dataclass(frozen=True, eq=False)
class FrameBlock:
    """Frames as arrays of one width; b frames, at most k animals and h tracks."""

    frames: NDArray[np.int64]
    """(b,)"""
    animals: NDArray[np.int64]
    """(b, k) rows of the truth, by the animals' numbers, -1 beyond"""
    tracks: NDArray[np.int64]
    """(b, h) rows of what was found, likewise"""
    distance: NDArray[np.float64]
    """(b, k, h) px, NaN where they are too far apart to match"""


def iter_blocks(truth: Numbered, found: Numbered, frames: NDArray[np.int64], match_px: float) -> Iterator[FrameBlock]:
    """Compare animals and tracks frame by frame, some thousand frames at a time."""
    true_order, found_order = (np.lexsort((side.number, side.frame_idx)) for side in (truth, found))
    for begin in range(0, len(frames), BLOCK_FRAMES):
        wanted = frames[begin : begin + BLOCK_FRAMES]
        animals, tracks = _pad(truth, true_order, wanted), _pad(found, found_order, wanted)
        distance = score_node_distance(truth.points[animals], found.points[tracks])
        distance[~(distance <= match_px)] = np.nan
        distance[(animals < 0)[:, :, None] | (tracks < 0)[:, None]] = np.nan
        yield FrameBlock(wanted, animals, tracks, distance)


@dataclass
class MotCounts:
    """What motmetrics found, and what the frames that it was not shown add."""

    quiet_matches: int = 0
    quiet_distance: float = 0.0
    shared: Counter[tuple[int, int]] = field(default_factory=Counter)
    """In how many frames an animal and a track could match."""
    appearances: tuple[Counter[int], Counter[int]] = field(default_factory=lambda: (Counter(), Counter()))
    """In how many frames each animal and each track is."""
    fed: int = 0
    """Frames that motmetrics was shown."""


def measure_tracks(truth: Numbered, found: Numbered, frames: NDArray[np.int64], match_px: float) -> dict[str, Any]:
    """CLEAR MOT and ID measures, as motmetrics gives them for all frames.

    Returns: `switches`, `switch_frames`, `fragments`, `misses`, `false_positives`, `matches`, `mota`, `motp_px`,
        `idf1`, `idp`, `idr`; None where there is nothing to measure. `frames_fed`: how many frames motmetrics saw.
    Source: Bernardin & Stiefelhagen 2008; Ristani et al. 2016; both by py-motmetrics 1.4.
    """
    import motmetrics

    accumulator, counts = motmetrics.MOTAccumulator(), MotCounts()
    feeder = _Feeder(accumulator, counts, truth.number, found.number)
    for block in iter_blocks(truth, found, frames, match_px):
        _count_shared(block, truth.number, found.number, counts)
        feeder.feed(block)
    return _put_together(accumulator, counts)


class _Feeder:
    """Feeds motmetrics the frames that matter; the matches of the last one go on in those between."""

    def __init__(
        self, accumulator: Any, counts: MotCounts, animals: NDArray[np.int64], tracks: NDArray[np.int64]
    ) -> None:
        self._accumulator, self._counts = accumulator, counts
        self._animals, self._tracks = animals, tracks
        self._last: tuple[list[int], list[int]] | None = None
        self._pairs: NDArray[np.intp] | None = None  # column of each row; None: not all of the last frame are matched

    def feed(self, block: FrameBlock) -> None:
        animals = np.where(block.animals >= 0, np.append(self._animals, 0)[block.animals], -1)
        tracks = np.where(block.tracks >= 0, np.append(self._tracks, 0)[block.tracks], -1)
        changed = np.ones(len(block.frames), bool)
        changed[1:] = (animals[1:] != animals[:-1]).any(axis=1) | (tracks[1:] != tracks[:-1]).any(axis=1)
        ends = np.append(np.flatnonzero(changed), len(block.frames))
        at = 0
        while at < len(block.frames):
            here = [row[row >= 0].tolist() for row in (animals[at], tracks[at])]
            if self._pairs is not None and (here[0], here[1]) == self._last:
                end = int(ends[np.searchsorted(ends, at, side="right")])
                quiet = self._pass_over(block.distance[at:end])
                at += quiet
                if quiet:
                    continue
            self._show(int(block.frames[at]), here[0], here[1], block.distance[at])
            at += 1

    def _pass_over(self, distance: NDArray[np.float64]) -> int:
        """Count the frames in which all matches of the last one hold; how many these are before the first other."""
        assert self._pairs is not None
        matched = distance[:, np.arange(len(self._pairs)), self._pairs]
        broken = np.flatnonzero(np.isnan(matched).any(axis=1))
        quiet = int(broken[0]) if len(broken) else len(matched)
        self._counts.quiet_matches += quiet * len(self._pairs)
        self._counts.quiet_distance += float(matched[:quiet].sum())
        return quiet

    def _show(self, frame: int, animals: list[int], tracks: list[int], distance: NDArray[np.float64]) -> None:
        near = distance[: len(animals), : len(tracks)]
        self._accumulator.update(animals, tracks, near.copy(), frameid=frame)
        self._counts.fed += 1
        matches = [self._accumulator.m.get(animal) for animal in animals]
        self._last, self._pairs = (animals, tracks), None
        if sorted(match for match in matches if match is not None) == tracks and len(matches) == len(tracks):
            pairs = np.array([tracks.index(match) for match in matches], np.intp)
            if not np.isnan(near[np.arange(len(pairs)), pairs]).any():
                self._pairs = pairs


def _pad(side: Numbered, order: NDArray[np.intp], frames: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows (frames, most in a frame) of each frame by number, -1 beyond."""
    at = side.frame_idx[order]
    begin, stop = np.searchsorted(at, frames), np.searchsorted(at, frames, side="right")
    most = int((stop - begin).max(initial=0))
    place = begin[:, None] + np.arange(most)
    inside = place < stop[:, None]
    if not len(order):
        return np.full(place.shape, -1, np.int64)
    return np.where(inside, order[np.minimum(place, len(order) - 1)], -1)


def _count_shared(block: FrameBlock, animals: NDArray[np.int64], tracks: NDArray[np.int64], counts: MotCounts) -> None:
    for rows, numbers, counter in zip(
        (block.animals, block.tracks), (animals, tracks), counts.appearances, strict=True
    ):
        seen, times = np.unique(numbers[rows[rows >= 0]], return_counts=True)
        counter.update(dict(zip(seen.tolist(), times.tolist(), strict=True)))
    frame, i, j = np.nonzero(~np.isnan(block.distance))
    pairs = np.stack([animals[block.animals[frame, i]], tracks[block.tracks[frame, j]]], axis=1)
    shared, times = np.unique(pairs, axis=0, return_counts=True)
    counts.shared.update({(a, t): n for (a, t), n in zip(shared.tolist(), times.tolist(), strict=True)})


COUNTS = {
    "num_switches": "switches",
    "num_fragmentations": "fragments",
    "num_misses": "misses",
    "num_false_positives": "false_positives",
    "num_matches": "matches",
}
MEASURES = (*COUNTS.values(), "mota", "idf1", "idp", "idr", "motp_px")


def _put_together(accumulator: Any, counts: MotCounts) -> dict[str, Any]:
    import motmetrics

    if not any(counts.appearances):
        return {**dict.fromkeys(MEASURES), "switch_frames": [], "frames_fed": counts.fed}
    names = [*COUNTS, "num_detections", "motp"]
    computed = motmetrics.metrics.create().compute(accumulator, metrics=names, return_dataframe=False)
    figures: dict[str, Any] = {name: int(computed[metric]) for metric, name in COUNTS.items()}
    detections = int(computed["num_detections"])
    distance = float(computed["motp"]) * detections if detections else 0.0
    figures["matches"] += counts.quiet_matches
    detections += counts.quiet_matches
    animals = sum(counts.appearances[0].values())
    wrong = figures["misses"] + figures["false_positives"] + figures["switches"]
    events = accumulator.mot_events
    where = events.index.get_level_values("FrameId")[events["Type"] == "SWITCH"]
    return {
        **figures,
        "mota": 1 - wrong / animals if animals else None,
        "motp_px": (distance + counts.quiet_distance) / detections if detections else None,
        **_measure_identities(counts),
        "switch_frames": sorted({int(frame) for frame in where}),
        "frames_fed": counts.fed,
    }


def _measure_identities(counts: MotCounts) -> dict[str, float | None]:
    """IDF1, IDP and IDR: the pairing of animals with tracks that shares the most frames."""
    animals, tracks = (sorted(counter) for counter in counts.appearances)
    shared = np.zeros((len(animals), len(tracks)))
    for (animal, track), times in counts.shared.items():
        shared[animals.index(animal), tracks.index(track)] = times
    right = shared[linear_sum_assignment(shared, maximize=True)].sum()
    true, found = (sum(counter.values()) for counter in counts.appearances)
    return {
        "idf1": float(2 * right / (true + found)),
        "idp": float(right / found) if found else None,
        "idr": float(right / true) if true else None,
    }


def count_interval(count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Limits between which the mean of a Poisson count lies with some confidence.

    Source: Garwood 1936, "Fiducial limits for the Poisson distribution".
    """
    tail = (1 - confidence) / 2
    low = chi2.ppf(tail, 2 * count) / 2 if count else 0.0
    return float(low), float(chi2.ppf(1 - tail, 2 * count + 2) / 2)
