"""Draw one animal into a frame."""

from functools import lru_cache

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from poseflow.synth.body import Bodies
from poseflow.synth.fur import Fur
from poseflow.synth.scenery import Cover

_CELL = 4  # the bending is worked out on every fourth pixel, and interpolated between
_SHIFT = 4  # OpenCV's fixed-point coordinates: 1/16 px
_SHADOW = 0.50
# Where along and across the body each foot stands, its side, and its lead in the step.
_FEET = ((0.40, 0.78, -1, 0.0), (0.40, 0.78, 1, np.pi), (0.80, 0.98, -1, np.pi), (0.80, 0.98, 1, 0.0))


def draw_animal(
    frame: MatLike, bodies: Bodies, animal: int, fur: Fur, brightness: float = 1.0, exposure: float = 0.0
) -> None:
    """Draw an animal into a frame (height, width, channels), in place: tail and feet, shadow, body.

    Args:
        brightness: of the lamp where the animal is.
        exposure: for which part of a frame's time the shutter is open; the body is smeared by its way in that time.
    """
    _draw_tail(frame, bodies, animal, fur, brightness)
    _draw_feet(frame, bodies, animal, fur, brightness)
    reach = 1.5 * bodies.half_width[animal] + 4
    line = bodies.line[animal]
    low = np.maximum(np.floor(line.min(axis=0) - reach), 0).astype(int)
    high = np.minimum(np.ceil(line.max(axis=0) + reach) + 1, (frame.shape[1], frame.shape[0])).astype(int)
    if (high - low < 2 * _CELL).any():
        return
    color, opacity = _bend(bodies, animal, fur, low, high)
    if exposure:
        way_x, way_y = bodies.velocity[animal] * exposure
        color, opacity = _smear(color, way_x, way_y), _smear(opacity, way_x, way_y)
    if brightness != 1:
        color = cv2.convertScaleAbs(color, alpha=brightness)
    region = frame[low[1] : high[1], low[0] : high[0]]
    keep = cv2.bitwise_not(cv2.convertScaleAbs(_cast_shadow(opacity, bodies.length[animal]), alpha=_SHADOW))
    keep = cv2.multiply(keep, cv2.bitwise_not(opacity), scale=1 / 255)
    _lay_over(region, _as_channels(keep, frame.shape[2]), color.reshape(region.shape))


def draw_cover(frame: MatLike, cover: Cover) -> None:
    """Lay the hide over a frame (height, width, channels), in place."""
    _lay_over(frame[cover.box], cover.keep, cover.add)


def _bend(
    bodies: Bodies, animal: int, fur: Fur, low: NDArray[np.int64], high: NDArray[np.int64]
) -> tuple[MatLike, MatLike]:
    """The animal's picture and opacity on the pixels from `low` to `high` (x, y)."""
    columns, rows = -(-(high - low) // _CELL)
    # A coarse cell's center is the middle of the pixels it stands for, which is what cv2.resize takes it to be.
    x = low[0] + np.arange(columns) * _CELL + (_CELL - 1) / 2
    y = low[1] + np.arange(rows) * _CELL + (_CELL - 1) / 2
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    u, d = bodies.project(animal, points)
    size = (int(columns) * _CELL, int(rows) * _CELL)
    width, height = high - low
    across, down = (
        cv2.resize(part.reshape(rows, columns), size, interpolation=cv2.INTER_LINEAR)[:height, :width]
        for part in fur.columns_rows(u, d)
    )
    color = cv2.remap(fur.color, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    opacity = cv2.remap(fur.opacity, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return color, opacity


def _cast_shadow(opacity: MatLike, length: float) -> MatLike:
    """A soft shadow, to the lower right of the body."""
    shift = max(1, round(0.035 * length))
    blur = 2 * round(0.05 * length) + 1
    shadow = np.zeros_like(opacity)
    shadow[shift:, shift:] = opacity[:-shift, :-shift]
    return cv2.blur(shadow, (blur, blur))


def _smear(image: MatLike, way_x: float, way_y: float) -> MatLike:
    way = float(np.hypot(way_x, way_y))
    if way < 0.7:
        return image
    angle = round(float(np.degrees(np.arctan2(way_y, way_x))) / 6) * 6 % 180
    return cv2.filter2D(image, -1, _streak(round(way * 2) / 2, angle), borderType=cv2.BORDER_CONSTANT)


@lru_cache(maxsize=1024)
def _streak(way: float, angle_deg: int) -> NDArray[np.float32]:
    """A centered line of this length as a convolution kernel of sum 1."""
    half = int(np.ceil(way / 2)) + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1))
    for along in np.linspace(-way / 2, way / 2, 33):
        x, y = half + along * np.cos(np.radians(angle_deg)), half + along * np.sin(np.radians(angle_deg))
        column, row = int(x), int(y)
        right, below = x - column, y - row
        kernel[row : row + 2, column : column + 2] += np.outer([1 - below, below], [1 - right, right])
    return (kernel / kernel.sum()).astype(np.float32)


def _draw_tail(frame: MatLike, bodies: Bodies, animal: int, fur: Fur, brightness: float) -> None:
    tail = _smooth(bodies.tail[animal])
    along = np.linspace(0, 1, len(tail))
    # Thick at the root, thin, and thicker again at the brush.
    width = bodies.half_width[animal] * (0.19 - 0.10 * along + 0.05 * np.exp(-(((along - 0.86) / 0.13) ** 2)))
    width *= np.clip((1.0 - along) / 0.06, 0.25, 1)
    way = np.gradient(tail, axis=0)
    across = np.stack([-way[:, 1], way[:, 0]], axis=-1) / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-9)
    brush = int(0.72 * len(tail))
    for part, color in ((slice(None), fur.tail), (slice(brush, None), fur.tip)):
        for share, shade in ((1.0, 0.62), (0.45, 1.1)):
            side = across[part] * (width[part] * share)[:, None]
            ribbon = np.concatenate([tail[part] + side, (tail[part] - side)[::-1]])
            _fill(frame, ribbon, color, brightness * shade)


def _draw_feet(frame: MatLike, bodies: Bodies, animal: int, fur: Fur, brightness: float) -> None:
    """Diagonal feet swing together; at rest they are tucked under."""
    phase, swing = bodies.gait[animal]
    for u, out, side, shift in _FEET:
        forward = 0.055 * swing * np.sin(phase + shift)
        place = np.array([u - forward, u - forward - 0.05])
        heel, toe = bodies.place(animal, place, np.full(2, side * (out - 0.16 * (1 - swing))))
        width = 0.018 * bodies.length[animal]
        way = (toe - heel) / np.linalg.norm(toe - heel)
        across = np.array([-way[1], way[0]]) * width
        tip = toe + way * width
        sole = np.array([heel + across, toe + across, tip, toe - across, heel - across])
        _fill(frame, sole, fur.skin, brightness * 0.8)


def _fill(frame: MatLike, outline: NDArray[np.float64], color: tuple[float, ...], gain: float) -> None:
    points = np.round(outline * 2**_SHIFT).astype(np.int32)
    cv2.fillPoly(frame, [points], [min(255.0, value * gain) for value in color], cv2.LINE_AA, _SHIFT)


def _smooth(joints: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cut a chain's corners once (Chaikin); ends stay."""
    inner = np.stack([0.75 * joints[:-1] + 0.25 * joints[1:], 0.25 * joints[:-1] + 0.75 * joints[1:]], axis=1)
    return np.concatenate([joints[:1], inner.reshape(-1, 2), joints[-1:]])


def _as_channels(image: MatLike, channels: int) -> MatLike:
    return image[..., None] if channels == 1 else cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)


def _lay_over(region: MatLike, keep: MatLike, add: MatLike) -> None:
    kept = cv2.multiply(region, keep, scale=1 / 255)
    region[:] = cv2.add(kept, add).reshape(region.shape)
