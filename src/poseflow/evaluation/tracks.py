"""How well tracks keep animals apart over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from poseflow.config import EvaluationConfig
from poseflow.tables import Predictions, Tracks


class IdentifiedPoses(Protocol):
    """One frame's labels with the animals' names (`poseflow.labels.FrameLabels`)."""

    @property
    def frame_idx(self) -> int:
        """Number of the frame in its video."""

    @property
    def points(self) -> NDArray[np.float32]:
        """(n, nodes, 2) px, NaN where not visible."""

    @property
    def identities(self) -> Sequence[str | None]:
        """(n,) names, None for an animal without one."""


@dataclass(frozen=True, eq=False)
class Trajectories:
    """Poses of one video with the number of the animal or track that each belongs to."""

    frame_idx: NDArray[np.int64]
    """(n,) ascending"""
    number: NDArray[np.int64]
    """(n,) of the animal or track"""
    points: NDArray[np.float32]
    """(n, nodes, 2)"""
    frames: NDArray[np.int64]
    """Frames that were looked at, whether there is an animal or not."""

    @classmethod
    def from_labels(cls, labels: Sequence[IdentifiedPoses]) -> "Trajectories":
        """Of labeled frames of one video; animals without a name are left out."""
        labels = sorted(labels, key=lambda frame: frame.frame_idx)
        names = sorted({name for frame in labels for name in frame.identities if name is not None})
        rows = [
            (frame.frame_idx, names.index(name), pose)
            for frame in labels
            for pose, name in zip(frame.points, frame.identities, strict=True)
            if name is not None
        ]
        nothing = labels[0].points[:0] if labels else np.empty((0, 0, 2), np.float32)
        return cls(
            np.array([row[0] for row in rows], np.int64),
            np.array([row[1] for row in rows], np.int64),
            np.stack([row[2] for row in rows]) if rows else nothing,
            np.array([frame.frame_idx for frame in labels], np.int64),
        )

    @classmethod
    def from_tracks(cls, predictions: Predictions, tracks: Tracks) -> "Trajectories":
        """Of predicted and tracked instances."""
        row = tracks.row - predictions.first_row
        frames = np.concatenate([np.arange(*part) for part in predictions.frames] or [np.empty(0, np.int64)])
        return cls(tracks.frame_idx, tracks.track.astype(np.int64), predictions.points[row], frames)


def evaluate_tracks(truth: Trajectories, found: Trajectories, config: EvaluationConfig | None = None) -> dict[str, Any]:
    """Measure one video's tracks against its animals, in the frames that both have looked at.

    An animal and a track match where their nodes are at most `config.match_px` apart on average; a match is kept from
    frame to frame as long as it can be.

    Returns: what JSON can hold: `frames`, `animals`, `tracks` (counts); `switches` (an animal is matched with another
        track than before: two when two animals change places), `switches_per_100k_frames`, `switch_frames` (where);
        `mota`, `idf1`, `idp`, `idr`, `motp_px` (mean distance of matches); `fragments` (an animal's track is
        interrupted), `misses`, `false_positives`, `matches`. None where there is nothing to measure.
    Source: CLEAR MOT (Bernardin & Stiefelhagen 2008) and ID measures (Ristani et al. 2016), by py-motmetrics, as in
        Pereira et al. 2022, Methods, "Accuracy metrics".
    """
    import motmetrics

    config = config or EvaluationConfig()
    frames = np.intersect1d(truth.frames, found.frames)
    accumulator = motmetrics.MOTAccumulator()
    for frame in frames.tolist():
        animals, tracks = _rows(truth, frame), _rows(found, frame)
        distances = score_node_distance(truth.points[animals], found.points[tracks])
        distances[~(distances <= config.match_px)] = np.nan
        accumulator.update(truth.number[animals].tolist(), found.number[tracks].tolist(), distances, frameid=frame)
    counts = {
        "frames": len(frames),
        "animals": len(np.unique(truth.number[np.isin(truth.frame_idx, frames)])),
        "tracks": len(np.unique(found.number[np.isin(found.frame_idx, frames)])),
    }
    return {**counts, **_measure(accumulator, len(frames)), "match_px": config.match_px}


def score_node_distance(truth: NDArray[np.floating], found: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean distance in px (n, m) of the nodes that both of (n, nodes, 2) and (m, nodes, 2) have; NaN without one."""
    difference = truth[:, None].astype(np.float64) - found[None]
    distance = np.hypot(difference[..., 0], difference[..., 1])
    there = ~np.isnan(distance)
    total, count = np.where(there, distance, 0).sum(axis=-1), there.sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


MEASURES = {
    "num_switches": "switches",
    "mota": "mota",
    "idf1": "idf1",
    "idp": "idp",
    "idr": "idr",
    "motp": "motp_px",
    "num_fragmentations": "fragments",
    "num_misses": "misses",
    "num_false_positives": "false_positives",
    "num_matches": "matches",
}


def _measure(accumulator: Any, frames: int) -> dict[str, Any]:
    import motmetrics

    if not frames or accumulator.mot_events.empty:
        return {**dict.fromkeys(MEASURES.values()), "switches_per_100k_frames": None, "switch_frames": []}
    computed = motmetrics.metrics.create().compute(accumulator, metrics=list(MEASURES), return_dataframe=False)
    figures = {name: _plain(computed[metric]) for metric, name in MEASURES.items()}
    events = accumulator.mot_events
    where = events.index.get_level_values("FrameId")[events["Type"] == "SWITCH"]
    return {
        **figures,
        "switches_per_100k_frames": float(computed["num_switches"]) / frames * 100_000,
        "switch_frames": sorted({int(frame) for frame in where}),
    }


def _plain(value: Any) -> float | int | None:
    if np.isnan(value):
        return None
    return int(value) if isinstance(value, int | np.integer) else float(value)


def _rows(trajectories: Trajectories, frame: int) -> slice:
    begin, stop = np.searchsorted(trajectories.frame_idx, [frame, frame + 1])
    return slice(int(begin), int(stop))
