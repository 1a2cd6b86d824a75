"""The animals of some neighboring frames, from the tables there are: predictions and tracks, or the pose table alone.

The predictions are what claims are laid over, as `track` and `assemble` do it. Where they have been removed
(`keep.predictions`), the pose table stands in: claims laid over it once more change nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from poseflow.core.skeleton import Skeleton
from poseflow.server.poses.groups import FRAME, TableGroups
from poseflow.server.poses.tables import Source, VideoTables, code_names, iter_links
from poseflow.tables import edited_columns, node_columns, stack_columns, stack_marks


@dataclass(frozen=True, eq=False)
class Window:
    """Rows of frames start to stop - 1, by frame."""

    start: int
    stop: int
    nodes: Sequence[str]
    names: Sequence[str]
    row: NDArray[np.int64]
    frame: NDArray[np.int64]
    track: NDArray[np.int32]
    """-1: none."""
    tracklet: NDArray[np.int32]
    name: NDArray[np.int16]
    """Place in `names`, -1: none."""
    name_score: NDArray[np.float32]
    score: NDArray[np.float32]
    points: NDArray[np.float32]
    """(rows, nodes, 2)"""
    node_score: NDArray[np.float32]
    edited: NDArray[np.bool_]
    """(rows, nodes)"""
    source: Source = "none"

    def __len__(self) -> int:
        return len(self.row)


def read_window(tables: VideoTables, start: int, stop: int) -> Window:
    """The animals of frames start to stop - 1 as the tables have them. Raises TableError for damaged tables."""
    if tables.skeleton is None:
        return _empty(start, stop)
    if tables.predictions:
        return _read_from_predictions(tables, tables.skeleton, start, stop)
    assert tables.poses is not None
    return _read_from_poses(tables, tables.skeleton, tables.poses, start, stop)


def _read_from_predictions(tables: VideoTables, skeleton: Skeleton, start: int, stop: int) -> Window:
    columns = [FRAME, "instance_score", *node_columns(skeleton)]
    parts, rows, before = [], [], 0
    for shard in tables.predictions:
        for first, table in shard.read(shard.find(start, stop), columns):
            begin, end = np.searchsorted(table.column(FRAME).to_numpy(), [start, stop])
            parts.append(table.slice(begin, end - begin))
            rows.append(np.arange(begin, end) + first + before)
        before += shard.rows
    if not parts:
        return _empty(start, stop, skeleton.nodes, tables.names, tables.source)
    table, row = pa.concat_tables(parts), np.concatenate(rows).astype(np.int64)
    links = _read_links(tables, start, stop)
    place = np.searchsorted(links.row, row)
    known = place < len(links.row)
    known[known] = links.row[place[known]] == row[known]
    own = place[known]

    def spread(values: NDArray[Any], missing: Any) -> NDArray[Any]:
        full = np.full(len(row), missing, values.dtype)
        full[known] = values[own]
        return full

    values = stack_columns(table, node_columns(skeleton)).reshape(len(row), len(skeleton.nodes), 3)
    return Window(
        start,
        stop,
        skeleton.nodes,
        tables.names,
        row,
        table.column(FRAME).to_numpy(),
        spread(links.track, -1),
        spread(links.tracklet, -1),
        spread(links.code, -1),
        spread(links.score, np.nan),
        table.column("instance_score").to_numpy(),
        values[:, :, :2],
        values[:, :, 2],
        np.zeros(values.shape[:2], np.bool_),
        tables.source,
    )


def _read_from_poses(tables: VideoTables, skeleton: Skeleton, poses: TableGroups, start: int, stop: int) -> Window:
    nodes, marks = node_columns(skeleton), edited_columns(skeleton)
    has_marks = poses.columns >= set(marks)
    columns = [FRAME, "track", "identity", "identity_score", "instance_score", *nodes, *(marks if has_marks else ())]
    parts, rows = [], []
    for first, table in poses.read(poses.find(start, stop), columns):
        begin, end = np.searchsorted(table.column(FRAME).to_numpy(), [start, stop])
        parts.append(table.slice(begin, end - begin))
        rows.append(np.arange(begin, end) + first)
    if not parts:
        return _empty(start, stop, skeleton.nodes, tables.names, tables.source)
    table, row = pa.concat_tables(parts), np.concatenate(rows).astype(np.int64)
    frame, track = table.column(FRAME).to_numpy(), table.column("track").to_numpy()
    links = _read_links(tables, start, stop)
    order = np.lexsort((links.track, links.frame))
    keys, wanted = (links.frame * (1 << 31) + links.track)[order], frame * (1 << 31) + track
    place = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    tracklet = np.full(len(row), -1, np.int32)
    if len(keys):
        known = keys[place] == wanted
        tracklet[known] = links.tracklet[order][place[known]]
    values = stack_columns(table, nodes).reshape(len(row), len(skeleton.nodes), 3)
    edited = stack_marks(table, marks) if has_marks else np.zeros(values.shape[:2], np.bool_)
    return Window(
        start,
        stop,
        skeleton.nodes,
        tables.names,
        row,
        frame,
        track,
        tracklet,
        code_names(table.column("identity"), tables.names),
        table.column("identity_score").to_numpy(),
        table.column("instance_score").to_numpy(),
        values[:, :, :2],
        values[:, :, 2],
        edited,
        tables.source,
    )


@dataclass(frozen=True, eq=False)
class _Links:
    row: NDArray[np.int64]
    frame: NDArray[np.int64]
    track: NDArray[np.int32]
    tracklet: NDArray[np.int32]
    code: NDArray[np.int16]
    score: NDArray[np.float32]


LINK_COLUMNS = ("row", FRAME, "track", "tracklet", "identity", "identity_score")


def _read_links(tables: VideoTables, start: int, stop: int) -> _Links:
    """What the tracks table says of some frames of a video."""
    parts: list[tuple[NDArray[Any], ...]] = []
    if tables.tracks is not None:
        for table in iter_links(tables, start, stop, LINK_COLUMNS):
            begin, end = np.searchsorted(table.column(FRAME).to_numpy(), [start, stop])
            own = table.slice(begin, end - begin)
            plain = [own.column(name).to_numpy() for name in ("row", FRAME, "track", "tracklet")]
            score = own.column("identity_score").to_numpy()
            parts.append((*plain, code_names(own.column("identity"), tables.names), score))
    if not parts:
        kinds: tuple[Any, ...] = (np.int64, np.int64, np.int32, np.int32, np.int16, np.float32)
        return _Links(*(np.empty(0, kind) for kind in kinds))
    return _Links(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _empty(
    start: int, stop: int, nodes: Sequence[str] = (), names: Sequence[str] = (), source: Source = "none"
) -> Window:
    whole, half, real = np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.float32)
    return Window(
        start,
        stop,
        nodes,
        names,
        whole,
        whole,
        half,
        half,
        np.empty(0, np.int16),
        real,
        real,
        np.empty((0, len(nodes), 2), np.float32),
        np.empty((0, len(nodes)), np.float32),
        np.empty((0, len(nodes)), np.bool_),
        source,
    )
