"""Parquet files of this package: written whole or not at all, the same bytes for the same rows, checked when read."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from poseflow.core.errors import SkeletonError, TableError
from poseflow.core.files import replacing
from poseflow.core.skeleton import Skeleton

KEY = "poseflow"
"""Key of a file's metadata under which a JSON document says what the table is."""

ROW_GROUP_ROWS = 1 << 15

MAX_ROWS = 10_000_000_000
"""Of one file: a hundred animals, a hundred frames a second, eleven days."""

MAX_ROWS_PER_BYTE = 100
"""Of a file's size. Sound tables have fewer than one row per byte, of zeros alone some."""


class TableWriter:
    """Write a Parquet table piece by piece in bounded memory.

    Row groups always hold ROW_GROUP_ROWS rows, so that the bytes do not depend on how the rows were cut into pieces.
    The file appears when the `with` block ends; if it ends by an exception, or without `finish`, there is none.

    Args:
        note: the file's metadata where it is known before the rows (then it is the Arrow schema's metadata as well).
    """

    def __init__(self, path: str | Path, schema: pa.Schema, note: dict[str, Any] | None = None) -> None:
        repeated = {name for name in schema.names if schema.names.count(name) > 1}
        if repeated:
            raise TableError(f"{path}: column names must be distinct, got twice: {', '.join(sorted(repeated))}")
        self.path = Path(path)
        self.schema = schema.with_metadata({KEY: dump_note(note)}) if note else schema
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0
        self._finished = False
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        beside = self._stack.enter_context(replacing(self.path))
        floats, others = _columns_by_encoding(self.schema)
        self._writer = self._stack.enter_context(
            pq.ParquetWriter(
                beside,
                self.schema,
                compression="zstd",
                use_dictionary=others,
                use_byte_stream_split=floats,
                write_page_checksum=True,
            )
        )
        return self

    def write(self, table: pa.Table) -> None:
        """Append rows."""
        self._waiting.append(table.select(self.schema.names).cast(self.schema))
        self._waiting_rows += table.num_rows
        while self._waiting_rows >= ROW_GROUP_ROWS:
            self._write_group(ROW_GROUP_ROWS)

    def finish(self, note: dict[str, Any] | None = None) -> None:
        """Write the rows that wait, and `note` as the file's metadata where it could not be given earlier."""
        if self._waiting_rows:
            self._write_group(self._waiting_rows)
        if note is not None:
            self._writer.add_key_value_metadata({KEY: dump_note(note)})
        self._finished = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None and not self._finished:
            error = ValueError(f"{self.path} must be finished before its writer is left")
            self._stack.__exit__(ValueError, error, None)
            raise error
        self._stack.__exit__(kind, error, trace)

    def _write_group(self, rows: int) -> None:
        table = pa.concat_tables(self._waiting).combine_chunks()
        self._writer.write_table(table.slice(0, rows), row_group_size=rows)
        rest = table.slice(rows)
        self._waiting, self._waiting_rows = (
            ([rest] if rest.num_rows else []),
            rest.num_rows,
        )


def dump_note(note: dict[str, Any]) -> str:
    """The metadata's JSON: keys sorted, so that equal notes are equal bytes."""
    return json.dumps(note, sort_keys=True, ensure_ascii=False, allow_nan=False)


@contextmanager
def open_table(path: str | Path, kind: str | None) -> Iterator[tuple[pq.ParquetFile, dict[str, Any]]]:
    """Open one of this package's tables, of one kind or of any (None); yields the file and its note.

    Damage found while the body reads is reported as a TableError naming the file, too.
    """
    path = Path(path)
    content = kind or "predictions, tracks or poses"
    if not path.is_file():
        raise TableError(
            f"{path} must be a Parquet file with {content}, got {'a folder' if path.is_dir() else 'nothing'}"
        )
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            _check_rows(file, path)
            yield file, _read_note(file, path, kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # the machine's fault, not the file's
            raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
        fault = " ".join(str(error).split())
        raise TableError(f"{path} must be a whole Parquet file with {content}, got a damaged one: {fault}") from error


def _check_rows(file: pq.ParquetFile, path: Path) -> None:
    """Raise TableError where a file says that it holds more rows than it can: to read them would take all memory."""
    declared = file.metadata.num_rows
    in_groups = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    most = min(MAX_ROWS, MAX_ROWS_PER_BYTE * path.stat().st_size)
    if not 0 <= declared <= most or min(in_groups, default=0) < 0 or sum(in_groups) != declared:
        raise TableError(
            f"{path} must hold as many rows as it says, {most:,} at most in a file of its size, got {declared:,} "
            f"in all and {sum(in_groups):,} in its parts"
        )


def read_frame(path: str | Path, frame: int, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of one frame, with their places in the file as a further column `row`; reads what may hold them."""
    found, first = [], 0
    with open_table(path, None) as (file, _):
        names = list(columns or file.schema_arrow.names)
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, ["frame_idx"])
            places = np.flatnonzero(table.column("frame_idx").to_numpy() == frame)
            if len(places):
                rows = file.read_row_group(group, names).select(names).take(pa.array(places))
                found.append(rows.append_column("row", pa.array(places + first)))
            first += table.num_rows
        return pa.concat_tables(found) if found else file.schema_arrow.empty_table().select(names)


def iter_columns(path: str | Path, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """Some columns of a table (None: all), a group of rows at a time. Raises TableError as `open_table`."""
    with open_table(path, None) as (file, _):
        for group in range(file.num_row_groups):
            yield file.read_row_group(group, columns).select(columns or file.schema_arrow.names)


def check_columns(file: pq.ParquetFile, schema: pa.Schema, path: str | Path) -> None:
    """Raise TableError unless the file has every column of `schema`, in its type."""
    found = file.schema_arrow
    missing = [name for name in schema.names if name not in found.names]
    if missing:
        raise TableError(f"{path} must have the columns {', '.join(schema.names)}; missing: {', '.join(missing)}")
    for field in schema:
        if found.field(field.name).type != field.type:
            raise TableError(f"{path}: column {field.name!r} must be {field.type}, got {found.field(field.name).type}")


def parse_skeleton(note: dict[str, Any], path: str | Path) -> Skeleton:
    """The skeleton in a file's note; raises TableError."""
    try:
        return Skeleton.model_validate(note["skeleton"])
    except (KeyError, ValueError, SkeletonError) as error:
        fault = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise TableError(f"{path}: metadata must hold a skeleton, got a faulty one: {fault}") from error


def _read_note(file: pq.ParquetFile, path: Path, kind: str | None) -> dict[str, Any]:
    stored = (file.metadata.metadata or {}).get(KEY.encode())
    if stored is None:
        raise TableError(f"{path} must be a table written by poseflow (metadata key {KEY!r}), got another Parquet file")
    try:
        note = json.loads(stored)
    except ValueError as error:
        raise TableError(f"{path}: metadata {KEY!r} must be JSON, got {stored[:40]!r}") from error
    if not isinstance(note, dict) or (kind and note.get("table") != kind):
        got = note.get("table") if isinstance(note, dict) else note
        raise TableError(f"{path} must be a table of {kind}, got one of {got}")
    return note


def _columns_by_encoding(schema: pa.Schema) -> tuple[list[str], list[str]]:
    """Columns of floats, whose bytes compress better apart, and the others, by their Parquet paths."""
    floats: list[str] = []
    others: list[str] = []
    for field in schema:
        if pa.types.is_fixed_size_list(field.type):
            floats.append(f"{field.name}.list.element")
        else:
            (floats if pa.types.is_floating(field.type) else others).append(field.name)
    return floats, others


def as_paths(paths: str | Path | Sequence[str | Path]) -> list[Path]:
    """One path or several, as a list; raises TableError where there is none."""
    listed = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
    if not listed:
        raise TableError("tables must be at least one file, got none")
    return listed
