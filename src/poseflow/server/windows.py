"""The animals of some neighboring frames, from the tables there are: predictions and tracks, or the pose table alone.

The predictions are what claims are laid over, as `track` and `assemble` do it. Where they have been removed
(`keep.predictions`), the pose table stands in: claims laid over it once more change nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from poseflow.core.skeleton import Skeleton
from poseflow.server.groups import FRAME, TableGroups, read_groups
from poseflow.server.project import Project, stamp_of
from poseflow.tables import edited_columns, node_columns, stack_columns, stack_marks

Source = Literal["tracks", "predictions", "none"]


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


@dataclass(frozen=True)
class VideoTables:
    """Where a video's animals stand."""

    predictions: Sequence[TableGroups]
    """Its shards in order; none where they are gone, or not there yet."""
    tracks: TableGroups | None
    track_rows: tuple[int, int]
    """The video's rows in the tracks table of its recording."""
    poses: TableGroups | None
    skeleton: Skeleton | None
    names: tuple[str, ...]
    """That the tracks give."""
    corrected: Sequence[Sequence[Any]]
    """Video, frame, row and name of what people corrected and the tracks follow."""
    failed: NDArray[np.int64]
    release: str | None
    """That made the predictions."""
    made_at: float
    """When the youngest of tracks and poses was made, seconds since 1970; 0 where there is none."""
    tracked_at: float
    """When the tracks were made; 0 where there are none."""
    stamp: str

    @property
    def source(self) -> Source:
        """What windows are made of."""
        if self.poses is None and not self.predictions:
            return "none"
        return "tracks" if self.tracks is not None or not self.predictions else "predictions"


def find_tables(project: Project, recording: str, video: str) -> VideoTables:
    """The tables of a video as they are now. Raises TableError for damaged ones.

    Shards are made by renaming, which shows in their folder: three looks, not one at each of hundreds of shards.
    """
    places = project.places
    parts = (places.predictions(video), places.tracks(recording), places.pose_table(recording, video))
    state = *(stamp_of(path) for path in parts), tuple(project.plan().shards.get(video, ()))
    return project.remember(("tables", recording, video), state, lambda: _find_tables(project, recording, video))


def _find_tables(project: Project, recording: str, video: str) -> VideoTables:
    places, kept = project.places, project.kept
    shards = project.plan().shards.get(video, ())
    paths = [places.shard(video, shard) for shard in shards]
    found = [kept.find(path, "groups", _read_predictions) for path in paths]
    predictions = sorted((one for one in found if one is not None), key=_first_frame)
    tracks = kept.find(places.tracks(recording), "groups", _read_tracks)
    poses = kept.find(places.pose_table(recording, video), "groups", _read_poses)
    skeleton = _skeleton_of(predictions[0] if predictions else poses)
    track_rows = _find_rows(tracks, video) if tracks is not None else (0, 0)
    metadata = tracks.note.get("metadata", {}) if tracks is not None else {}
    notes = [one.note for one in predictions] or ([poses.note] if poses is not None else [])
    failed = [np.empty(0, np.int64), *(np.array(note.get("failed_frames", ()), np.int64) for note in notes)]
    parts = [_mark(one) for one in (*predictions[-1:], tracks, poses) if one is not None]
    return VideoTables(
        predictions,
        tracks,
        track_rows,
        poses,
        skeleton,
        tuple(tracks.note.get("identity_names", ())) if tracks else _names_of_poses(poses),
        metadata.get("corrected", ()),
        np.concatenate(failed),
        _release_of(predictions[0].note.get("metadata", {}) if predictions else poses.note if poses else {}),
        max((one.path.stat().st_mtime for one in (tracks, poses) if one is not None), default=0.0),
        tracks.path.stat().st_mtime if tracks is not None else 0.0,
        "-".join([str(len(predictions)), *parts]),
    )


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


def find_link_groups(tables: VideoTables, start: int, stop: int) -> list[int]:
    """Groups of the tracks table that may hold frames of this video.

    A group that holds the end of one video and the begin of the next says the frames of neither.
    """
    tracks = tables.tracks
    if tracks is None:
        return []
    first, last = tables.track_rows
    begins, ends = tracks.first_row[:-1], tracks.first_row[1:]
    is_own = (begins < last) & (ends > first)
    is_whole = (begins >= first) & (ends <= last)
    is_near = (tracks.last_frame >= start) & (tracks.first_frame < stop)
    return np.flatnonzero(is_own & (is_near | ~is_whole)).tolist()


def iter_links(tables: VideoTables, start: int, stop: int, columns: Sequence[str]) -> Any:
    """Rows of the tracks table of a video, group by group, some of them of other frames."""
    assert tables.tracks is not None
    first, last = tables.track_rows
    for begin, table in tables.tracks.read(find_link_groups(tables, start, stop), columns):
        low = max(first - begin, 0)
        yield table.slice(low, min(last - begin, table.num_rows) - low)


def code_names(column: pa.ChunkedArray, names: Sequence[str]) -> NDArray[np.int16]:
    """Places in `names` of a column of names, -1 where there is none."""
    parts = [np.empty(0, np.int16)]
    for chunk in column.chunks:
        encoded = chunk if isinstance(chunk, pa.DictionaryArray) else chunk.dictionary_encode()
        place = {name: code for code, name in enumerate(names)}
        codes = np.array([place.get(name, -1) for name in encoded.dictionary.to_pylist()] + [-1], np.int16)
        parts.append(codes[encoded.indices.fill_null(len(codes) - 1).to_numpy(zero_copy_only=False)])
    return np.concatenate(parts)


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


def _read_predictions(path: Path) -> TableGroups:
    return read_groups(path, "predictions")


def _read_tracks(path: Path) -> TableGroups:
    return read_groups(path, "tracks")


def _read_poses(path: Path) -> TableGroups:
    return read_groups(path, "poses")


def _first_frame(shard: TableGroups) -> int:
    frames = shard.note.get("frames") or [[0, 0]]
    return int(frames[0][0])


def _skeleton_of(table: TableGroups | None) -> Skeleton | None:
    return Skeleton.model_validate(table.note["skeleton"]) if table is not None else None


def _find_rows(tracks: TableGroups, video: str) -> tuple[int, int]:
    begin = 0
    for known in tracks.note.get("videos", ()):
        stop = begin + int(known["rows"])
        if known["video"] in (video, ""):
            return begin, stop
        begin = stop
    return 0, 0


def _names_of_poses(poses: TableGroups | None) -> tuple[str, ...]:
    return tuple(poses.note.get("identities", ())) if poses is not None else ()


def _mark(table: TableGroups) -> str:
    status = table.path.stat()
    return f"{status.st_mtime_ns:x}"


def _release_of(note: dict[str, Any]) -> str | None:
    release = note.get("release")
    return str(release) if release is not None else None
