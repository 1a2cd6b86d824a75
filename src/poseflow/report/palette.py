"""Colors: those of animals, of other things that are compared, of labels and predictions, and of text."""

from collections.abc import Iterable, Sequence

import matplotlib as mpl

Color = tuple[int, int, int]
"""RGB, 0 to 255."""


def hex_of(color: Color) -> str:
    """A color as figures and pages name it, `#56b4e9`."""
    return "#{:02x}{:02x}{:02x}".format(*color)


# Okabe and Ito 2008, "Color universal design", which color-blind people tell apart. Their yellow, black and white,
# which paper or text hide, are replaced by two of Paul Tol's muted colors.
_BLUE, _SKY, _GREEN = (0, 114, 178), (86, 180, 233), (0, 158, 115)
_ORANGE, _VERMILLION, _PURPLE = (230, 159, 0), (213, 94, 0), (204, 121, 167)
_OLIVE, _WINE = (153, 153, 51), (136, 34, 85)

COLORS: tuple[Color, ...] = (_SKY, _ORANGE, _PURPLE, _GREEN, _VERMILLION, _BLUE, _OLIVE, _WINE)
"""Of animals, those first that stand out from fur and bedding."""
BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = map(hex_of, (_BLUE, _VERMILLION, _GREEN, _PURPLE, _ORANGE, _SKY))
SERIES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
"""Of other things that are compared in a figure: models, videos, nodes."""
GREY, INK = "#8a8f98", "#22262b"
"""Of lines that stand back, and of text."""
LABEL: Color = _SKY
PREDICTION: Color = (255, 176, 0)
LEVELS = ("#ffd21f", "#f08a24", "#d6417f", "#7b4fc9")
"""From few to many, ever darker; they are seen on bright and on dark images."""
UNNAMED: Color = (160, 160, 160)
"""Of animals without a name where others have one."""
EDGE: Color = (205, 205, 205)
"""Of edges where nodes have the colors."""


def color_animals(
    names: Iterable[str], tracks: Iterable[int], first: Sequence[str] = ()
) -> dict[str | int | None, Color]:
    """Color of each animal of a pose table by its name, or by its track where it has none; of None, without either.

    Args:
        names: that animals of the table have. tracks: of the whole table.
        first: names in the order of their colors, which an animal thus keeps through all recordings; by default those
            that there are, sorted.
    """
    present = set(names)
    order = [*first, *sorted(present.difference(first))]
    colors: dict[str | int | None, Color] = {name: COLORS[number % len(COLORS)] for number, name in enumerate(order)}
    for number, track in enumerate(sorted(set(tracks))):
        colors[track] = UNNAMED if present else COLORS[number % len(COLORS)]
    return colors | {None: UNNAMED}


def color_nodes(nodes: int) -> list[Color]:
    """A color for each node of a skeleton, in its order from blue over green to red."""
    shades = mpl.colormaps["turbo"]([0.08 + 0.84 * number / max(nodes - 1, 1) for number in range(nodes)])
    return [(int(red), int(green), int(blue)) for red, green, blue in (255 * shades[:, :3]).round()]


def color_of(number: int) -> str:
    """Color of the n-th thing of a figure that is no animal, a model or a node; they repeat."""
    return SERIES[number % len(SERIES)]
