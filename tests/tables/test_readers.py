"""`results/poses` opens as it stands in the readers that people use."""

import json
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import poseflow
from poseflow.core.errors import SkeletonError, TableError
from poseflow.core.files import make_temporary_folder
from poseflow.core.skeleton import Skeleton
from poseflow.runs.names import give_names
from poseflow.tables import (
    PoseSource,
    Predictions,
    Tracks,
    assemble_poses,
    empty_poses,
    read_pose_metadata,
    read_predictions,
    write_poses,
    write_predictions,
)
from poseflow.tables.parquet import TableWriter

SKELETON = Skeleton(nodes=("nose", 'l\'oreille "g"', "хвост", "a.b"))
ROWS = 5


@dataclass(frozen=True)
class Index:
    status: str = "ok"
    reason: str | None = None
    frames: int = ROWS
    width: int | None = 64
    height: int | None = 48
    fps: float | None = 10.0
    recorded_at: datetime | None = None
    problems: tuple[str, ...] = ()
    doubtful_ranges: tuple[tuple[int, int], ...] = ()

    def time_s(self, frame_idx=None):
        return np.arange(ROWS) / 10 if frame_idx is None else frame_idx / 10


def write_recording(folder: Path, name: str, rows: int = ROWS, skeleton: Skeleton = SKELETON) -> None:
    """A pose table where the workflow has it."""
    source = PoseSource(name, name)
    frames = np.arange(rows)
    predictions = Predictions.from_instances(
        skeleton, frames, np.ones((rows, len(skeleton.nodes), 2)), frames=[(0, ROWS)]
    )
    tracks = Tracks.without_identities(frames, frames, np.zeros(rows), np.zeros(rows))
    place = give_names([Path(f"{name}.mp4")], {})[f"{name}.mp4"]
    write_poses(assemble_poses(predictions, tracks, Index(), source), folder / place / f"{place}.parquet")


def readers(folder: Path) -> Iterator[tuple[str, Callable[[], list[str]]]]:
    """Ways to read the column `recording` of a folder."""
    pattern, files = f"{folder}/**/*.parquet", sorted(folder.rglob("*.parquet"))
    yield "pandas, folder", lambda: pd.read_parquet(folder)["recording"].tolist()
    yield "pandas, plain", lambda: pd.read_parquet(folder, partitioning=None)["recording"].tolist()
    yield "pandas, files", lambda: [name for file in files for name in pd.read_parquet(file)["recording"]]
    for kind in ("hive", None):
        read = ds.dataset(folder, partitioning=kind)
        yield f"pyarrow, {kind}", lambda read=read: read.to_table()["recording"].to_pylist()
    yield "pyarrow, read_table", lambda: pq.read_table(folder)["recording"].to_pylist()
    for hive, where in product((None, True, False), (str(folder), pattern)):
        yield (
            f"Polars, {hive}, {where}",
            lambda hive=hive, where=where: (
                pl.scan_parquet(where, hive_partitioning=hive).select("recording").collect()["recording"].to_list()
            ),
        )
    for options in product(
        ("", ", hive_partitioning = true", ", hive_partitioning = false"), ("", ", union_by_name = true")
    ):
        query = f"SELECT recording FROM read_parquet('{pattern}'{''.join(options)})"
        yield query, lambda query=query: [row[0] for row in duckdb.sql(query).fetchall()]
    yield "poseflow", lambda: poseflow.read_poses(folder)["recording"].tolist()


@pytest.mark.slow
@pytest.mark.parametrize(
    "names",
    [
        ("cage", "flies", "empty"),
        ("2024", "2025", "007"),
        ("1e5", "null", "NaN"),
        ("2024-01-01", "2024-02-01", "true"),
        ("Käfig 1", "a=b", "100%", "recording=2"),
        ("_day1", "-day2", ".day3"),
    ],
    ids=lambda names: names[0],
)
def test_every_reader_finds_all_recordings_under_their_names(tmp_path, names):
    for place, name in enumerate(names):
        write_recording(tmp_path / "poses", name, rows=0 if place == 2 else ROWS)
    wanted = sorted(name for place, name in enumerate(names) if place != 2 for _ in range(ROWS))
    for reader, read in readers(tmp_path / "poses"):
        assert sorted(read()) == wanted, reader


def test_columns_are_the_same_in_every_reader(tmp_path):
    write_recording(tmp_path / "poses", "cage")
    columns = list(poseflow.read_poses(tmp_path / "poses").columns)
    assert [f"{node}.x" for node in SKELETON.nodes] == [name for name in columns if name.endswith(".x")]
    pattern = f"{tmp_path}/poses/**/*.parquet"
    assert pd.read_parquet(tmp_path / "poses").columns.tolist() == columns
    assert ds.dataset(tmp_path / "poses", partitioning="hive").schema.names == columns
    assert pl.scan_parquet(pattern, hive_partitioning=True).collect_schema().names() == columns
    assert duckdb.sql(f"FROM read_parquet('{pattern}', hive_partitioning = true)").columns == columns


def test_recordings_of_other_nodes_are_read_together_by_name(tmp_path):
    write_recording(tmp_path / "poses", "cage")
    write_recording(tmp_path / "poses", "flies", skeleton=Skeleton(nodes=("head",)))
    pattern = f"{tmp_path}/poses/**/*.parquet"
    query = f'SELECT count("nose.x"), count("head.x") FROM read_parquet(\'{pattern}\', union_by_name = true)'
    assert duckdb.sql(query).fetchone() == (ROWS, ROWS)
    assert len(pd.concat([pd.read_parquet(file) for file in sorted(tmp_path.rglob("*.parquet"))])) == 2 * ROWS
    with pytest.raises(TableError, match="skeleton must be that of"):
        poseflow.read_poses(tmp_path / "poses")


@pytest.mark.parametrize(
    ("nodes", "fault"),
    [
        (("Nose", "nose"), "more than case.*'Nose' and 'nose'"),
        (("Straße", "STRASSE"), "more than case"),
        (("nose", "nose "), "more than case, spaces"),
        (("caf\u00e9", "cafe\u0301"), "encoding of a letter"),
        (("a", "a.x"), r"another's column, a\.x, got 'a\.x'"),
        (("A.Score.tip", "a"), "another's column, a.score"),
        (("nose\ntip",), "printable"),
        (("tab\t",), "printable"),
        (("",), "printable"),
        ((" ",), "printable"),
    ],
)
def test_nodes_whose_columns_a_reader_would_mistake_are_refused(nodes, fault):
    with pytest.raises(SkeletonError, match=fault):
        Skeleton(nodes=nodes)


@pytest.mark.parametrize("in_run", [True, False], ids=["in a run", "by hand"])
def test_a_file_that_is_being_written_is_no_table_to_any_reader(tmp_path, in_run):
    """But for those that read whatever lies in a folder; a run's temporary files do not lie there."""
    write_recording(tmp_path / "poses", "cage")
    if in_run:
        make_temporary_folder(tmp_path)
    table = pa.table({"frame_idx": pa.array(range(3))})
    with TableWriter(tmp_path / "poses" / "cage" / "second.parquet", table.schema) as writer:
        writer.write(table)
        for reader, read in readers(tmp_path / "poses"):
            if in_run or not (reader.startswith("Polars") and reader.endswith("poses")):
                assert read() == ["cage"] * ROWS, reader
        if in_run:
            pattern = f"{tmp_path}/poses/*/*"
            assert duckdb.sql(f"SELECT count(*) FROM read_parquet('{pattern}')").fetchone() == (ROWS,)
            assert pl.scan_parquet(pattern).select(pl.len()).collect().item() == ROWS
        writer.finish()


def declare_rows(path: Path, rows: int) -> None:
    """Make a file's footer say another number of rows."""

    def varint(number: int) -> bytes:
        number, out = number << 1, bytearray()
        while number > 127:
            out.append(number & 127 | 128)
            number >>= 7
        return bytes([*out, number])

    data, true = path.read_bytes(), pq.read_metadata(path).num_rows
    size = struct.unpack("<I", data[-8:-4])[0]
    footer = data[-8 - size : -8].replace(varint(true), varint(rows))
    path.write_bytes(data[: -8 - size] + footer + struct.pack("<I", len(footer)) + b"PAR1")


@pytest.mark.parametrize("rows", [10**11, 10**9])
def test_a_table_that_declares_more_rows_than_it_can_hold_is_refused(tmp_path, rows):
    n = 8191  # a number that is nothing else in the footer
    write_predictions(Predictions.from_instances(SKELETON, np.arange(n), np.ones((n, 4, 2))), tmp_path / "p.parquet")
    write_recording(tmp_path, "poses")
    declare_rows(tmp_path / "p.parquet", rows)
    assert pq.read_metadata(tmp_path / "p.parquet").num_rows == rows
    with pytest.raises(TableError, match=r"p\.parquet must hold as many rows as it says"):
        read_predictions(tmp_path / "p.parquet")


def test_truncated_and_foreign_files_are_refused_in_one_line(tmp_path):
    write_recording(tmp_path, "cage")
    whole = (tmp_path / "cage" / "cage.parquet").read_bytes()
    path = tmp_path / "p.parquet"
    for stop in (*range(0, len(whole), 251), len(whole) - 1):
        path.write_bytes(whole[:stop])
        with pytest.raises(TableError, match=r"p\.parquet") as fault:
            poseflow.read_poses(path)
        assert "\n" not in str(fault.value)
    pq.write_table(pa.table({"x": [1]}).replace_schema_metadata({"poseflow": json.dumps({"table": "poses"})}), path)
    with pytest.raises(TableError, match="skeleton"):
        poseflow.read_poses(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("frames_read", [[0, 10**15]]),
        ("frames_read", [[0]]),
        ("frames_read", None),
        ("fps", "25"),
        ("start", "2026-01-01"),
        ("start", 5),
        ("image_size", {}),
        ("columns", [5]),
        ("video", None),
        ("skeleton", {"nodes": []}),
    ],
)
def test_metadata_of_another_kind_are_refused_in_one_line(tmp_path, key, value):
    write_recording(tmp_path, "cage")
    path = tmp_path / "cage" / "cage.parquet"
    table, note = pq.read_table(path), read_pose_metadata(path)
    pq.write_table(table.replace_schema_metadata({"poseflow": json.dumps(note | {key: value})}), path)
    with pytest.raises(TableError, match=rf"cage\.parquet: metadata must .*{key}|nodes must") as fault:
        poseflow.read_poses(path)
    assert "\n" not in str(fault.value)


def test_a_disk_that_fails_is_no_damaged_table(tmp_path, monkeypatch):
    write_recording(tmp_path, "cage")

    def fail(*_args, **_options):
        raise OSError(5, os.strerror(5))

    monkeypatch.setattr(pq.ParquetFile, "__init__", fail)
    with pytest.raises(OSError, match=r"Input/output error: .*cage\.parquet"):
        read_pose_metadata(tmp_path / "cage" / "cage.parquet")


def test_a_quarantined_recording_stands_beside_the_others(tmp_path):
    write_recording(tmp_path / "poses", "cage")
    nothing = empty_poses(SKELETON, Index("quarantined", "no video stream", 0), PoseSource("lost", "lost"))
    write_poses(nothing, tmp_path / "poses" / "lost" / "lost.parquet")
    for reader, read in readers(tmp_path / "poses"):
        assert read() == ["cage"] * ROWS, reader
