"""Colors of animals: the same in overlays, in the report and in its figures."""

from collections.abc import Iterable, Sequence

Color = tuple[int, int, int]
"""RGB, 0 to 255."""

# Okabe and Ito 2008, "Color universal design", which color-blind people tell apart, those first that stand out from fur
# and bedding; yellow, black and white, which paper or text hide, are replaced by two of Paul Tol's muted colors.
COLORS: tuple[Color, ...] = (
    (86, 180, 233),
    (230, 159, 0),
    (204, 121, 167),
    (0, 158, 115),
    (213, 94, 0),
    (0, 114, 178),
    (153, 153, 51),
    (136, 34, 85),
)
UNNAMED: Color = (160, 160, 160)
"""Of animals without a name where others have one."""


def color_animals(
    names: Iterable[str], tracks: Iterable[int], known: Sequence[str] = ()
) -> dict[str | int | None, Color]:
    """Color of each animal of a pose table by its name, or by its track where it has none; of None, without either.

    Args:
        names: that animals of the table have. tracks: of the whole table.
        known: names in the order of their colors, which an animal thus keeps through all recordings; by default those
            that there are, sorted.
    """
    here = set(names)
    order = [*known, *sorted(here.difference(known))]
    colors: dict[str | int | None, Color] = {name: COLORS[place % len(COLORS)] for place, name in enumerate(order)}
    for place, track in enumerate(sorted(set(tracks))):
        colors[track] = UNNAMED if here else COLORS[place % len(COLORS)]
    return colors | {None: UNNAMED}


def hex_of(color: Color) -> str:
    """A color as figures and pages name it, `#56b4e9`."""
    return "#{:02x}{:02x}{:02x}".format(*color)
