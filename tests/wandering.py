"""Animals that wander and cross."""

from dataclasses import replace

import numpy as np

from poseflow.core.skeleton import Skeleton
from poseflow.tables import Predictions

SKELETON = Skeleton(nodes=("a", "b", "c"))
NAMES = ("anna", "bert", "carl")


def make_recording(seed, frames=120, lags=2):
    """Three animals that wander and cross, are missed now and then, with looks that are mostly right."""
    rng = np.random.default_rng(seed)
    paths = np.cumsum(rng.normal(0, 4, (frames, 3, 2)), axis=0) + rng.uniform(0, 80, (3, 2))
    seen = rng.random((frames, 3)) < 0.9
    frame_idx, animal = np.nonzero(seen)
    body = np.array([[0, 0], [15, 3], [-12, 6]])
    points = paths[frame_idx, animal][:, None] + body + rng.normal(0, 1, (len(animal), 3, 2))
    order = np.lexsort((-(scores := rng.random(len(animal)).astype(np.float32)), frame_idx))
    plain = Predictions.from_instances(SKELETON, frame_idx[order], points[order], scores[order], [(0, frames)])
    looks = np.eye(3)[animal[order]] * rng.uniform(0, 4, (len(animal), 1)) + rng.normal(0, 1, (len(animal), 3))
    chance = np.exp(looks) / np.exp(looks).sum(1, keepdims=True)
    shifted = np.repeat(plain.points[:, None], lags, 1) + rng.normal(0, 1, (len(plain), lags, 3, 2)).astype(np.float32)
    return replace(plain, class_scores=chance.astype(np.float32), class_names=NAMES, shifted=shifted)
