"""How the animals move: steering, acceleration, contact and the walls.

The state is a handful of numbers per animal, whatever the length of the recording.
"""

import numpy as np
from numpy.typing import NDArray

from poseflow.synth.animals import ANIMALS
from poseflow.synth.behavior import Plan, draw_plan
from poseflow.synth.body import LINE_U, TAIL_LINKS, Bodies, drag_tail, spine, tail_root
from poseflow.synth.layout import Layout

Array = NDArray[np.float64]

_WIDTH_OF_LENGTH = 0.21  # half-width
_TAIL_OF_LENGTH = 0.80
_MAX_BEND, _MAX_YAW = 1.25, 0.75  # radians
_BEND_RATE, _YAW_RATE = 6.5, 9.0  # 1/s of the critically damped turns
_SPEED_RATE = 5.0  # 1/s
_STRIDE_OF_LENGTH = 0.55
_WALL_OF_LENGTH, _WALL_RATE = 0.12, 9.0  # how far walls are felt, and how fast they push, 1/s
_CONTACT_U = np.array([np.argmin(np.abs(LINE_U - u)) for u in (0.12, 0.45, 0.78)])
_CONTACT_RADIUS = np.array([0.55, 0.85, 0.95])  # half-widths
_SHOULDER = int(np.argmin(np.abs(LINE_U - 0.3)))
_TRUNK = int(np.argmin(np.abs(LINE_U - 0.6)))
_NOSE = int(np.argmin(np.abs(LINE_U)))


class Herd:
    """All animals of a cage, moved on frame by frame by `step`."""

    def __init__(self, animals: int, layout: Layout, fps: float, rng: np.random.Generator) -> None:
        self.layout, self.rng, self.dt = layout, rng, 1 / fps
        self.size = np.array([animal.size for animal in ANIMALS[:animals]]) * layout.body_px
        margin = 0.8 * layout.body_px
        self.hip = rng.uniform(layout.low + margin, layout.high - margin, (animals, 2))
        self.heading = rng.uniform(-np.pi, np.pi, animals)
        self.speed = np.zeros(animals)
        self.bend, self.bend_speed = np.zeros(animals), np.zeros(animals)
        self.yaw, self.yaw_speed = np.zeros(animals), np.zeros(animals)
        self.stretch = np.ones(animals)
        self.push = np.zeros((animals, 2))
        self.stepping = np.zeros(animals)
        self.phase = rng.uniform(0, 2 * np.pi, animals)
        self.wander = np.zeros(animals)
        self.rank = np.arange(animals, dtype=float)
        self.plans = [Plan("rest", stay_s=float(rng.uniform(0, 1))) for _ in range(animals)]
        self.velocity = np.zeros((animals, 2))
        self._lay_spines()
        root, behind = tail_root(self.line), self.line[:, -1] - self.line[:, -2]
        behind /= np.linalg.norm(behind, axis=1, keepdims=True)
        reach = np.linspace(0, 1, TAIL_LINKS + 1)[None, :, None] * self._tail_length()[:, None, None]
        self.tail = root[:, None] + reach * behind[:, None]

    def step(self) -> None:
        """Move everyone on by one frame."""
        before = self.line[:, _TRUNK].copy()
        self._plan()
        self._turn_and_walk()
        self._make_room()
        self._lay_spines()
        self._stay_on_floor()
        self.velocity = self.line[:, _TRUNK] - before
        self.tail = drag_tail(self.tail, self.line, self._tail_length(), max_bend=0.42)
        self.tail[:, 1:] = np.clip(self.tail[:, 1:], self.layout.low, self.layout.high)

    def bodies(self) -> Bodies:
        """What can be drawn of the present state."""
        gait = np.stack([self.phase, np.clip(self.stepping, 0, 1)], axis=-1)
        half_width = _WIDTH_OF_LENGTH * self.size / np.sqrt(self.stretch)
        return Bodies(self.line, self.angle, self.size * self.stretch, half_width, self.tail, self.velocity, gait)

    def _plan(self) -> None:
        trunk = self.line[:, _TRUNK]
        for animal, plan in enumerate(self.plans):
            if plan.target is not None:
                if plan.partner is not None:
                    plan.target = trunk[plan.partner].copy()
                near = (0.55 if plan.partner is not None else 0.25) * self.layout.body_px
                plan.travel_s -= self.dt
                reference = self.line[animal, _TRUNK if plan.want in ("nest", "hide") else _NOSE]
                if plan.travel_s <= 0 or np.hypot(*(plan.target - reference)) < near:
                    plan.target = None
                continue
            plan.stay_s -= self.dt
            plan.look_s -= self.dt
            if plan.stay_s <= 0:
                in_nest = sum(
                    other.want == "nest" and other.target is None for other in self.plans if other is not plan
                )
                self.plans[animal] = draw_plan(self.rng, animal, self.layout, trunk, in_nest)
            elif plan.look_s <= 0:
                plan.look_s = float(self.rng.uniform(0.25, 1.6)) * (4 if plan.want == "nest" else 1)
                plan.look = float(self.rng.normal(0, 0.12 if plan.want == "nest" else 0.38))

    def _turn_and_walk(self) -> None:
        dt = self.dt
        moving = np.array([plan.target is not None for plan in self.plans])
        astray = self._astray(moving)
        curl = np.array([plan.curl for plan in self.plans])
        look = np.array([plan.look for plan in self.plans])
        grooming = np.array([plan.want == "groom" for plan in self.plans])
        look = look + 0.18 * grooming * np.sin(2.2 * self.phase)
        stride = np.sin(self.phase) * np.clip(self.stepping, 0, 1)
        bend = np.where(moving, np.clip(0.9 * astray, -1.1, 1.1) + 0.07 * stride, curl)
        yaw = np.where(moving, np.clip(astray - self.bend, -0.6, 0.6) - 0.05 * stride, look)
        self.bend, self.bend_speed = _follow(self.bend, self.bend_speed, bend, _BEND_RATE, dt)
        self.yaw, self.yaw_speed = _follow(self.yaw, self.yaw_speed, yaw, _YAW_RATE, dt)
        self.bend, self.yaw = np.clip(self.bend, -_MAX_BEND, _MAX_BEND), np.clip(self.yaw, -_MAX_YAW, _MAX_YAW)

        pace = np.array([plan.speed for plan in self.plans]) * self.size
        wanted = np.where(moving, pace * np.clip(np.cos(astray), 0.12, 1), 0)
        self.speed += (wanted - self.speed) * (1 - np.exp(-_SPEED_RATE * dt))
        self.stepping += (moving - self.stepping) * (1 - np.exp(-4 * dt))
        turn = self.speed / (0.5 * self.size) * np.sin(self.bend) + 1.6 * self.stepping * self.bend
        self.heading += turn * dt
        self.hip += (self.speed * dt)[:, None] * np.stack([np.cos(self.heading), np.sin(self.heading)], axis=-1)
        self.phase += 2 * np.pi * dt * np.where(moving, self.speed / (_STRIDE_OF_LENGTH * self.size), grooming * 1.7)
        long = 0.93 + 0.09 * np.clip(self.speed / (2 * self.size), 0, 1) - 0.07 * np.abs(self.bend)
        self.stretch += (long - self.stretch) * (1 - np.exp(-3 * dt))

    def _astray(self, moving: NDArray[np.bool_]) -> Array:
        """By how much each animal's heading differs from where it wants to go, radians, (animals,)."""
        here = self.line[:, _SHOULDER]
        target = np.array([here[i] if plan.target is None else plan.target for i, plan in enumerate(self.plans)])
        way = target - here
        way /= np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-9)
        self.wander += -1.2 * self.wander * self.dt + 0.55 * np.sqrt(self.dt) * self.rng.normal(size=len(here))
        way = way + self._keep_clear(here)
        wanted = np.arctan2(way[:, 1], way[:, 0]) + self.wander
        return np.where(moving, (wanted - self.heading + np.pi) % (2 * np.pi) - np.pi, 0)

    def _keep_clear(self, here: Array) -> Array:
        """Push (animals, 2) on each one's wish that leads it round the others; none on those who seek company."""
        apart = here[:, None] - self.line[None, :, _TRUNK]
        distance = np.maximum(np.linalg.norm(apart, axis=-1), 1e-9) / self.layout.body_px
        strength = np.clip(1.1 - distance, 0, 1) ** 2 / distance
        np.fill_diagonal(strength, 0)
        social = np.array([plan.want in ("nest", "visit") for plan in self.plans])
        strength[social] *= 0.15
        return 2.5 * (apart * strength[..., None]).sum(axis=1) / self.layout.body_px

    def _make_room(self) -> None:
        """Bodies that overlap drift apart: quickly when met on the way, hardly in the nest, where they huddle."""
        animals = len(self.hip)
        radius = _CONTACT_RADIUS * (_WIDTH_OF_LENGTH * self.size)[:, None]
        circles, radii = self.line[:, _CONTACT_U].reshape(-1, 2), radius.reshape(-1)
        apart = circles[:, None] - circles[None]
        distance = np.maximum(np.linalg.norm(apart, axis=-1), 1e-6)
        overlap = np.maximum(radii[:, None] + radii[None] - distance, 0)
        owner = np.repeat(np.arange(animals), len(_CONTACT_U))
        overlap[owner[:, None] == owner[None]] = 0
        force = (apart * (overlap / distance)[..., None]).sum(axis=1).reshape(animals, -1, 2).sum(axis=1)
        huddling = np.array([plan.want == "nest" for plan in self.plans])
        wanted = force * np.where(huddling, 0.25, 2.2)[:, None]
        fastest = 0.9 * self.size[:, None]
        strength = np.linalg.norm(wanted, axis=1, keepdims=True)
        wanted *= np.minimum(1, fastest / np.maximum(strength, 1e-9))
        self.push += (wanted - self.push) * (1 - np.exp(-6 * self.dt))
        self.hip += self.push * self.dt
        self._rank(overlap, owner)

    def _rank(self, overlap: Array, owner: NDArray[np.int64]) -> None:
        """Who lies on whom: fixed while animals touch; of those who meet, the faster one climbs on the other."""
        wide = np.linalg.norm(self.line[:, None, _TRUNK] - self.line[None, :, _TRUNK], axis=-1) < self.layout.body_px
        np.fill_diagonal(wide, False)
        free = ~wide.any(axis=1)
        for row, column in zip(*np.nonzero(overlap), strict=True):
            free[owner[row]] = free[owner[column]] = False
        self.rank = np.where(free, self.speed / self.size + 1e-3 * np.arange(len(self.rank)), self.rank)

    def _lay_spines(self) -> None:
        self.line, self.angle = spine(self.hip, self.heading, self.bend, self.yaw, self.size * self.stretch)

    def _stay_on_floor(self) -> None:
        """Walls push the harder the nearer they come, so that nobody stops dead, and nobody gets through."""
        inset = np.array([0.02, *_CONTACT_RADIUS]) * (_WIDTH_OF_LENGTH * self.size)[:, None]
        soft = inset + _WALL_OF_LENGTH * self.size[:, None]
        for room, share in ((soft, 1 - np.exp(-_WALL_RATE * self.dt)), (inset, 1.0)):
            points = self.line[:, [_NOSE, *_CONTACT_U]]
            low = (self.layout.low + room[..., None] - points).max(axis=1)
            high = (points - self.layout.high + room[..., None]).max(axis=1)
            shift = share * (np.maximum(low, 0) - np.maximum(high, 0))
            self.hip += shift
            self.line += shift[:, None]

    def _tail_length(self) -> Array:
        return _TAIL_OF_LENGTH * self.size


def _follow(value: Array, speed: Array, wanted: Array, rate: float, dt: float) -> tuple[Array, Array]:
    """One step of a critically damped approach to `wanted`; exact for any `dt`."""
    fade = np.exp(-rate * dt)
    off = value - wanted
    drift = speed + rate * off
    return wanted + (off + drift * dt) * fade, (speed - rate * drift * dt) * fade
