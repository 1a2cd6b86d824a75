"""The predictions table on disk: one Parquet file per shard of a video.

Rows are sorted by `frame_idx`, then `instance_score` descending. A frame without an animal has no row; which frames
were read, and which of them could not be decoded, stands in the metadata: "nothing there" and "never looked" differ.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from poseflow.core.errors import TableError
from poseflow.core.skeleton import Skeleton
from poseflow.tables.columns import instances_from, predictions_schema
from poseflow.tables.instances import Instances
from poseflow.tables.parquet import as_paths, check_columns, open_table, parse_skeleton
from poseflow.tables.predictions import Predictions
from poseflow.tables.ranges import Ranges, clip_ranges, in_ranges, merge_ranges
from poseflow.tables.writer import KIND

SAME_IN_ALL_SHARDS = ("video", "release", "models")
"""Metadata that must not differ between the shards of one table."""


def read_predictions(paths: str | Path | Sequence[str | Path], with_shifted: bool = True) -> Predictions:
    """Read one predictions table or the shards of one, in any order, as one table.

    Args:
        paths: files of one video; together their frames must be without gap or overlap.
        with_shifted: read `shifted` too; without it, memory is a fraction (lags is 0 then).

    Raises: TableError naming the file for a damaged or foreign file, missing columns, differing skeletons, lags,
        classes or models, a gap or overlap between shards, rows out of order.
    """
    shards = _read_notes(as_paths(paths))
    lags = shards[0].lags if with_shifted else 0
    parts = []
    for shard in shards:
        with open_table(shard.path, KIND) as (file, _):
            check_columns(file, shard.schema, shard.path)
            parts.append(_from_arrow(file.read(_wanted(shard.schema, lags)), shard, lags, shard.frames))
    return _concatenate(parts, shards)


def describe_predictions(paths: str | Path | Sequence[str | Path]) -> Predictions:
    """What `read_predictions` gives, without the rows: skeleton, class names, frames, failed frames, metadata.

    Reads nothing but the files' footers. Raises: as `read_predictions`.
    """
    shards = _read_notes(as_paths(paths))
    empty = [_from_arrow(shard.schema.empty_table(), shard, shards[0].lags, shard.frames) for shard in shards]
    return _concatenate(empty, shards)


def iter_predictions(
    paths: str | Path | Sequence[str | Path],
    batch_frames: int,
    with_shifted: bool = True,
) -> Iterator[Predictions]:
    """Read a table or its shards in blocks of `batch_frames` frames, in bounded memory.

    Blocks without an instance are yielded too. `first_row` of a block says where its rows stand in the whole table.
    Raises: as `read_predictions`.
    """
    if batch_frames < 1:
        raise ValueError(f"batch_frames must be at least 1, got {batch_frames}")
    shards = _read_notes(as_paths(paths))
    lags = shards[0].lags if with_shifted else 0
    first_row = 0
    for shard in shards:
        with open_table(shard.path, KIND) as (file, _):
            check_columns(file, shard.schema, shard.path)
            for table, frames in _blocks(file, _wanted(shard.schema, lags), shard, batch_frames):
                block = _from_arrow(table, shard, lags, frames, first_row)
                yield block
                first_row += len(block)


def read_instances(paths: str | Path | Sequence[str | Path], rows: NDArray[np.int64]) -> Predictions:
    """Read some rows of a table, by their places in the whole, without `shifted`; only what holds them is read.

    Args:
        rows: ascending. Raises: as `read_predictions`.
    """
    shards = _read_notes(as_paths(paths))
    parts, first_row = [], 0
    for shard in shards:
        with open_table(shard.path, KIND) as (file, _):
            check_columns(file, shard.schema, shard.path)
            columns, tables = _wanted(shard.schema, 0), []
            for group in range(file.num_row_groups):
                count = file.metadata.row_group(group).num_rows
                begin, stop = np.searchsorted(rows, [first_row, first_row + count])
                if stop > begin:
                    tables.append(file.read_row_group(group, columns).take(pa.array(rows[begin:stop] - first_row)))
                first_row += count
            found = pa.concat_tables(tables) if tables else shard.schema.empty_table().select(columns)
            parts.append(_from_arrow(found, shard, 0, shard.frames))
    return _concatenate(parts, shards)


def find_rows(paths: str | Path | Sequence[str | Path], frames: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places of the rows of some frames in the whole table; reads their numbers only. Raises: as `read_predictions`."""
    found, first_row = [np.empty(0, np.int64)], 0
    for shard in _read_notes(as_paths(paths)):
        with open_table(shard.path, KIND) as (file, _):
            for batch in file.iter_batches(batch_size=1 << 18, columns=["frame_idx"]):
                found.append(np.flatnonzero(np.isin(batch.column(0).to_numpy(), frames)) + first_row)
                first_row += batch.num_rows
    return np.concatenate(found)


@dataclass(frozen=True)
class _Shard:
    """What a file's metadata says."""

    path: Path
    skeleton: Skeleton
    lags: int
    class_names: tuple[str, ...]
    frames: Ranges
    failed_frames: NDArray[np.int64]
    metadata: dict[str, Any]
    tells_hidden: bool

    @property
    def schema(self) -> pa.Schema:
        return predictions_schema(self.skeleton, self.lags, self.class_names, self.tells_hidden)


def _read_notes(paths: list[Path]) -> list[_Shard]:
    """Read the shards' metadata, sort them by their frames and check that they are parts of one table."""
    shards = sorted(
        (_read_note(path) for path in paths),
        key=lambda shard: (shard.frames[:1], shard.path),
    )
    for before, after in pairwise(shards):
        _check_same(before, after)
        stop = before.frames[-1][1] if before.frames else 0
        start = after.frames[0][0] if after.frames else stop
        if before.frames and start != stop:
            what = "gap" if start > stop else "overlap"
            raise TableError(
                f"{after.path} must begin at frame {stop}, where {before.path} ends; it begins at {start} ({what})"
            )
    return shards


def _read_note(path: Path) -> _Shard:
    with open_table(path, KIND) as (_, note):
        skeleton = parse_skeleton(note, path)
        try:
            return _Shard(
                path,
                skeleton,
                int(note["lags"]),
                tuple(note["class_names"]),
                tuple((int(start), int(stop)) for start, stop in note["frames"]),
                np.array(note["failed_frames"], np.int64),
                dict(note["metadata"]),
                bool(note.get("tells_hidden", False)),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise TableError(f"{path}: metadata must be that of a predictions table, got a fault at {error}") from error


def _check_same(a: _Shard, b: _Shard) -> None:
    pairs: list[tuple[str, Any, Any]] = [
        ("skeleton", a.skeleton.model_dump(), b.skeleton.model_dump()),
        ("lags", a.lags, b.lags),
        ("class names", a.class_names, b.class_names),
        ("columns of hidden nodes", a.tells_hidden, b.tells_hidden),
        *((key, a.metadata.get(key), b.metadata.get(key)) for key in SAME_IN_ALL_SHARDS),
    ]
    for what, one, other in pairs:
        if one != other:
            raise TableError(f"{b.path}: {what} must be the same as in {a.path}: {one}, got {other}")


def _blocks(
    file: pq.ParquetFile, columns: list[str], shard: _Shard, batch_frames: int
) -> Iterator[tuple[pa.Table, Ranges]]:
    """Cut a shard's rows at each range of `batch_frames` frames, reading a few rows at a time."""
    batches = file.iter_batches(batch_size=1 << 14, columns=columns)
    waiting = file.schema_arrow.empty_table().select(columns)
    for start, stop in _cut(shard.frames, batch_frames):
        while waiting.num_rows == 0 or waiting.column("frame_idx")[-1].as_py() < stop:
            batch = next(batches, None)
            if batch is None:
                break
            waiting = pa.concat_tables([waiting, pa.Table.from_batches([batch])])
        rows = int(np.searchsorted(waiting.column("frame_idx").to_numpy(), stop))
        yield waiting.slice(0, rows), clip_ranges(shard.frames, start, stop)
        waiting = waiting.slice(rows)


def _cut(frames: Ranges, batch_frames: int) -> Iterator[tuple[int, int]]:
    for start, stop in frames:
        for begin in range(start, stop, batch_frames):
            yield begin, min(begin + batch_frames, stop)


def _concatenate(parts: list[Predictions], shards: list[_Shard]) -> Predictions:
    if len(parts) == 1:
        return parts[0]
    return Predictions(
        **vars(Instances.concatenate(parts)),
        skeleton=shards[0].skeleton,
        class_names=shards[0].class_names,
        frames=merge_ranges([part for shard in shards for part in shard.frames]),
        failed_frames=np.concatenate([part.failed_frames for part in parts]),
        metadata=_common_metadata([shard.metadata for shard in shards]),
    )


def _common_metadata(notes: list[dict[str, Any]]) -> dict[str, Any]:
    """What all shards say alike; of what they were made by, all that some of them say."""
    common = {key: value for key, value in notes[0].items() if all(note.get(key) == value for note in notes)}
    if "made_by" in common or not all("made_by" in note for note in notes):
        return common
    steps: dict[str, dict[str, Any]] = {}
    for step, first in notes[0]["made_by"].items():
        others = [note["made_by"].get(step, {}) for note in notes]
        steps[step] = {
            key: value if all(other.get(key) == value for other in others) else _distinct(key, others)
            for key, value in first.items()
        }
    return common | {"made_by": steps}


def _distinct(key: str, notes: list[dict[str, Any]]) -> list[Any]:
    found: list[Any] = []
    for note in notes:
        found += [] if note.get(key) in found else [note.get(key)]
    return found


def _wanted(schema: pa.Schema, lags: int) -> list[str]:
    return [name for name in schema.names if lags or name != "displacements"]


def _from_arrow(table: pa.Table, shard: _Shard, lags: int, frames: Ranges, first_row: int = 0) -> Predictions:
    failed = shard.failed_frames
    try:
        return Predictions(
            **vars(instances_from(table, shard.skeleton, lags, shard.class_names, shard.tells_hidden)),
            skeleton=shard.skeleton,
            class_names=shard.class_names,
            frames=frames,
            failed_frames=failed[in_ranges(failed, frames)],
            metadata=shard.metadata,
            first_row=first_row,
        )
    except TableError as error:
        raise TableError(f"{shard.path}: {error}") from error
