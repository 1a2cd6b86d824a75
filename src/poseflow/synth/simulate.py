"""The cage as a stream of poses, without a picture."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseflow.synth.animals import BODY_NODES, IDENTITIES
from poseflow.synth.body import Bodies
from poseflow.synth.layout import Layout, lay_out
from poseflow.synth.motion import Herd

_WARM_UP_S = 3.0


@dataclass(frozen=True)
class CagePoses:
    """All animals of one frame."""

    frame_idx: int
    identities: tuple[str, ...]
    points: NDArray[np.float64]  # (animals, 14, 2) px, also of hidden nodes
    visible: NDArray[np.bool_]  # (animals, 14)
    order: tuple[int, ...]  # animals from the lowest to the one on top
    bodies: Bodies
    layout: Layout


def simulate_cage(
    frames: int,
    animals: int = 4,
    seed: int = 0,
    *,
    size: tuple[int, int] = (640, 448),
    fps: float = 25.0,
    body_px: float | None = None,
) -> Iterator[CagePoses]:
    """Simulate gerbils in a cage, frame by frame, with a state that does not grow.

    They walk, turn, rest, groom, visit each other, huddle in a nest and go under a hide. The same arguments give the
    same poses; frame t does not depend on `frames`.

    Args:
        animals: 1 to 6, the first so many of `IDENTITIES`.
        size: width and height of the image, px.
        body_px: an adult's length from nose to rump; None: 0.155 of the width.
    """
    if not 1 <= animals <= len(IDENTITIES):
        raise ValueError(f"animals must be 1 to {len(IDENTITIES)}, got {animals}")
    rng = np.random.default_rng([seed, 1])
    layout = lay_out(*size, body_px, rng)
    herd = Herd(animals, layout, fps, rng)
    for _ in range(round(_WARM_UP_S * fps)):
        herd.step()
    for frame_idx in range(frames):
        bodies = herd.bodies()
        points = bodies.nodes()
        order = tuple(int(animal) for animal in np.argsort(herd.rank, kind="stable"))
        visible = find_visible(points, bodies, order, layout)
        yield CagePoses(frame_idx, IDENTITIES[:animals], points, visible, order, bodies, layout)
        herd.step()


def find_visible(
    points: NDArray[np.float64], bodies: Bodies, order: tuple[int, ...], layout: Layout
) -> NDArray[np.bool_]:
    """Which nodes (animals, 14) can be seen: in the image, not under the hide, not under a body.

    A body hides the nodes of all animals below it in `order`, and its own tail.
    """
    edge = np.array([layout.width, layout.height]) - 0.5
    visible = ((points > -0.5) & (points < edge)).all(axis=-1) & ~layout.under_hide(points)
    middle, reach = bodies.line.mean(axis=1), 0.7 * bodies.length
    own_tail = slice(len(BODY_NODES) + 1, None)  # the tail's root always touches the rump
    for place, above in enumerate(order):
        for below in order[: place + 1]:
            nodes = own_tail if below == above else slice(None)
            if (np.abs(points[below, nodes] - middle[above]).max(axis=-1) < reach[above]).any():
                visible[below, nodes] &= ~bodies.covers(above, points[below, nodes])
    return visible
