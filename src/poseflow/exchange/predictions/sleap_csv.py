"""SLEAP's analysis CSV: a row an animal and frame."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poseflow.core.errors import PredictionsError
from poseflow.core.skeleton import Skeleton
from poseflow.exchange.predictions.reader import PredictedVideo, PredictionsFile, PredictionsReader
from poseflow.exchange.predictions.text_table import find_separator, iter_rows, list_texts, read_header
from poseflow.labels.formats.content import decode_head, read_head
from poseflow.tables import Instances

WHAT = "SLEAP's analysis CSV"
MOST_HEADER = 1 << 20
RECORDING = "video_path"
"""Column that sleap-io adds."""
PARTS = ("x", "y", "score")


@dataclass(frozen=True)
class _Rows:
    """All rows, sorted by frame: SLEAP writes them animal by animal."""

    nodes: tuple[str, ...]
    recorded: str | None
    """Path of the recording, where the table gives one."""
    frame_idx: NDArray[np.int64]
    score: NDArray[np.float32]
    poses: NDArray[np.float32]


def recognize(path: Path) -> bool:
    """Whether a table has the columns of an animal's track, frame and score."""
    first = decode_head(read_head(path)).split("\n", 1)[0].lower()
    return {"frame_idx", "instance.score"} <= {cell.strip('" \r') for cell in first.split(find_separator(first))}


def describe(path: Path) -> PredictionsFile:
    """What a file holds; raises PredictionsError."""
    rows = _read_rows(path)
    last = int(rows.frame_idx[-1]) if len(rows.frame_idx) else -1
    return PredictionsFile(
        tool="SLEAP analysis",
        skeleton=Skeleton(nodes=rows.nodes),
        videos=(PredictedVideo(number=0, recorded=rows.recorded, frames=last + 1),),
        left_out=("tracks",),
    )


def iter_instances(path: Path, video: int, frames: tuple[int, int]) -> Iterator[Instances]:
    """The instances. All rows are in memory at once, as float32."""
    rows = _read_rows(path)
    begin, stop = np.searchsorted(rows.frame_idx, frames)
    part = slice(begin, stop)
    poses = rows.poses[part]
    yield Instances.from_arrays(rows.frame_idx[part], rows.score[part], poses[..., :2], poses[..., 2])


def _find_nodes(columns: Sequence[str], path: Path) -> tuple[str, ...]:
    nodes = [name.removesuffix(".x") for name in columns if name.endswith(".x")]
    missing = [f"{node}.{part}" for node in nodes for part in PARTS if f"{node}.{part}" not in columns]
    if missing or not nodes or len(set(columns)) < len(columns):
        got = f"none of {', '.join(missing)}" if missing else "none, or one twice"
        raise PredictionsError(f"{path} must have x, y and score of each node in columns of their own, got {got}")
    return tuple(nodes)


def _read_rows(path: Path) -> _Rows:
    header = read_header(path, 1, MOST_HEADER, WHAT)
    (columns,) = header.rows
    nodes = _find_nodes(columns, path)
    wanted = ["frame_idx", "instance.score", *(f"{node}.{part}" for node in nodes for part in PARTS)]
    frames, values = [np.empty(0, np.int64)], [np.empty((0, len(wanted) - 1), np.float32)]
    for numbers, rows in iter_rows(path, header, columns, wanted, WHAT):
        frames.append(numbers)
        values.append(rows.astype(np.float32))
    frame_idx, whole = np.concatenate(frames), np.concatenate(values)
    if frame_idx.min(initial=0) < 0:
        raise PredictionsError(f"{path}: frame_idx must be at least 0, got {frame_idx.min()}")
    order = np.argsort(frame_idx, kind="stable")
    poses = whole[order, 1:].reshape(-1, len(nodes), 3)
    recordings = list_texts(path, header, columns, RECORDING, WHAT) if RECORDING in columns else []
    if len(recordings) > 1:
        raise PredictionsError(f"{path} must be of one recording, got {', '.join(recordings)}")
    return _Rows(nodes, next(iter(recordings), None), frame_idx[order], whole[order, 0], poses)


SLEAP_CSV = PredictionsReader("SLEAP analysis .csv", recognize, describe, iter_instances)
