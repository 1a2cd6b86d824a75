"""How figures look: one style, and the way into a page."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import cv2
import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from poseflow.report.palette import GREY, INK, SERIES

WIDE_IN, NARROW_IN = 9.0, 4.3
"""Widths of a figure across the page and of one for a phone or half a page, inches at 96 px each."""

RASTER_DPI = 160
"""Of the parts that are drawn as an image inside an SVG: thousands of points."""

_PAGE_FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
_STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=SERIES),
    "grid.color": "#e3e6ea",
    "grid.linewidth": 0.8,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "text.parse_math": False,  # names of body parts, animals and files are drawn as they are, `$x_$` too
    "svg.fonttype": "none",
    "svg.hashsalt": "poseflow",
    "savefig.facecolor": "white",
}


@dataclass(frozen=True)
class Picture:
    """An image of the page as data URIs, and what it shows, in words."""

    wide: str
    caption: str
    title: str = ""
    narrow: str | None = None
    """The same, drawn for a narrow screen."""
    aspect: float = 1.0
    """Width over height, where pictures stand in a row."""


def draw_figure(draw: Callable[[Figure], None], width_in: float, height_in: float) -> str:
    """Draw a figure in the style of this module and give it as SVG text."""
    text = StringIO()
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width_in, height_in), layout="constrained")
        draw(figure)
        figure.savefig(text, format="svg", dpi=RASTER_DPI, metadata={"Date": None})
    return text.getvalue().replace("'DejaVu Sans'", _PAGE_FONT)


def draw_png(draw: Callable[[Figure], None], width_in: float, height_in: float) -> bytes:
    """Draw a figure that holds a photograph, as PNG: smaller than an SVG round one."""
    data = BytesIO()
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width_in, height_in), layout="constrained")
        draw(figure)
        figure.savefig(data, format="png", dpi=RASTER_DPI, metadata={"Software": None})
    return data.getvalue()


def draw_picture(
    draw: Callable[[Figure], None], size_in: tuple[float, float], caption: str, title: str = ""
) -> Picture:
    """Draw a figure of one size for the page."""
    return Picture(svg_uri(draw_figure(draw, *size_in)), caption, title)


def draw_wide_picture(draw: Callable[[Figure], None], height_in: float, caption: str, title: str = "") -> Picture:
    """Draw a figure twice: across the page, and for a phone."""
    wide, narrow = (svg_uri(draw_figure(draw, width, height_in)) for width in (WIDE_IN, NARROW_IN))
    return Picture(wide, caption, title, narrow)


def svg_uri(text: str) -> str:
    """An SVG document as a data URI."""
    return f"data:image/svg+xml;base64,{b64encode(text.encode()).decode()}"


def read_image(path: str | Path) -> NDArray[np.uint8]:
    """Read a picture, (height, width, 3) BGR; raises ValueError for a file that is none."""
    image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{path} must be a picture, got something else")
    return image.astype(np.uint8, copy=False)


def image_uri(image: NDArray[np.uint8], max_side_px: int = 1400) -> str:
    """A picture, (height, width, 3) BGR, as a data URI: a JPEG of at most so many pixels on its longer side."""
    scale = max_side_px / max(image.shape[:2])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else image
    jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
    return f"data:image/jpeg;base64,{b64encode(jpeg).decode()}"


def legend_label(name: str) -> str:
    """A name for a legend, which leaves out what begins with an underscore: an unseen space goes before it."""
    return f"\u200b{name}" if name.startswith("_") else name


def blank(axes: Axes) -> None:
    """Take everything but the content from axes that hold an image."""
    axes.set_axis_off()
    axes.grid(False)
