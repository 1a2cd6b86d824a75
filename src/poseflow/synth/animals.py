"""The animals: a gerbil's skeleton, its shape seen from above, and who they are."""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from poseflow.core.skeleton import Skeleton

# Nodes and edges of the gerbil recording in Pereira et al. 2022.
SKELETON = Skeleton.from_names(
    nodes=(
        "nose",
        "left_eye",
        "right_eye",
        "left_ear",
        "right_ear",
        "spine1",
        "spine2",
        "spine3",
        "spine4",
        "spine5",
        "tail1",
        "tail2",
        "tail3",
        "tail4",
    ),
    edges=(
        ("spine3", "spine2"),
        ("spine2", "spine1"),
        ("spine1", "left_eye"),
        ("spine1", "right_eye"),
        ("spine1", "left_ear"),
        ("spine1", "right_ear"),
        ("spine1", "nose"),
        ("spine3", "spine4"),
        ("spine4", "spine5"),
        ("spine5", "tail1"),
        ("tail1", "tail2"),
        ("tail2", "tail3"),
        ("tail3", "tail4"),
    ),
    symmetries=(("left_eye", "right_eye"), ("left_ear", "right_ear")),
)

# Places on the body as (u, d): u from the nose's tip (0) to the rump (1) along the spine, d to the animal's right in
# half-widths of the body.
EYES, EYE_SIDE = 0.125, 0.46
EARS, EAR_SIDE = 0.235, 0.62
BODY_NODES: NDArray[np.float64] = np.array(
    [
        (0.012, 0.0),
        (EYES, -EYE_SIDE),
        (EYES, EYE_SIDE),
        (EARS, -EAR_SIDE),
        (EARS, EAR_SIDE),
        (0.29, 0.0),
        (0.44, 0.0),
        (0.59, 0.0),
        (0.74, 0.0),
        (0.89, 0.0),
    ]
)
# Places along the tail, from its root (0) to its tip (1).
TAIL_NODES: NDArray[np.float64] = np.array([0.03, 0.35, 0.67, 0.99])

# The silhouette: half-width at u, as a fraction of the greatest.
_SILHOUETTE_U = (0.0, 0.015, 0.05, 0.11, 0.17, 0.23, 0.30, 0.40, 0.52, 0.64, 0.75, 0.85, 0.93, 0.975, 1.0)
_SILHOUETTE_W = (0.0, 0.17, 0.31, 0.49, 0.60, 0.63, 0.63, 0.72, 0.85, 0.96, 1.0, 0.93, 0.70, 0.43, 0.0)


def silhouette(u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half-width of the body at `u` as a fraction of the greatest; 0 beyond nose and rump."""
    return np.interp(u, *_smooth_silhouette(), left=0.0, right=0.0)


@cache
def _smooth_silhouette() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    u = np.linspace(-0.02, 1.02, 209)
    corners = np.interp(u, _SILHOUETTE_U, _SILHOUETTE_W)
    window = np.hanning(9)
    return u[4:-4], np.convolve(corners, window / window.sum(), mode="valid")


@dataclass(frozen=True)
class Animal:
    """Who an animal is: name, size and fur. Colors are RGB albedos, 0 to 1."""

    identity: str
    size: float  # of an adult's length
    fur: tuple[float, float, float]
    mark: tuple[float, float, float]
    pattern: Literal["collar", "stripe", "shaved", "plain", "patches"]


_AGOUTI = (0.62, 0.47, 0.315)

ANIMALS = (
    Animal("female", 0.97, (0.68, 0.525, 0.36), (0.93, 0.89, 0.82), "collar"),
    Animal("male", 1.05, (0.57, 0.43, 0.285), (0.15, 0.115, 0.09), "stripe"),
    Animal("pupshaved", 0.80, _AGOUTI, (0.82, 0.64, 0.58), "shaved"),
    Animal("pupunshaved", 0.80, _AGOUTI, _AGOUTI, "plain"),
    Animal("siblingdark", 0.92, (0.24, 0.22, 0.205), (0.66, 0.60, 0.52), "collar"),
    Animal("siblingpale", 0.90, (0.87, 0.79, 0.67), (0.42, 0.30, 0.20), "patches"),
)
IDENTITIES = tuple(animal.identity for animal in ANIMALS)
