"""How well tracks keep animals apart over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from poseflow.config import EvaluationConfig
from poseflow.evaluation.mot import count_interval, measure_tracks
from poseflow.evaluation.names import evaluate_names
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
    """Frames that were labeled or predicted, with an animal or without."""
    names: Sequence[str] = ()
    """Of labeled animals, by number."""
    identities: Sequence[str | None] = ()
    """Of tracked instances: (n,) the name of each, None for one without."""

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
            names,
        )

    @classmethod
    def from_tracks(cls, predictions: Predictions, tracks: Tracks) -> "Trajectories":
        """Of predicted and tracked instances."""
        row = tracks.row - predictions.first_row
        frames = np.concatenate([np.arange(*part) for part in predictions.frames] or [np.empty(0, np.int64)])
        numbers = tracks.track.astype(np.int64)
        return cls(tracks.frame_idx, numbers, predictions.points[row], frames, identities=tracks.identity)


def evaluate_tracks(
    truth: Trajectories, tracked: Trajectories, config: EvaluationConfig | None = None
) -> dict[str, Any]:
    """Measure one video's tracks against its animals, in the frames that both have.

    An animal and a track match where their nodes are at most `config.match_px` apart on average; a match is kept from
    frame to frame as long as it can be.

    Returns: what JSON can hold: `frames`, `animals`, `tracks` (counts); `switches` (an animal is matched with another
        track than before: two when two animals change places), `switches_per_100k_frames` and their 95 % confidence
        interval `switches_per_100k_interval`, `switch_frames` (where); `mota`, `idf1`, `idp`, `idr`, `motp_px` (mean
        distance of matches); `fragments` (an animal's track is interrupted), `false_negatives`, `false_positives`,
        `matches`; where animals have names, those of `evaluate_identities`. None where there is nothing to measure.
    Source: CLEAR MOT (Bernardin & Stiefelhagen 2008) and ID measures (Ristani et al. 2016), by py-motmetrics, as in
        Pereira et al. 2022, Methods, "Accuracy metrics".
    """
    config = config or EvaluationConfig()
    frames = np.intersect1d(truth.frames, tracked.frames)
    measured = measure_tracks(truth, tracked, frames, config.match_px)
    switches = measured["switches"]
    rates = None if switches is None else [count / len(frames) * 100_000 for count in count_interval(switches)]
    return {
        "frames": len(frames),
        "animals": len(np.unique(truth.number[np.isin(truth.frame_idx, frames)])),
        "tracks": len(np.unique(tracked.number[np.isin(tracked.frame_idx, frames)])),
        **measured,
        "switches_per_100k_frames": None if switches is None else switches / len(frames) * 100_000,
        "switches_per_100k_interval": rates,
        **evaluate_names(truth, truth.names, tracked, tracked.identities, frames, config.match_px),
        "match_px": config.match_px,
    }
