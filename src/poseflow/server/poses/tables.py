"""The tables that a video's animals stand in, as they are now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from poseflow.core.skeleton import Skeleton
from poseflow.server.poses.groups import TableGroups, read_groups
from poseflow.server.project import Project, stamp_of

Source = Literal["tracks", "predictions", "none"]


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


def iter_links(tables: VideoTables, start: int, stop: int, columns: Sequence[str]) -> Iterator[pa.Table]:
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
