"""CLEAR MOT and ID measures of tracks."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.stats import chi2

from poseflow.evaluation.blocks import FrameBlock, Numbered, iter_blocks
from poseflow.evaluation.clear_mot import ClearMot

MOTMETRICS_FRAMES = 2000
"""Of recordings with no more labeled frames motmetrics gives the figures; it takes about a millisecond a frame."""

COUNTS = {
    "num_fragmentations": "fragments",
    "num_misses": "false_negatives",
    "num_false_positives": "false_positives",
    "num_matches": "matches",
}
RATIOS = {"mota": "mota", "motp": "motp_px", "idf1": "idf1", "idp": "idp", "idr": "idr"}


def measure_tracks(truth: Numbered, tracked: Numbered, frames: NDArray[np.int64], match_px: float) -> dict[str, Any]:
    """CLEAR MOT and ID measures in `frames`: motmetrics', in long recordings the same by their definitions.

    Returns: `switches`, `switch_frames`, `fragments`, `false_negatives`, `false_positives`, `matches`, `mota`,
        `motp_px`, `idf1`, `idp`, `idr`; None where there is nothing to measure.
    Source: Bernardin & Stiefelhagen 2008; Ristani et al. 2016; both as py-motmetrics 1.4 has them.
    """
    if not (np.isin(truth.frame_idx, frames).any() or np.isin(tracked.frame_idx, frames).any()):
        return {**dict.fromkeys(["switches", *COUNTS.values(), *RATIOS.values()]), "switch_frames": []}
    measure = _measure_by_motmetrics if len(frames) <= MOTMETRICS_FRAMES else _measure_by_definition
    return measure(iter_blocks(truth, tracked, frames, match_px))


def _measure_by_motmetrics(blocks: Iterable[FrameBlock]) -> dict[str, Any]:
    import motmetrics

    accumulator = motmetrics.MOTAccumulator()
    for block in blocks:
        for frame, animals, tracks, distance in zip(
            block.frames.tolist(), block.animals, block.tracks, block.distance, strict=True
        ):
            animals, tracks = animals[animals >= 0], tracks[tracks >= 0]
            near = distance[: len(animals), : len(tracks)]
            accumulator.update(animals.tolist(), tracks.tolist(), near, frameid=frame)
    computed = motmetrics.metrics.create().compute(accumulator, metrics=[*COUNTS, *RATIOS], return_dataframe=False)
    events = accumulator.mot_events
    switch_frames = events.index.get_level_values("FrameId")[events["Type"] == "SWITCH"]
    return {
        "switches": len(switch_frames),
        **{name: int(computed[metric]) for metric, name in COUNTS.items()},
        **{name: float(computed[m]) if np.isfinite(computed[m]) else None for m, name in RATIOS.items()},
        "switch_frames": sorted({int(frame) for frame in switch_frames}),
    }


def _measure_by_definition(blocks: Iterable[FrameBlock]) -> dict[str, Any]:
    counts, shared = ClearMot(), SharedFrames()
    for block in blocks:
        counts.add(block)
        shared.add(block)
    animals, matched = sum(shared.animals.values()), counts.matches + len(counts.switch_frames)
    wrong = counts.false_negatives + counts.false_positives + len(counts.switch_frames)
    return {
        "switches": len(counts.switch_frames),
        "fragments": counts.fragments,
        "false_negatives": counts.false_negatives,
        "false_positives": counts.false_positives,
        "matches": counts.matches,
        "mota": 1 - wrong / animals if animals else None,
        "motp_px": counts.distance / matched if matched else None,
        **shared.measure_identities(),
        "switch_frames": sorted(set(counts.switch_frames)),
    }


@dataclass
class SharedFrames:
    """In how many frames each animal and each track is, and in how many each animal could match each track."""

    animals: Counter[int] = field(default_factory=Counter)
    tracks: Counter[int] = field(default_factory=Counter)
    pairs: Counter[tuple[int, int]] = field(default_factory=Counter)

    def add(self, block: FrameBlock) -> None:
        """Count the next frames."""
        for numbers, counter in ((block.animals, self.animals), (block.tracks, self.tracks)):
            seen, times = np.unique(numbers[numbers >= 0], return_counts=True)
            counter.update(dict(zip(seen.tolist(), times.tolist(), strict=True)))
        frame, i, j = np.nonzero(~np.isnan(block.distance))
        pairs = np.stack([block.animals[frame, i], block.tracks[frame, j]], axis=1)
        shared, times = np.unique(pairs, axis=0, return_counts=True)
        self.pairs.update({(a, t): n for (a, t), n in zip(shared.tolist(), times.tolist(), strict=True)})

    def measure_identities(self) -> dict[str, float | None]:
        """IDF1, IDP and IDR: of the pairing of animals with tracks that shares the most frames."""
        animals, tracks = sorted(self.animals), sorted(self.tracks)
        shared = np.zeros((len(animals), len(tracks)))
        for (animal, track), times in self.pairs.items():
            shared[animals.index(animal), tracks.index(track)] = times
        right = shared[linear_sum_assignment(shared, maximize=True)].sum()
        true, tracked = self.animals.total(), self.tracks.total()
        return {
            "idf1": float(2 * right / (true + tracked)),
            "idp": float(right / tracked) if tracked else None,
            "idr": float(right / true) if true else None,
        }


def count_interval(count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Limits between which the mean of a Poisson count lies with some confidence.

    Source: Garwood 1936, "Fiducial limits for the Poisson distribution".
    """
    tail = (1 - confidence) / 2
    low = chi2.ppf(tail, 2 * count) / 2 if count else 0.0
    return float(low), float(chi2.ppf(1 - tail, 2 * count + 2) / 2)
