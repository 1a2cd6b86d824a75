"""Poses drawn into images, for overlays and for pictures of the report."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from poseflow.core.skeleton import Skeleton
from poseflow.report.palette import Color

SHIFT = 4
"""OpenCV draws at 1/16 px."""
FARTHEST_PX = 1e6
"""Where a point that is farther off counts as lying: OpenCV's numbers end at 2^31."""
FILLED = -1


@dataclass(frozen=True)
class PoseStyle:
    """How edges and points look: lengths in px; a thickness of `FILLED` makes a disk."""

    line_px: int
    radius_px: float
    thickness: int
    rim_color: Color
    rim_radius_px: float
    rim_thickness: int


def draw_pose(
    canvas: NDArray[np.uint8],
    pose: NDArray[np.floating],
    skeleton: Skeleton,
    color: Color,
    style: PoseStyle,
    node_colors: Sequence[Color] | None = None,
) -> None:
    """Draw a pose (nodes, 2) onto an RGB canvas, exact to a 16th of a pixel; missing points are left out.

    Args:
        color: of edges; of points too, unless these have `node_colors`.
    """
    present = np.isfinite(pose).all(axis=-1)
    for a, b in skeleton.edges:
        if present[a] and present[b]:
            draw_line(canvas, pose[a], pose[b], color, style.line_px)
    for node in np.flatnonzero(present).tolist():
        own = node_colors[node] if node_colors else color
        _draw_circle(canvas, pose[node], style.rim_radius_px, style.rim_color, style.rim_thickness)
        _draw_circle(canvas, pose[node], style.radius_px, own, style.thickness)


def draw_line(
    canvas: NDArray[np.uint8], start: NDArray[np.floating], stop: NDArray[np.floating], color: Color, line_px: int
) -> None:
    """Draw a line between two points (x, y) of the canvas, exact to a 16th of a pixel."""
    cv2.line(canvas, _fixed(start), _fixed(stop), color, line_px, cv2.LINE_AA, SHIFT)


def _draw_circle(
    canvas: NDArray[np.uint8], point: NDArray[np.floating], radius_px: float, color: Color, thickness: int
) -> None:
    cv2.circle(canvas, _fixed(point), round(radius_px * 2**SHIFT), color, thickness, cv2.LINE_AA, SHIFT)


def _fixed(point: NDArray[np.floating]) -> tuple[int, int]:
    x, y = np.clip(np.asarray(point, np.float64), -FARTHEST_PX, FARTHEST_PX).tolist()
    return round(x * 2**SHIFT), round(y * 2**SHIFT)
