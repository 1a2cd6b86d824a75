"""The cage without animals: bedding, walls, nest and hide."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from poseflow.synth.layout import Layout
from poseflow.synth.paint import Image, Light, draw_noise, mix, soft_step, under_light

_BEDDING = (0.64, 0.52, 0.375)
_PAPER = (0.75, 0.70, 0.60)
_WALL = (0.33, 0.34, 0.35)
_WOOD = (0.47, 0.32, 0.19)


@dataclass(frozen=True)
class Cover:
    """What lies over the animals: the frame becomes frame * `keep` / 255 + `add`, inside `box`."""

    box: tuple[slice, slice]
    keep: NDArray[np.uint8]  # (rows, columns, channels)
    add: NDArray[np.uint8]  # (rows, columns, channels)


@dataclass(frozen=True)
class Scenery:
    """The cage under one light."""

    background: NDArray[np.uint8]  # (height, width, channels)
    hide: Cover
    brightness: Image  # (height, width) of the lamp on the floor, 1 where it is brightest


def paint_scenery(layout: Layout, light: Light, gain: float, seed: int) -> Scenery:
    """Paint a cage; the same things lie at the same places under either light.

    Args:
        gain: brightness of a white surface in full light, 0 to 255.
    """
    rng = np.random.default_rng([seed, 2])
    brightness = _brightness(layout, light)
    floor = _paint_bedding(layout, rng)
    _paint_nest(floor, layout, rng)
    _paint_walls(floor, layout)
    roof, opacity, shadow = _paint_hide(layout, rng)
    lit = gain * brightness[..., None]
    background = _to_bytes(under_light(floor, light) * lit)
    keep = (1 - opacity) * (1 - 0.55 * shadow)
    rows, columns = (np.nonzero((keep < 0.998).any(axis=axis))[0] for axis in (1, 0))
    box = (slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1))
    add = _to_bytes(under_light(roof, light) * lit * opacity[..., None])
    keep = np.repeat(_to_bytes(255 * keep)[..., None], background.shape[-1], axis=-1)
    return Scenery(background, Cover(box, keep[box].copy(), add[box].copy()), brightness)


def _brightness(layout: Layout, light: Light) -> Image:
    """White light comes from the ceiling and falls off little; the infrared lamp stands beside the lens."""
    y, x = np.mgrid[: layout.height, : layout.width].astype(np.float32)
    off_x, off_y = (x / layout.width - 0.5) * 2, (y / layout.height - 0.5) * 2
    if light == "day":
        return np.clip(1.0 - 0.05 * (off_x**2 + off_y**2) + 0.06 * (off_x - off_y), 0, 1.15).astype(np.float32)
    return np.exp(-0.34 * ((off_x - 0.12) ** 2 + 1.05 * (off_y + 0.08) ** 2)).astype(np.float32)


def _paint_bedding(layout: Layout, rng: np.random.Generator) -> Image:
    """Wood shavings: chips of many shades, those on top drawn last."""
    shape = (layout.height, layout.width)
    floor = np.empty((*shape, 3), np.float32)
    floor[:] = np.array(_BEDDING) * 0.70
    size = layout.body_px
    chips = round(1.1 * layout.width * layout.height / (0.05 * size) ** 2)
    _scatter(floor, rng, chips, (0.03 * size, 0.10 * size), (0.014 * size, 0.042 * size), _BEDDING, 0.10)
    heaps = draw_noise(rng, shape, (1.3 * size, 1.3 * size)) * 0.055 + draw_noise(rng, shape, (0.3 * size,) * 2) * 0.03
    grain = draw_noise(rng, shape, (1.5, 1.5)) * 0.025
    return floor * (1 + heaps + grain)[..., None]


def _scatter(
    image: Image,
    rng: np.random.Generator,
    count: int,
    length: tuple[float, float],
    width: tuple[float, float],
    color: tuple[float, float, float],
    spread: float,
    region: tuple[NDArray[np.float64], float] | None = None,
) -> None:
    """Strew `count` chips; `region` is a center (2,) and a deviation in px, None: everywhere."""
    high = np.array([image.shape[1], image.shape[0]])
    places = rng.uniform(0, high, (count, 2)) if region is None else rng.normal(region[0], region[1], (count, 2))
    angles = rng.uniform(0, np.pi, count)
    halves = np.stack([rng.uniform(*length, count), rng.uniform(*width, count)], axis=-1) / 2
    shades = np.array(color) * (1 + spread * rng.standard_normal((count, 1))) + 0.008 * rng.standard_normal((count, 3))
    along = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    across = np.stack([-along[:, 1], along[:, 0]], axis=-1)
    corners = np.array([(-1, -1), (1, -0.8), (0.9, 1), (-0.9, 0.8)])
    shapes = (
        places[:, None]
        + corners[None, :, :1] * halves[:, None, :1] * along[:, None]
        + corners[None, :, 1:] * halves[:, None, 1:] * across[:, None]
    )
    # Drawn in bytes, which OpenCV can draw with smooth edges.
    canvas = _to_bytes(image * 255)
    for corner_points, shade in zip(np.round(shapes * 16).astype(np.int32), np.clip(shades, 0, 1) * 255, strict=True):
        lower = [float(value) * 0.74 for value in shade]
        cv2.fillConvexPoly(canvas, corner_points + 14, lower, cv2.LINE_AA, 4)
        cv2.fillConvexPoly(canvas, corner_points, [float(value) for value in shade], cv2.LINE_AA, 4)
    image[:] = canvas.astype(np.float32) / 255


def _paint_nest(floor: Image, layout: Layout, rng: np.random.Generator) -> None:
    """A hollow of shredded paper."""
    radius, center = layout.nest_radius, np.array(layout.nest_center)
    y, x = np.mgrid[: layout.height, : layout.width].astype(np.float32)
    distance = np.hypot(x - center[0], y - center[1]) / radius
    _scatter(floor, rng, 260, (0.10 * radius, 0.5 * radius), (1.5, 3.5), _PAPER, 0.14, (center, 0.48 * radius))
    _scatter(floor, rng, 260, (0.05 * radius, 0.18 * radius), (1.5, 4.0), _BEDDING, 0.10, (center, 0.52 * radius))
    floor *= (1 - 0.30 * np.exp(-((distance / 0.6) ** 2)) + 0.10 * np.exp(-(((distance - 1.0) / 0.25) ** 2)))[..., None]


def _paint_walls(floor: Image, layout: Layout) -> None:
    """A plastic rim round the floor that throws a shadow inward."""
    y, x = np.mgrid[: layout.height, : layout.width].astype(np.float32)
    inside = np.minimum.reduce([x, y, layout.width - 1 - x, layout.height - 1 - y]) - 0.62 * layout.wall_px
    wall = layout.wall_px
    floor *= (1 - 0.42 * np.exp(-np.clip(inside, 0, None) / (0.7 * wall)))[..., None]
    mix(floor, _WALL, soft_step(-inside, 1.5))
    rim = soft_step(-inside - 0.35 * wall, 2.0)
    mix(floor, (0.60, 0.61, 0.62), 0.8 * rim)
    mix(floor, (0.90, 0.91, 0.92), 0.7 * np.exp(-(((inside + 0.42 * wall) / 1.3) ** 2)))


def _paint_hide(layout: Layout, rng: np.random.Generator) -> tuple[Image, Image, Image]:
    """A wooden roof on legs: its albedo (height, width, 3), its opacity and its shadow (height, width) each."""
    y, x = np.mgrid[: layout.height, : layout.width].astype(np.float64)
    cos, sin = np.cos(layout.hide_angle), np.sin(layout.hide_angle)
    off_x, off_y = x - layout.hide_center[0], y - layout.hide_center[1]
    along, across = cos * off_x + sin * off_y, cos * off_y - sin * off_x
    half_long, half_wide = layout.hide_size[0] / 2, layout.hide_size[1] / 2
    inside = np.minimum(half_long - np.abs(along), half_wide - np.abs(across))
    opacity = soft_step(inside, 1.2)
    shape = (layout.height, layout.width)
    plank = across * (4 / (2 * half_wide))
    gap = np.abs(plank - np.round(plank))
    roof = np.empty((*shape, 3), np.float32)
    roof[:] = _WOOD
    shades = 0.09 * rng.standard_normal(64)
    roof *= (1 + shades[(np.floor(plank).astype(int) + 32) % 64])[..., None].astype(np.float32)
    grain = draw_noise(rng, shape, (2.5, 34)) * 0.07 + draw_noise(rng, shape, (7, 60)) * 0.05
    roof *= (1 + grain)[..., None]
    roof *= (0.45 + 0.55 * soft_step(gap - 0.035, 0.05))[..., None]
    roof *= (1 + 0.25 * np.exp(-(((inside - 2.0) / 1.5) ** 2)))[..., None]
    lift = 0.055 * layout.body_px
    shadow = cv2.GaussianBlur(opacity, (0, 0), 0.06 * layout.body_px)
    shift = np.array([[1, 0, 1.0 * lift], [0, 1, 1.3 * lift]], np.float32)
    return roof, opacity, cv2.warpAffine(shadow, shift, (layout.width, layout.height)).astype(np.float32)


def _to_bytes(image: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.round(np.clip(image, 0, 255)).astype(np.uint8)
