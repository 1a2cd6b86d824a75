"""Textures: noise, and colors under white and infrared light."""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
Light = Literal["day", "infrared"]

# What a silicon sensor makes of a surface of this color under 850 nm: furs look more alike than by day.
_INFRARED_OF_RGB = np.array([0.62, 0.26, 0.12], np.float32)
_INFRARED_GAMMA = 0.78


def under_light(rgb: Image, light: Light) -> Image:
    """Albedo (..., 3) as the camera sees it: (..., 3) by day, (..., 1) by infrared."""
    if light == "day":
        return rgb
    return (np.clip(rgb, 0, None) @ _INFRARED_OF_RGB)[..., None] ** _INFRARED_GAMMA


def draw_noise(rng: np.random.Generator, shape: tuple[int, int], cell_px: tuple[float, float]) -> Image:
    """Smooth noise (height, width) of mean 0 and deviation about 1, with grains of `cell_px` (rows, columns)."""
    rows, columns = (max(2, round(side / cell) + 1) for side, cell in zip(shape, cell_px, strict=True))
    coarse = rng.standard_normal((rows, columns)).astype(np.float32)
    return cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC).astype(np.float32) * 1.4


def mix(image: Image, color: tuple[float, float, float], share: Image) -> None:
    """Lay `color` over an image (height, width, 3), in place; `share` (height, width) is how opaque it is."""
    image += share[..., None] * (np.array(color, np.float32) - image)


def soft_step(x: NDArray[np.float64] | Image, width: float) -> Image:
    """0 for x well below 0, 1 well above, over a ramp of `width`."""
    return np.clip(x / width + 0.5, 0, 1).astype(np.float32)
