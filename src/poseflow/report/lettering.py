"""Text on images: names as people wrote them, which OpenCV's letters cannot, beyond ASCII."""

from functools import cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.ft2font import FT2Font
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

FONT = Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
"""It comes with matplotlib: Latin, Greek, Cyrillic, Arabic and more, the same on every machine."""

EM_PX = 30
"""Size of the letters, px, at a scale of 1."""


def measure_text(text: str, scale: float) -> tuple[int, int, int]:
    """Width of a line of text, its height above the baseline, and how far it may reach below, px."""
    font = _load_font(scale)
    return round(font.getlength(spell_out(text))), round(0.75 * font.size), round(0.3 * font.size)


def write_text(
    canvas: NDArray[np.uint8], text: str, origin: tuple[int, int], color: tuple[int, int, int], scale: float
) -> None:
    """Write a line of text onto an RGB image, in place; its baseline begins at `place` (x, y)."""
    width, height, below = measure_text(text, scale)
    left, top = max(origin[0] - 1, 0), max(origin[1] - 2 * height, 0)
    region = canvas[top : origin[1] + 2 * below, left : origin[0] + width + 2]
    if not region.size:
        return
    image = Image.fromarray(region)
    at = (origin[0] - left, origin[1] - top)
    ImageDraw.Draw(image).text(at, spell_out(text), fill=color, font=_load_font(scale), anchor="ls")
    region[:] = np.asarray(image)


def spell_out(text: str) -> str:
    """The text with letters that the font has; any other as its number in Unicode, such as `U+9F20`."""
    letters = _known_letters()
    return "".join(
        letter if ord(letter) in letters and letter.isprintable() else f"U+{ord(letter):04X}" for letter in text
    )


@cache
def _known_letters() -> frozenset[int]:
    return frozenset(FT2Font(str(FONT)).get_charmap())


@cache
def _load_font(scale: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONT, max(6, round(EM_PX * scale)), layout_engine=ImageFont.Layout.BASIC)
