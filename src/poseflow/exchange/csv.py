"""Poses as text for a spreadsheet: the pose table's columns, or a row for each node; missing values are left empty.

Names that a spreadsheet would run as a formula get an apostrophe (`poseflow.core.sheets`).
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from poseflow.core.sheets import neutral_cell
from poseflow.exchange.dense import node_values, round_for_text
from poseflow.exchange.losses import loses
from poseflow.exchange.writer import PoseStream
from poseflow.tables import edited_columns, hidden_columns, node_columns, stack_columns, stack_marks


@loses("skeleton and all other metadata")
def write_csv(poses: PoseStream, path: Path) -> None:
    """Write a row for each animal and frame, in memory that does not grow with the video."""
    _write(poses.schema.empty_table(), path, poses.pieces)


@loses("skeleton and all other metadata")
def write_csv_long(poses: PoseStream, path: Path) -> None:
    """Write a row for each node, animal and frame: the same first columns, then `node`, `x`, `y`, `score`, `edited`.

    And `hidden`, where the table tells it.
    """
    columns = _to_long(poses.schema.empty_table(), poses)
    _write(columns, path, (_to_long(piece, poses) for piece in poses.pieces))


def _write(columns: pa.Table, path: Path, pieces: Iterator[pa.Table]) -> None:
    """Write pieces that have the columns of an empty table."""
    with csv.CSVWriter(path, _as_text(columns).schema) as writer:
        for piece in pieces:
            writer.write_table(_as_text(piece))


def _as_text(table: pa.Table) -> pa.Table:
    """The table with names that no spreadsheet takes for a formula."""
    columns = []
    for column in table.columns:
        if pa.types.is_dictionary(column.type):
            combined = pa.chunked_array(column).combine_chunks() if column.num_chunks == 0 else column.combine_chunks()
            names = pa.array([neutral_cell(name) for name in combined.dictionary.to_pylist()], pa.string())
            column = pa.DictionaryArray.from_arrays(combined.indices, names).cast(pa.string())
        elif pa.types.is_float32(column.type):
            column = pa.array(round_for_text(column.to_numpy()), from_pandas=True)
        columns.append(column)
    return pa.table(columns, [neutral_cell(name) for name in table.column_names])


def _to_long(table: pa.Table, poses: PoseStream) -> pa.Table:
    nodes, rows = len(poses.skeleton.nodes), table.num_rows
    values = node_values(table, poses).reshape(rows * nodes, 3)
    edited = edited_columns(poses.skeleton)
    hidden = hidden_columns(poses.skeleton) if poses.tells_hidden else []
    others = table.drop_columns([*node_columns(poses.skeleton), *edited, *hidden, "edited"])
    repeated = others.take(pa.array(np.repeat(np.arange(rows), nodes)))
    codes = pa.array(np.tile(np.arange(nodes, dtype=np.int32), rows))
    node = pa.DictionaryArray.from_arrays(codes, pa.array(poses.skeleton.nodes, pa.string()))
    marks = pa.array(stack_marks(table, edited).reshape(-1))
    columns = [*repeated.columns, node, *(pa.array(column, from_pandas=True) for column in values.T), marks]
    names = [*repeated.column_names, "node", "x", "y", "score", "edited"]
    if hidden:
        columns.append(pa.array(stack_columns(table, hidden).reshape(-1), from_pandas=True))
        names.append("hidden")
    return pa.table(columns, names)
