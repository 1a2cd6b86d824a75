"""Which animal of a frame a claim is about: the one that is where the claimed animal was seen."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from poseflow.core.matching import match_pairs
from poseflow.core.similarity import find_boxes, score_node_distance
from poseflow.corrections.claims import Sighting

NEAR_PX = 10.0
"""So near an animal may always be to where it was seen: small ones have less than that of half a length."""

MUCH_NEARER = 0.5
"""Of two animals that both may be the one, it is the nearer, if its distance is less than this part of the other's."""

NOBODY, SEVERAL = -1, -2
"""What `attach` gives where no animal is meant, or more than one may be."""


def attach(sighting: Sighting, pose: NDArray[np.float64] | None, poses: Sequence[NDArray[np.float64]]) -> int:
    """The animal that a sighting, or a pose that was added to its frame, is about.

    All animals that were seen in the frame are matched with those that are there, at once, so that neighbors are not
    mistaken: the matching with the least distance in all, each pair within half a body length (nodes on average).

    Args:
        sighting: its nodes are those of `poses`.
        pose: (nodes, 2) that a person added; None: the sighting's own animal is meant.
        poses: of each animal that is there, (forms, nodes, 2): as predicted, and as a person has changed it.

    Returns: its place in `poses`; NOBODY; or SEVERAL.
    """
    seen = sighting.points if pose is None else np.concatenate([sighting.points, pose[None]])
    meant = len(seen) - 1 if pose is not None else sighting.animal
    if not poses or meant is None:
        return NOBODY
    reach = find_reach(seen)
    distance = np.stack([_least(score_node_distance(seen, forms)) for forms in poses], axis=1)
    matched = match_pairs(reach[:, None] - distance)
    chosen = int(matched[meant])
    if chosen < 0:
        return NOBODY
    free = np.setdiff1d(np.arange(len(poses)), matched)
    rivals = [distance[meant, other] for other in free if distance[meant, other] < reach[meant]]
    return SEVERAL if rivals and distance[meant, chosen] > MUCH_NEARER * min(rivals) else chosen


def find_reach(poses: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far (n,) px animals (n, nodes, 2) may be from where they were seen: half their length; NaN without points."""
    boxes = find_boxes(poses)
    length = np.maximum(boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1])
    return np.asarray(np.maximum(length / 2, NEAR_PX), np.float64)


def _least(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of (seen, forms) the least of the forms, NaN where none shares a node."""
    known = np.where(np.isnan(distances), np.inf, distances).min(axis=1)
    return np.where(np.isinf(known), np.nan, known)
