"""SLEAP's analysis CSV: a row an animal and frame."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from poseflow.core.errors import PredictionsError
from poseflow.core.skeleton import Skeleton
from poseflow.exchange.predictions.reader import PredictedVideo, PredictionsFile, PredictionsReader
from poseflow.labels.formats.content import decode_head, one_line, read_head
from poseflow.tables import Instances

WHAT = "SLEAP's analysis CSV"
MOST_HEADER = 1 << 20
PARTS = ("x", "y", "score")


@dataclass(frozen=True)
class _Rows:
    """All rows, sorted by frame: SLEAP writes them animal by animal."""

    frame_idx: NDArray[np.int64]
    score: NDArray[np.float32]
    poses: NDArray[np.float32]


def recognize(path: Path) -> bool:
    """Whether a table has the columns of an animal's track, frame and score."""
    first = decode_head(read_head(path)).split("\n", 1)[0].lower()
    return {"frame_idx", "instance.score"} <= {cell.strip('" \r') for cell in first.split(",")}


def describe(path: Path) -> PredictionsFile:
    """What a file holds; raises PredictionsError."""
    nodes = _read_nodes(path)
    rows = _read_rows(path, nodes)
    last = int(rows.frame_idx[-1]) if len(rows.frame_idx) else -1
    return PredictionsFile(
        tool="SLEAP analysis",
        skeleton=Skeleton(nodes=nodes),
        videos=(PredictedVideo(number=0, frames=last + 1),),
        left_out=("tracks",),
    )


def iter_instances(path: Path, video: int, frames: tuple[int, int]) -> Iterator[Instances]:
    """The instances. All rows are in memory at once, as float32."""
    rows = _read_rows(path, _read_nodes(path))
    begin, stop = np.searchsorted(rows.frame_idx, frames)
    part = slice(begin, stop)
    poses = rows.poses[part]
    yield Instances.from_arrays(rows.frame_idx[part], rows.score[part], poses[..., :2], poses[..., 2])


def _read_nodes(path: Path) -> tuple[str, ...]:
    columns = _read_columns(path)
    nodes = [name.removesuffix(".x") for name in columns if name.endswith(".x")]
    missing = [f"{node}.{part}" for node in nodes for part in PARTS if f"{node}.{part}" not in columns]
    if missing or not nodes or len(set(columns)) < len(columns):
        got = f"none of {', '.join(missing)}" if missing else "none, or one twice"
        raise PredictionsError(f"{path} must have x, y and score of each node in columns of their own, got {got}")
    return tuple(nodes)


def _read_columns(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        return next(csv.reader([file.readline(MOST_HEADER)]))


def _read_rows(path: Path, nodes: tuple[str, ...]) -> _Rows:
    numbers = ["instance.score", *(f"{node}.{part}" for node in nodes for part in PARTS)]
    types = {"frame_idx": pa.int64(), **dict.fromkeys(numbers, pa.float64())}
    options = arrow_csv.ConvertOptions(
        column_types=types, include_columns=list(types), null_values=["", "NaN", "nan", "NA"]
    )
    frames, values = [np.empty(0, np.int64)], [np.empty((0, len(numbers)), np.float32)]
    try:
        with arrow_csv.open_csv(path, convert_options=options) as reader:
            for batch in reader:
                frames.append(batch.column(0).to_numpy())
                columns = [batch.column(name).to_numpy(zero_copy_only=False) for name in numbers]
                values.append(np.stack(columns, axis=1).astype(np.float32))
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise PredictionsError(f"{path} must be {WHAT}, got a damaged one: {one_line(error)}") from None
    frame_idx, whole = np.concatenate(frames), np.concatenate(values)
    if frame_idx.min(initial=0) < 0:
        raise PredictionsError(f"{path}: frame_idx must be at least 0, got {frame_idx.min()}")
    order = np.argsort(frame_idx, kind="stable")
    return _Rows(frame_idx[order], whole[order, 0], whole[order, 1:].reshape(-1, len(nodes), 3))


SLEAP_CSV = PredictionsReader("SLEAP analysis .csv", recognize, describe, iter_instances)
