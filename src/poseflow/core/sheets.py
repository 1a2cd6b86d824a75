"""CSV files, which people open in a spreadsheet."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from poseflow.core.files import replacing

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]], path: str | Path) -> None:
    """Write a table, whole or not at all; names that a spreadsheet would run as a formula are text there."""
    with replacing(path) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([neutral_cell(name) for name in columns])
        writer.writerows([neutral_cell(value) for value in row] for row in rows)


def neutral_cell(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula: text that begins like one gets an apostrophe; numbers stay.

    Source: OWASP, "CSV injection".
    """
    if not isinstance(value, str) or not value.lstrip(" ").startswith(FORMULA_STARTS) or _is_number(value):
        return value
    return f"'{value}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
