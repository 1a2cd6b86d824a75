"""What people changed in a video's poses, as arrays in the order of the pose table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class PoseEdits:
    """Poses that a person changed (n of them), and animals that a person added (m)."""

    row: NDArray[np.int64]
    """(n,) of the video's predictions table, ascending."""
    points: NDArray[np.float32]
    """(n, nodes, 2) of all nodes, px; NaN where one is not to be seen."""
    edited: NDArray[np.bool_]
    """(n, nodes), those that the person set."""
    added_frame: NDArray[np.int64]
    """(m,) ascending."""
    added_points: NDArray[np.float32]
    """(m, nodes, 2)"""
    added_edited: NDArray[np.bool_]
    """(m, nodes)"""
    added_track: NDArray[np.int32]
    """(m,)"""
    added_identity: Sequence[str | None]
    """(m,) names; None for none."""
    added_identity_score: NDArray[np.float32]
    """(m,), NaN without a name."""

    @classmethod
    def empty(cls, nodes: int) -> "PoseEdits":
        """Nothing is changed."""
        return cls.build(nodes, {}, ())

    @classmethod
    def build(
        cls,
        nodes: int,
        changed: Mapping[int, tuple[NDArray[Any], NDArray[Any]]],
        added: Sequence[tuple[int, NDArray[Any], NDArray[Any], int, str | None, float | None]],
    ) -> "PoseEdits":
        """Build from what was changed and added, in any order.

        Args:
            changed: points (nodes, 2) and which are a person's (nodes,), by row.
            added: frame, points, which are a person's, track, name and its score, of each animal.
        """
        rows = sorted(changed)
        animals = sorted(added, key=lambda one: (one[0], one[3]))
        return cls(
            np.array(rows, np.int64),
            _whole_points([changed[row][0] for row in rows], nodes),
            np.array([changed[row][1] for row in rows], np.bool_).reshape(-1, nodes),
            np.array([one[0] for one in animals], np.int64),
            _whole_points([one[1] for one in animals], nodes),
            np.array([one[2] for one in animals], np.bool_).reshape(-1, nodes),
            np.array([one[3] for one in animals], np.int32),
            [one[4] for one in animals],
            np.array([np.nan if one[5] is None else one[5] for one in animals], np.float32),
        )


def _whole_points(poses: Sequence[NDArray[Any]], nodes: int) -> NDArray[np.float32]:
    """(n, nodes, 2) in which a point that lacks a coordinate has none."""
    points = np.array(poses, np.float32).reshape(-1, nodes, 2)
    points[np.isnan(points).any(axis=-1)] = np.nan
    return points
