"""Where things stand in the cage."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BODY_OF_WIDTH = 0.155


@dataclass(frozen=True)
class Layout:
    """A cage seen from above, all in px."""

    width: int
    height: int
    body_px: float
    wall_px: float  # from the image's border to the floor
    hide_center: tuple[float, float]
    hide_size: tuple[float, float]
    hide_angle: float  # radians
    nest_center: tuple[float, float]
    nest_radius: float

    @property
    def low(self) -> NDArray[np.float64]:
        """Upper left corner of the floor, (2,)."""
        return np.array([self.wall_px, self.wall_px])

    @property
    def high(self) -> NDArray[np.float64]:
        """Lower right corner of the floor, (2,)."""
        return np.array([self.width - 1 - self.wall_px, self.height - 1 - self.wall_px])

    def under_hide(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which points (..., 2) lie under the hide's roof."""
        along = np.array([np.cos(self.hide_angle), np.sin(self.hide_angle)])
        offset = points - np.array(self.hide_center)
        across = offset @ np.array([-along[1], along[0]])
        return (np.abs(offset @ along) < self.hide_size[0] / 2) & (np.abs(across) < self.hide_size[1] / 2)


def lay_out(width: int, height: int, body_px: float | None, rng: np.random.Generator) -> Layout:
    """Put hide and nest into two different corners, drawn by lot."""
    body = body_px or BODY_OF_WIDTH * width
    wall = 0.035 * width
    hide_corner, nest_corner = rng.choice(4, 2, replace=False)
    hide_size = (1.35 * body, 0.95 * body)
    return Layout(
        width=width,
        height=height,
        body_px=body,
        wall_px=wall,
        hide_center=_place(hide_corner, width, height, wall + 0.80 * body, wall + 0.65 * body),
        hide_size=hide_size,
        hide_angle=float(rng.uniform(-0.15, 0.15)),
        nest_center=_place(nest_corner, width, height, wall + 0.75 * body, wall + 0.70 * body),
        nest_radius=0.62 * body,
    )


def _place(corner: int, width: int, height: int, from_side: float, from_top: float) -> tuple[float, float]:
    x = from_side if corner % 2 == 0 else width - 1 - from_side
    y = from_top if corner < 2 else height - 1 - from_top
    return float(x), float(y)
