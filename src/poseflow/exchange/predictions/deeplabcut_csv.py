"""Predictions of DeepLabCut and Lightning Pose as tables of text."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from poseflow.core.errors import PredictionsError
from poseflow.exchange.predictions.columns import Columns, arrange_columns
from poseflow.exchange.predictions.frame_numbers import choose_frames
from poseflow.exchange.predictions.reader import PredictionsFile, PredictionsReader
from poseflow.exchange.predictions.text_table import Header, iter_rows, read_header
from poseflow.labels.formats.content import decode_head, read_head
from poseflow.tables import Instances

WHAT = "a table of predictions of DeepLabCut or Lightning Pose"
HEADERS = ("scorer", "individuals", "bodyparts", "coords")
MOST_HEADER = 1 << 24
"""Bytes of a row of the header."""


@dataclass(frozen=True)
class _Head:
    """What stands above the numbers."""

    columns: Columns
    header: Header
    width: int
    """Of all rows, with that of the frames' numbers and those that hold no number."""
    places: tuple[int, ...]
    """Which columns hold numbers."""


def recognize(path: Path) -> bool:
    """Whether a file is a table whose first cell is `scorer`, with a likelihood; labels have none."""
    if not re.match(r'"?scorer"?[,;\t]', decode_head(read_head(path)), re.IGNORECASE):
        return False
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        return any("likelihood" in file.readline(MOST_HEADER).lower() for _ in HEADERS)


def describe(path: Path) -> PredictionsFile:
    """What a file holds: its header and its last row; raises PredictionsError."""
    head = _read_head(path)
    last = _last_line(path).split(head.header.separator)
    frame = re.fullmatch(r"(\d{1,18})(\.0*)?", last[0].strip('" '))
    if len(last) != head.width or frame is None:
        raise PredictionsError(
            f"{path} must end in a row of {head.width} cells that begins with a frame's number, got {len(last)} cells "
            f"and {last[0][:20]!r} (of single images, cut off, or still being written?)"
        )
    return head.columns.describe(int(frame[1]) + 1)


def iter_instances(path: Path, video: int, frames: tuple[int, int]) -> Iterator[Instances]:
    """The animals of each frame; a body part that is missing is empty."""
    head = _read_head(path)
    names = list(map(str, range(head.width)))
    rows = iter_rows(path, head.header, names, ["0", *(names[place] for place in head.places)], WHAT)
    try:
        for numbers, values in choose_frames(rows, frames):
            yield head.columns.instances(numbers, values)
    except ValueError as error:
        raise PredictionsError(f"{path}: {error}") from None


def _read_head(path: Path) -> _Head:
    header = read_header(path, len(HEADERS), MOST_HEADER, WHAT)
    count = next((place for place, row in enumerate(header.rows) if row[0].lower() not in HEADERS), len(HEADERS))
    rows = {row[0].lower(): row for row in header.rows[:count]}
    missing = [name for name in HEADERS if name not in rows and name != "individuals"]
    widths = {len(row) for row in rows.values()}
    if missing or len(widths) != 1:
        got = f"none of {', '.join(missing)}" if missing else "rows of other lengths"
        raise PredictionsError(f"{path} must be {WHAT}, with header rows scorer, bodyparts and coords, got {got}")
    width = widths.pop()
    # Lightning Pose says in a last column `set` which frames it was trained on.
    places = [place for place in range(1, width) if rows["coords"][place] and rows["bodyparts"][place]]
    names = [{header: row[place] for header, row in rows.items()} for place in places]
    try:
        columns = arrange_columns(names)
    except ValueError as error:
        raise PredictionsError(f"{path}: {error}") from None
    return _Head(columns, header.above(count), width, tuple(places))


def _last_line(path: Path) -> str:
    """The last line that is not blank, of bounded length."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - MOST_HEADER))
        lines = file.read().decode("utf-8", "replace").splitlines()
    return next((line for line in reversed(lines) if line.strip(' ,;\t"')), "")


DEEPLABCUT_CSV = PredictionsReader("DeepLabCut and Lightning Pose .csv", recognize, describe, iter_instances)
