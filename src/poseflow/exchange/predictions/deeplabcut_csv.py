"""Predictions of DeepLabCut and Lightning Pose as tables of text."""

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from poseflow.core.errors import PredictionsError
from poseflow.exchange.predictions.columns import Columns, arrange_columns
from poseflow.exchange.predictions.frame_numbers import choose_frames
from poseflow.exchange.predictions.reader import PredictionsFile, PredictionsReader
from poseflow.labels.formats.content import decode_head, one_line, read_head
from poseflow.tables import Instances

WHAT = "a table of predictions of DeepLabCut or Lightning Pose"
HEADERS = ("scorer", "individuals", "bodyparts", "coords")
MOST_HEADER = 1 << 24
"""Bytes of a row of the header."""
BLOCK_BYTES = 1 << 23


@dataclass(frozen=True)
class _Head:
    """What stands above the numbers."""

    columns: Columns
    rows: int
    width: int
    """Of all rows, with that of the frames' numbers and those that hold no number."""
    places: tuple[int, ...]
    """Which columns hold numbers."""


def recognize(path: Path) -> bool:
    """Whether a file is a table whose first cell is `scorer`, with a likelihood; labels have none."""
    if not decode_head(read_head(path)).lower().startswith(("scorer,", '"scorer",')):
        return False
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        return any("likelihood" in file.readline(MOST_HEADER).lower() for _ in HEADERS)


def describe(path: Path) -> PredictionsFile:
    """What a file holds: its header and its last row; raises PredictionsError."""
    head = _read_head(path)
    last = _last_line(path).split(",")
    if len(last) != head.width or not last[0].strip('" ').isdigit():
        raise PredictionsError(
            f"{path} must end in a row of {head.width} cells that begins with a frame's number, got {len(last)} cells "
            f"and {last[0][:20]!r} (cut off, or still being written?)"
        )
    return head.columns.describe(int(last[0].strip('" ')) + 1)


def iter_instances(path: Path, video: int, frames: tuple[int, int]) -> Iterator[Instances]:
    """The animals of each frame; a body part that is missing is empty."""
    head = _read_head(path)
    try:
        for numbers, values in choose_frames(_read_blocks(path, head), frames):
            yield head.columns.instances(numbers, values)
    except ValueError as error:
        raise PredictionsError(f"{path}: {error}") from None


def _read_blocks(path: Path, head: _Head) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    for batch in _read_batches(path, head):
        values = np.stack([batch.column(place).to_numpy(zero_copy_only=False) for place in head.places], axis=1)
        yield batch.column(0).to_numpy(), values


def _read_batches(path: Path, head: _Head) -> Iterator[pa.RecordBatch]:
    names = list(map(str, range(head.width)))
    types = {name: pa.float64() if place in head.places else pa.string() for place, name in enumerate(names)}
    types["0"] = pa.int64()
    try:
        with arrow_csv.open_csv(
            path,
            arrow_csv.ReadOptions(skip_rows=head.rows, column_names=names, block_size=BLOCK_BYTES),
            convert_options=arrow_csv.ConvertOptions(column_types=types, null_values=["", "NaN", "nan", "NA"]),
        ) as reader:
            yield from reader
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise PredictionsError(f"{path} must be {WHAT}, got a damaged one: {one_line(error)}") from None


def _read_head(path: Path) -> _Head:
    rows: dict[str, list[str]] = {}
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        for _ in HEADERS:
            place = file.tell()
            row = next(csv.reader([file.readline(MOST_HEADER)]), [""])
            if not row or row[0].lower() not in HEADERS:
                file.seek(place)
                break
            rows[row[0].lower()] = row
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
        return _Head(arrange_columns(names), len(rows), width, tuple(places))
    except ValueError as error:
        raise PredictionsError(f"{path}: {error}") from None


def _last_line(path: Path) -> str:
    """The last line that is not blank, of bounded length."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - MOST_HEADER))
        return file.read().decode("utf-8", "replace").rstrip().rpartition("\n")[2].rstrip("\r")


DEEPLABCUT_CSV = PredictionsReader("DeepLabCut and Lightning Pose .csv", recognize, describe, iter_instances)
