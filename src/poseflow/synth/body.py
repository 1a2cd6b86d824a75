"""Bodies in the image: a width along a curved spine, and a tail that follows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseflow.synth.animals import BODY_NODES, SKELETON, TAIL_NODES, silhouette

Array = NDArray[np.float64]

# Samples of the center line: a little beyond nose and rump, evenly spaced in u.
LINE_U: Array = np.linspace(-0.1, 1.1, 37)
_STEP_U = float(LINE_U[1] - LINE_U[0])
_HIP = int(np.argmin(np.abs(LINE_U - 0.74)))
_RUMP = int(np.argmin(np.abs(LINE_U - 0.98)))
TAIL_LINKS = 10


@dataclass(frozen=True)
class Bodies:
    """All animals in one frame, px."""

    line: Array  # (n, 37, 2) center line at LINE_U
    angle: Array  # (n, 37) direction toward the nose there, radians
    length: Array  # (n,) nose to rump
    half_width: Array  # (n,) the greatest
    tail: Array  # (n, 11, 2) from root to tip
    velocity: Array  # (n, 2) of the trunk, px per frame
    gait: Array  # (n, 2) phase of the steps in radians, and how far the feet swing, 0 to 1

    def place(self, animal: int, u: Array, d: Array) -> Array:
        """Image points (k, 2) of places on one body: u along the spine, d to the right in half-widths, (k,) each."""
        line = self.line[animal]
        center = np.stack([np.interp(u, LINE_U, line[:, 0]), np.interp(u, LINE_U, line[:, 1])], axis=-1)
        angle = np.interp(u, LINE_U, self.angle[animal])
        right = np.stack([-np.sin(angle), np.cos(angle)], axis=-1)
        return center + right * (d * self.half_width[animal])[:, None]

    def project(self, animal: int, points: Array) -> tuple[Array, Array]:
        """The places (u, d) on one body, (k,) each, of image points (k, 2): what `place` does, backwards.

        True near the body; far away, where several places would fit, some place outside the silhouette.
        """
        line, angle = self.line[animal], self.angle[animal]
        length = self.length[animal]
        # Squared distances, less the points' own squares, which do not change which sample is nearest.
        nearest = np.argmin((line * line).sum(axis=1) - 2 * points @ line.T, axis=1)
        x, y = (points - line[nearest]).T
        cos, sin = np.cos(angle)[nearest], np.sin(angle)[nearest]
        sideways = cos * y - sin * x
        # On the inner side of a bend the spine's arc is longer than the way beside it, on the outer side shorter.
        bend = (angle[np.minimum(nearest + 1, len(angle) - 1)] - angle[np.maximum(nearest - 1, 0)]) / (
            2 * _STEP_U * length
        )
        ahead = (cos * x + sin * y) / np.maximum(1 + sideways * bend, 0.25)
        return LINE_U[nearest] - ahead / length, sideways / self.half_width[animal]

    def covers(self, animal: int, points: Array) -> NDArray[np.bool_]:
        """Which image points (k, 2) lie on one animal's body, tail and ears left out."""
        u, d = self.project(animal, points)
        return np.abs(d) < silhouette(u)

    def nodes(self) -> Array:
        """The skeleton's nodes, (n, 14, 2), whether they can be seen or not."""
        points = np.empty((len(self.line), len(SKELETON.nodes), 2))
        along_tail = np.linspace(0, 1, self.tail.shape[1])
        for animal, tail in enumerate(self.tail):
            points[animal, : len(BODY_NODES)] = self.place(animal, BODY_NODES[:, 0], BODY_NODES[:, 1])
            for axis in range(2):
                points[animal, len(BODY_NODES) :, axis] = np.interp(TAIL_NODES, along_tail, tail[:, axis])
        return points


def spine(hip: Array, heading: Array, bend: Array, yaw: Array, length: Array) -> tuple[Array, Array]:
    """Center lines (n, 37, 2) and directions (n, 37) of animals that stand at `hip` (n, 2).

    The trunk turns from `heading` (at the hip) by `bend`, the neck by `yaw` more, radians, (n,) each.
    """
    angle = heading[:, None] + bend[:, None] * _TRUNK + yaw[:, None] * _NECK
    between = (angle[:, 1:] + angle[:, :-1]) / 2
    steps = -_STEP_U * length[:, None, None] * np.stack([np.cos(between), np.sin(between)], axis=-1)
    line = np.zeros((*angle.shape, 2))
    np.cumsum(steps, axis=1, out=line[:, 1:])
    return line - line[:, _HIP, None] + hip[:, None], angle


def tail_root(line: Array) -> Array:
    """Where tails begin, (n, 2), on center lines (n, 37, 2)."""
    return line[:, _RUMP]


def drag_tail(tail: Array, line: Array, tail_length: Array, max_bend: float) -> Array:
    """Pull tails (n, 11, 2) after their roots: each joint follows the one before along the line between them.

    The shape a chain takes that is dragged over the ground, with joints that bend by at most `max_bend` radians.
    """
    new = np.empty_like(tail)
    new[:, 0] = tail_root(line)
    link = tail_length / (tail.shape[1] - 1)
    before = line[:, -1] - line[:, _RUMP]
    before = before / np.linalg.norm(before, axis=1, keepdims=True)
    for joint in range(1, tail.shape[1]):
        pull = tail[:, joint] - new[:, joint - 1]
        turn = np.arctan2(before[:, 0] * pull[:, 1] - before[:, 1] * pull[:, 0], (before * pull).sum(axis=1))
        turn = np.clip(turn, -max_bend, max_bend)
        cos, sin = np.cos(turn), np.sin(turn)
        before = np.stack([before[:, 0] * cos - before[:, 1] * sin, before[:, 0] * sin + before[:, 1] * cos], axis=-1)
        new[:, joint] = new[:, joint - 1] + link[:, None] * before
    return new


def _ramp(u: Array, begin: float, end: float) -> Array:
    """0 before `begin`, 1 after `end`, smooth between; `end` may be the smaller."""
    x = np.clip((u - begin) / (end - begin), 0, 1)
    return x * x * (3 - 2 * x)


_TRUNK = _ramp(LINE_U, 0.95, 0.28)
_NECK = _ramp(LINE_U, 0.46, 0.16)
