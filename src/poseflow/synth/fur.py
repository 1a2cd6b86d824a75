"""The picture of a straight animal, from which bent ones are drawn."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from poseflow.synth.animals import EAR_SIDE, EARS, EYE_SIDE, EYES, Animal, silhouette
from poseflow.synth.paint import Image, Light, draw_noise, mix, soft_step, under_light

U_RANGE = (-0.08, 1.08)
D_RANGE = (-1.3, 1.3)
_ASPECT = 0.21  # half-width of the body over its length
_SUPERSAMPLE = 4

_SKIN = (0.70, 0.50, 0.44)
_EAR_RIM = (0.36, 0.26, 0.20)
_BELLY = (0.86, 0.82, 0.75)


@dataclass(frozen=True)
class Fur:
    """One animal's look under one light; values 0 to 255, colors already multiplied by opacity."""

    color: NDArray[np.uint8]  # (rows, columns, channels); rows along d, columns along u
    opacity: NDArray[np.uint8]  # (rows, columns)
    tail: tuple[float, ...]  # color of the tail
    tip: tuple[float, ...]  # color of its brush
    skin: tuple[float, ...]  # color of the feet

    def columns_rows(self, u: NDArray[np.float64], d: NDArray[np.float64]) -> tuple[Image, Image]:
        """Where on the picture the places (u, d) of the body are, px."""
        rows, columns = self.opacity.shape
        column = (u - U_RANGE[0]) * (columns / (U_RANGE[1] - U_RANGE[0])) - 0.5
        row = (d - D_RANGE[0]) * (rows / (D_RANGE[1] - D_RANGE[0])) - 0.5
        return column.astype(np.float32), row.astype(np.float32)


def paint_fur(animal: Animal, length_px: float, light: Light, gain: float, rng: np.random.Generator) -> Fur:
    """Paint one animal of this length, nose to the left.

    Args:
        gain: brightness of a white surface, 0 to 255.
    """
    fine = 1.25  # a little finer than the video, so that linear sampling stays smooth
    columns = round(fine * length_px * (U_RANGE[1] - U_RANGE[0]))
    rows = round(fine * length_px * _ASPECT * (D_RANGE[1] - D_RANGE[0]))
    u = np.linspace(*U_RANGE, columns * _SUPERSAMPLE * 2 + 1)[1::2]
    d = np.linspace(*D_RANGE, rows * _SUPERSAMPLE * 2 + 1)[1::2, None]
    color, opacity = _paint_body(animal, u, d, rng)
    _paint_head(color, opacity, u, d, animal)
    seen = np.clip(under_light(color, light) * gain, 0, 255)
    if light == "infrared":
        _paint_eye_shine(seen, u, d, gain)
    seen = np.clip(seen, 0, 255) * opacity[..., None]
    size = (columns, rows)
    seen = cv2.resize(seen, size, interpolation=cv2.INTER_AREA).reshape(rows, columns, -1)
    small = cv2.resize(opacity, size, interpolation=cv2.INTER_AREA)
    tail, tip, skin = (
        tuple(float(v) * gain for v in under_light(np.array(rgb, np.float32), light))
        for rgb in (_scaled(animal.fur, 0.80), _scaled(animal.fur, 0.38), _SKIN)
    )
    return Fur(np.round(seen).astype(np.uint8), np.round(small * 255).astype(np.uint8), tail, tip, skin)


def _paint_body(
    animal: Animal, u: NDArray[np.float64], d: NDArray[np.float64], rng: np.random.Generator
) -> tuple[Image, Image]:
    """Trunk with fur, pattern and rounding: color (rows, columns, 3) and opacity (rows, columns)."""
    shape = (len(d), len(u))
    width = np.maximum(silhouette(u), 1e-3)
    across = np.clip(np.abs(d) / width, 0, 1.3)
    ruffle = draw_noise(rng, shape, (5, 9)) * 0.020
    opacity = soft_step(width - np.abs(d) + ruffle, 0.06) * (silhouette(u) > 0)

    color = np.empty((*shape, 3), np.float32)
    color[:] = animal.fur
    mix(color, _scaled(animal.fur, 0.72), 0.55 * soft_step(0.42 - np.abs(d), 0.7) * soft_step(u - 0.2, 0.2))
    if animal.pattern != "plain":
        share, streaked = _pattern(animal, u, d, rng)
        mix(color, animal.mark, share)
    else:
        share, streaked = np.zeros(shape, np.float32), True
    mix(color, _BELLY, 0.45 * soft_step(across - 0.95, 0.16).astype(np.float32) * soft_step(u - 0.3, 0.1))
    streaks = draw_noise(rng, shape, (4, 16)) * 0.055 + draw_noise(rng, shape, (14, 40)) * 0.05
    color *= 1 + streaks[..., None] * (1 if streaked else 1 - 0.75 * share[..., None])
    rounding = 0.48 + 0.58 * np.sqrt(np.clip(1 - (across / 1.12) ** 2, 0, 1))
    haunch = 0.10 * np.exp(-(((u - 0.76) / 0.10) ** 2) - ((np.abs(d) - 0.55) / 0.3) ** 2)
    color *= (rounding + haunch)[..., None].astype(np.float32)
    return color, opacity.astype(np.float32)


def _pattern(
    animal: Animal, u: NDArray[np.float64], d: NDArray[np.float64], rng: np.random.Generator
) -> tuple[Image, bool]:
    """Where the mark is, (rows, columns), and whether it has fur."""
    if animal.pattern == "stripe":
        thin = (0.26 + 0.05 * np.sin(9 * u)) * np.clip((1.0 - u) / 0.18, 0.2, 1)
        return soft_step(thin - np.abs(d), 0.10) * soft_step(u - 0.22, 0.06) * soft_step(0.97 - u, 0.05), True
    if animal.pattern == "collar":
        edge = 0.02 * np.cos(4 * d)
        return soft_step(0.055 + edge - np.abs(u - 0.375), 0.025) * np.ones_like(d, np.float32), True
    if animal.pattern == "shaved":
        square = soft_step(0.13 - np.abs(u - 0.62), 0.02) * soft_step(0.56 - np.abs(d), 0.06)
        return 0.92 * square, False
    blobs = draw_noise(rng, (len(d), len(u)), (0.42 * len(d), 0.22 * len(u)))
    return soft_step(blobs - 0.35, 0.25) * soft_step(u - 0.27, 0.03), True


def _paint_head(color: Image, opacity: Image, u: NDArray[np.float64], d: NDArray[np.float64], animal: Animal) -> None:
    """Ears, eyes and nose onto the body, in place."""
    y = d * _ASPECT  # in body lengths, as u is
    mix(color, _scaled(animal.fur, 1.25), 0.5 * soft_step(0.075 - np.hypot(u - 0.02, y), 0.05))
    for side in (-1, 1):
        ear_u, ear_y = u - EARS, y - side * EAR_SIDE * _ASPECT
        # The ear is an oval that points outward and back.
        along = ear_u * 0.45 + side * ear_y * 0.893
        across = ear_u * 0.893 - side * ear_y * 0.45
        oval = np.hypot(along / 0.056, across / 0.040)
        mix(color, (0.05, 0.04, 0.03), 0.40 * soft_step(1.30 - oval, 0.5))
        mix(color, _EAR_RIM, soft_step(1 - oval, 0.18))
        mix(color, _SKIN, 0.85 * soft_step(0.68 - oval, 0.35))
        np.maximum(opacity, soft_step(1 - oval, 0.12), out=opacity)
        eye = np.hypot((u - EYES) / 0.031, (y - side * EYE_SIDE * _ASPECT) / 0.022)
        mix(color, _scaled(animal.fur, 1.55), 0.7 * soft_step(1.5 - eye, 0.4))
        mix(color, (0.02, 0.015, 0.015), soft_step(1 - eye, 0.3))
        np.maximum(opacity, soft_step(1.05 - eye, 0.3), out=opacity)
        glint = np.hypot(u - EYES + 0.008, y - side * EYE_SIDE * _ASPECT + 0.004)
        mix(color, (0.9, 0.9, 0.9), soft_step(0.007 - glint, 0.006))
    mix(color, (0.30, 0.17, 0.15), soft_step(0.022 - np.hypot((u - 0.012) * 1.3, y), 0.012))


def _paint_eye_shine(seen: Image, u: NDArray[np.float64], d: NDArray[np.float64], gain: float) -> None:
    """Eyes throw infrared light back at the lamp beside the lens."""
    for side in (-1, 1):
        disc = np.hypot((u - EYES) / 0.020, (d - side * EYE_SIDE) * _ASPECT / 0.014)
        seen += soft_step(1 - disc, 0.6)[..., None] * (0.75 * gain - seen)


def _scaled(color: tuple[float, float, float], factor: float) -> tuple[float, float, float]:
    red, green, blue = (min(1.0, value * factor) for value in color)
    return red, green, blue
