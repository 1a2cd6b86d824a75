"""A synthetic cage as tables: the simulator's poses as networks would find them, without rendering a frame."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseflow.synth.animals import IDENTITIES, SKELETON
from poseflow.synth.simulate import simulate_cage
from poseflow.tables import Predictions

BODY_PX = 99.0
LAGS = 5
CHUNK = 2000


@dataclass(frozen=True)
class Noise:
    """How well animals are found."""

    point_px: float = 1.0
    outliers: float = 0.01
    """Share of nodes that are found somewhere on the animal."""
    undetected: float = 0.02
    covered_undetected: float = 0.5
    """Share of animals that are not detected while another lies on them."""
    false_positives: float = 0.02
    """That begin in a frame: copies of an animal beside it, or somewhere; they last 3 frames on average."""
    accuracy: float = 0.93
    """Share of the detections whose likeliest name is right."""
    memory_frames: float = 8.0
    """Errors of looks are alike over so many frames."""


@dataclass(frozen=True)
class Truth:
    """Poses of n animals in all frames."""

    points: NDArray[np.float32]
    visible: NDArray[np.bool_]

    @classmethod
    def simulate(cls, frames: int, animals: int, seed: int) -> "Truth":
        points = np.empty((frames, animals, len(SKELETON.nodes), 2), np.float32)
        visible = np.empty(points.shape[:3], bool)
        for poses in simulate_cage(frames, animals, seed):
            points[poses.frame_idx], visible[poses.frame_idx] = poses.points, poses.visible
        return cls(points, visible)


def find_animals(truth: Truth, noise: Noise, seed: int) -> tuple[Predictions, NDArray[np.int64]]:
    """What networks would find; and which animal each instance is, -1 for none."""
    rng = np.random.default_rng([seed, 2])
    frames, animals = truth.visible.shape[:2]
    looks = _draw_looks(truth, noise, rng)
    seen = _draw_seen(truth, noise, rng)
    frame_idx, animal = np.nonzero(seen)
    points, shifted = _draw_points(truth, frame_idx, animal, noise, rng)
    ghosts = _draw_ghosts(truth, noise, rng)
    frame_idx = np.concatenate([frame_idx, ghosts[0]])
    ghost_shift = np.repeat(ghosts[1][:, None], LAGS, 1) + rng.normal(0, 2, (len(ghosts[0]), LAGS, 1, 2))
    scores = np.concatenate([rng.uniform(0.6, 1, len(animal)), rng.uniform(0.3, 0.75, len(ghosts[0]))])
    chance = np.concatenate([looks[np.nonzero(seen)], rng.dirichlet(np.full(animals, 0.7), len(ghosts[0]))])
    who = np.concatenate([animal, np.full(len(ghosts[0]), -1)])
    points = np.concatenate([points, ghosts[1]]).astype(np.float32)
    shifted = np.concatenate([shifted, ghost_shift]).astype(np.float32)
    scores = scores.astype(np.float32)
    order = np.lexsort((-scores, frame_idx))
    there = ~np.isnan(points[order][..., 0])
    predictions = Predictions(
        skeleton=SKELETON,
        frame_idx=frame_idx[order].astype(np.int64),
        score=scores[order],
        points=points[order],
        point_scores=there.astype(np.float32),
        shifted=shifted[order],
        class_scores=chance[order].astype(np.float32),
        hidden=np.empty((len(points), 0), np.float32),
        class_names=IDENTITIES[:animals],
        frames=((0, frames),),
        metadata={"video": "cage"},
    )
    return predictions, who[order]


def _draw_looks(truth: Truth, noise: Noise, rng: np.random.Generator) -> NDArray[np.float64]:
    """Class probabilities (frames, animals, animals) whose likeliest name is right as often as asked for."""
    frames, animals = truth.visible.shape[:2]
    kept = np.exp(-1 / noise.memory_frames)
    errors = rng.normal(0, 1, (frames, animals, animals))
    for frame in range(1, frames):
        errors[frame] = kept * errors[frame - 1] + np.sqrt(1 - kept**2) * errors[frame]
    shown = truth.visible.mean(axis=2)
    errors *= np.where(shown < 0.5, 1.5, 1)[..., None]
    own = np.eye(animals)
    low, high = 0.0, 10.0
    for _ in range(30):
        middle = (low + high) / 2
        right = ((errors + middle * own).argmax(-1) == np.arange(animals))[shown > 0.2].mean()
        low, high = (middle, high) if right < noise.accuracy else (low, middle)
    odds = np.exp(1.5 * (errors + high * own))
    return odds / odds.sum(-1, keepdims=True)


def _centers(truth: Truth) -> NDArray[np.float32]:
    return truth.points[:, :, 5:10].mean(axis=2)


def _draw_seen(truth: Truth, noise: Noise, rng: np.random.Generator) -> NDArray[np.bool_]:
    shown = truth.visible.sum(axis=2)
    chance = np.where(shown < 9, noise.covered_undetected, noise.undetected)
    return (shown >= 4) & (rng.random(shown.shape) >= chance)


def _draw_points(
    truth: Truth,
    frame_idx: NDArray[np.int64],
    animal: NDArray[np.int64],
    noise: Noise,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points of found animals, and where flow moves them: what is then covered moves with the one on top."""
    exact, visible = truth.points[frame_idx, animal], truth.visible[frame_idx, animal]
    points = exact + rng.normal(0, noise.point_px, exact.shape)
    wild = rng.random(visible.shape) < noise.outliers
    points[wild] += rng.normal(0, 0.2 * BODY_PX, (wild.sum(), 2))
    points[~visible] = np.nan
    shifted = np.empty((len(points), LAGS, *points.shape[1:]))
    centers = _centers(truth)
    apart = np.linalg.norm(centers[:, :, None] - centers[:, None], axis=-1)
    apart[:, range(apart.shape[1]), range(apart.shape[1])] = np.inf
    nearest = apart.argmin(-1)
    for lag in range(1, LAGS + 1):
        later = np.minimum(frame_idx + lag, len(truth.points) - 1)
        own = truth.points[later, animal] - exact
        rival = nearest[later, animal]
        theirs = (centers[later, rival] - centers[frame_idx, rival])[:, None]
        motion = np.where(truth.visible[later, animal][..., None], own, theirs)
        shifted[:, lag - 1] = points + motion + rng.normal(0, 0.3 * lag, points.shape)
        shifted[frame_idx + lag >= len(truth.points), lag - 1] = np.nan
    lost = rng.random(shifted.shape[:3]) < 0.03
    shifted[lost] = np.nan
    return points, shifted


def _draw_ghosts(truth: Truth, noise: Noise, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Frames and points of detections that are no animal."""
    frames, animals = truth.visible.shape[:2]
    when, where = [], []
    for begin in np.flatnonzero(rng.random(frames) < noise.false_positives).tolist():
        animal = rng.integers(animals)
        shape = truth.points[begin, animal]
        moved = rng.normal(0, 0.25 * BODY_PX, 2) if rng.random() < 0.5 else rng.uniform(-300, 300, 2)
        for frame in range(begin, min(begin + rng.geometric(1 / 3), frames)):
            when.append(frame)
            where.append(shape + moved + rng.normal(0, 3, shape.shape))
    return np.array(when, np.int64), np.array(where, np.float64).reshape(-1, *truth.points.shape[2:])


def iter_rows(predictions: Predictions) -> Iterator[slice]:
    """Slices of some thousand rows that hold whole frames."""
    frames = predictions.frame_idx
    for begin in range(0, int(frames[-1]) + 1, CHUNK):
        yield slice(*np.searchsorted(frames, [begin, begin + CHUNK]).tolist())
