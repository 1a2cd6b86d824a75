"""What the animals want: a plan for each, drawn by lot, kept until it is done."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseflow.synth.layout import Layout

Array = NDArray[np.float64]

_WANTS = ("walk", "rest", "groom", "visit", "nest", "hide")
_ODDS = np.array([0.46, 0.12, 0.09, 0.14, 0.11, 0.08])
_NEST_PULL = 0.5  # an animal in the nest makes the nest more inviting by this much


@dataclass
class Plan:
    """Go to a place, then stay for a while."""

    want: str
    target: Array | None = None  # (2,) px; None: stay where you are
    partner: int | None = None  # the animal that is gone to
    speed: float = 0.0  # body lengths per second
    travel_s: float = 0.0  # time left to get there
    stay_s: float = 0.0  # time left to stay once there
    curl: float = 0.0  # how the trunk bends while staying, radians
    look: float = 0.0  # where the head points while staying, radians
    look_s: float = 0.0  # time left to look there


def draw_plan(rng: np.random.Generator, animal: int, layout: Layout, places: Array, in_nest: int) -> Plan:
    """A new plan for one animal.

    Args:
        places: (animals, 2) where everyone is, px. in_nest: how many others lie in the nest.
    """
    odds = _ODDS.copy()
    odds[4] *= 1 + _NEST_PULL * in_nest
    if len(places) == 1:
        odds[3] = 0
    want = _WANTS[rng.choice(len(_WANTS), p=odds / odds.sum())]
    side = float(rng.choice([-1.0, 1.0]))
    if want == "rest":
        return Plan(want, stay_s=rng.uniform(1, 4), curl=side * rng.uniform(0, 0.5))
    if want == "groom":
        return Plan(want, stay_s=rng.uniform(1.5, 4), curl=side * rng.uniform(0.7, 1.1))
    if want == "walk":
        target = _draw_on_floor(rng, layout)
        pace = rng.uniform(2.6, 3.6) if rng.random() < 0.12 else rng.uniform(0.8, 1.9)
        return _travel(want, target, places[animal], layout, pace, rng.exponential(0.8))
    if want == "visit":
        partner = int(rng.choice([other for other in range(len(places)) if other != animal]))
        plan = _travel(want, places[partner], places[animal], layout, rng.uniform(0.8, 1.6), rng.uniform(1, 3))
        plan.partner = partner
        return plan
    if want == "nest":
        target = np.array(layout.nest_center) + rng.normal(0, 0.22 * layout.body_px, 2)
        plan = _travel(want, target, places[animal], layout, rng.uniform(0.9, 1.6), rng.uniform(5, 14))
        plan.curl = side * rng.uniform(0.6, 1.25)
        return plan
    target = np.array(layout.hide_center) + rng.normal(0, 0.15 * layout.body_px, 2)
    return _travel(want, target, places[animal], layout, rng.uniform(1.0, 2.0), rng.uniform(1, 4))


def _travel(want: str, target: Array, place: Array, layout: Layout, speed: float, stay_s: float) -> Plan:
    lengths = float(np.hypot(*(target - place))) / layout.body_px
    return Plan(want, target=target, speed=speed, travel_s=1.5 + 2 * lengths / speed, stay_s=stay_s)


def _draw_on_floor(rng: np.random.Generator, layout: Layout) -> Array:
    """A point on the floor; every other one near a wall, where gerbils like to walk."""
    margin = 0.42 * layout.body_px
    low, high = layout.low + margin, layout.high - margin
    point = rng.uniform(low, high)
    if rng.random() < 0.5:
        axis = int(rng.integers(2))
        point[axis] = (low, high)[int(rng.integers(2))][axis]
    return point
