"""Tables of numbers as text, a row a frame or an animal of it: as programs write them and as spreadsheets save them."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from poseflow.core.errors import PredictionsError
from poseflow.labels.formats.content import one_line

BLOCK_BYTES = 1 << 23
SAMPLE_BYTES = 1 << 16
MISSING = ["", "NaN", "nan", "NA"]
SEPARATORS = ",;\t"


@dataclass(frozen=True)
class Header:
    """The rows above the numbers, and how the cells of all rows are separated."""

    rows: tuple[tuple[str, ...], ...]
    separator: str
    decimal: str

    def above(self, count: int) -> "Header":
        """The same of the first `count` rows: below them are numbers."""
        return replace(self, rows=self.rows[:count])


def read_header(path: Path, count: int, most_bytes: int, what: str) -> Header:
    """The first rows, none longer than `most_bytes`; raises PredictionsError for text that is not UTF-8."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [file.readline(most_bytes) for _ in range(count)]
            separator = find_separator(lines[0])
            rows = tuple(tuple(next(csv.reader([line], delimiter=separator), []) or [""]) for line in lines)
            return Header(rows, separator, _find_decimal(lines[-1] + file.read(SAMPLE_BYTES), separator))
    except UnicodeDecodeError as error:
        raise PredictionsError(f"{path} must be {what} in UTF-8, got another encoding: {error}") from None


def find_separator(line: str) -> str:
    """What separates the cells of a line."""
    return max(SEPARATORS, key=line.count)


def _find_decimal(sample: str, separator: str) -> str:
    """What stands before decimals: where it is a comma, another sign separates cells."""
    return "," if separator != "," and re.search(r"\d,\d", sample) else "."


def iter_rows(
    path: Path, header: Header, names: Sequence[str], wanted: Sequence[str], what: str
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Frames (n,) and numbers (n, wanted columns) of the rows below a header, without those that are blank.

    Args:
        names: of all columns. wanted: that of the frames' numbers, and those of the numbers.

    Raises: PredictionsError for what is no number, and where a frame's is no whole one.
    """
    for batch in _iter_batches(path, header, names, dict.fromkeys(wanted, pa.float64()), what):
        whole = np.stack([pc.fill_null(column, np.nan).to_numpy() for column in batch.columns], axis=1)
        rows = whole[~np.isnan(whole).all(axis=1)]
        wrong = rows[rows[:, 0] % 1 != 0, 0]
        if len(wrong):
            raise PredictionsError(f"{path}: each row must have a frame's number, got {wrong[0]}")
        yield rows[:, 0].astype(np.int64), rows[:, 1:]


def list_texts(path: Path, header: Header, names: Sequence[str], wanted: str, what: str) -> list[str]:
    """The different texts of a column, without that of blank rows; errors as `iter_rows`."""
    batches = _iter_batches(path, header, names, {wanted: pa.string()}, what)
    found = dict.fromkeys(text for batch in batches for text in pc.unique(batch.column(0)).to_pylist())
    return [text for text in found if text]


def _iter_batches(
    path: Path, header: Header, names: Sequence[str], types: Mapping[str, pa.DataType], what: str
) -> Iterator[pa.RecordBatch]:
    """Columns of these types, some rows at a time."""
    try:
        with arrow_csv.open_csv(
            path,
            arrow_csv.ReadOptions(skip_rows=len(header.rows), column_names=list(names), block_size=BLOCK_BYTES),
            arrow_csv.ParseOptions(delimiter=header.separator),
            arrow_csv.ConvertOptions(
                column_types=types,
                include_columns=list(types),
                null_values=MISSING,
                decimal_point=header.decimal,
            ),
        ) as reader:
            yield from reader
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise PredictionsError(f"{path} must be {what}, got a damaged one: {one_line(error)}") from None
