"""Fixtures of the tests of synthetic cages."""

from collections.abc import Callable

import numpy as np
import pytest

from poseflow.synth.body import TAIL_LINKS, Bodies, spine, tail_root


def _make_body(
    bend: float = 0.0,
    yaw: float = 0.0,
    heading: float = 0.0,
    hip: tuple[float, float] = (200.0, 150.0),
    length: float = 100.0,
    half_width: float = 20.0,
) -> Bodies:
    line, angle = spine(
        np.array([hip]), np.array([heading]), np.array([bend]), np.array([yaw]), length=np.array([length])
    )
    behind = line[:, -1] - line[:, -2]
    reach = np.linspace(0, 80, TAIL_LINKS + 1)[None, :, None]
    tail = tail_root(line)[:, None] + reach * behind / np.linalg.norm(behind)
    return Bodies(line, angle, np.array([length]), np.array([half_width]), tail, np.zeros((1, 2)), np.zeros((1, 2)))


@pytest.fixture(scope="session")
def make_body() -> Callable[..., Bodies]:
    """One animal with a straight tail: `make_body(bend=…, yaw=…, heading=…, hip=…, length=…, half_width=…)`."""
    return _make_body
