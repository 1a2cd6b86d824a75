"""Tables of the page, and how figures are written in them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

NOTHING = "–"


@dataclass(frozen=True)
class Grid:
    """A table: cells are text as it is shown.

    columns: headings; one that begins with `#` holds numbers, set flush right.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    has_total: bool = False
    """Whether the last row sums up the others."""
    is_number: Sequence[bool] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_number", [name.startswith("#") for name in self.columns])
        object.__setattr__(self, "columns", [name.removeprefix("#") for name in self.columns])


def number(value: Any, digits: int = 2) -> str:
    """A figure with so many digits after the point; a dash where there is none."""
    return NOTHING if value is None or not math.isfinite(value) else f"{value:,.{digits}f}"


def count(value: Any) -> str:
    """A whole number; a dash where there is none."""
    return number(value, 0)


def percent(share: Any, digits: int = 1) -> str:
    """A share of 1 in percent."""
    return NOTHING if share is None or not math.isfinite(share) else f"{100 * share:.{digits}f} %"


def duration(seconds: float) -> str:
    """A length of time in the unit that reads well."""
    if not math.isfinite(seconds):
        return NOTHING
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:,.1f} s"
