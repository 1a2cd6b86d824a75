"""The legend of an overlay: whose each color is."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from poseflow.report.lettering import measure_text, write_text
from poseflow.report.palette import Color

_PAPER: Color = (16, 16, 16)
_LETTERS: Color = (255, 255, 255)
_LINE_PX = 15.0
"""From one line to the next, px, at a size of 1."""


def draw_legend(canvas: NDArray[np.uint8], entries: Sequence[tuple[str, Color]], size: float) -> None:
    """Write names with dots of their colors into the lower left corner of an RGB image, in place.

    Names that have no room above each other stand in columns, from left to right.

    Args:
        size: of letters and dots, 1 for images of about 640 px.
    """
    if not entries:
        return
    line, margin, scale = round(_LINE_PX * size), round(4 * size), 0.38 * size
    rows = max(1, min(len(entries), int(0.8 * canvas.shape[0]) // line))
    columns = [entries[first : first + rows] for first in range(0, len(entries), rows)]
    widths = [max(measure_text(name, scale)[0] for name, _ in column) + 2 * line for column in columns]
    top = canvas.shape[0] - rows * line - 2 * margin
    patch = canvas[top:, : sum(widths) + margin]
    patch[:] = cv2.addWeighted(patch, 0.3, np.full_like(patch, _PAPER), 0.7, 0)
    for number, column in enumerate(columns):
        left = margin + sum(widths[:number])
        for row, (name, color) in enumerate(column):
            middle = top + margin + row * line + line // 2
            cv2.circle(canvas, (left + line // 2, middle), round(4 * size), color, cv2.FILLED, cv2.LINE_AA)
            write_text(canvas, name, (left + line + margin, middle + round(4 * size)), _LETTERS, scale)
