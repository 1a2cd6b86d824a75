"""The pose table, the product: one row per animal and frame, sorted by time, one Parquet file per video.

Files lie as `{recording}/{video}.parquet`. Folders named `recording=…` would be read as a second column of that name:
each reader guesses its type (of "2024", a number), and pyarrow's own two readers ask for different types of the column
in the file. Columns: `recording`, `video`, `frame_idx`, `time_s` (from the container's own timestamps), `timestamp`
(UTC, null where the recording's start is not known), `track`, `identity`, `identity_score`, `instance_score`,
`edited`, what is known of the recording itself (`recordings.columns`), then `{node}.x`, `{node}.y` and `{node}.score`
of each node, and `{node}.edited` of each; scores lie in 0..1. `{node}.edited` is true where a person put a node, or
said that it is not to be seen, and `edited` where that is so of any node of the row; of an animal that a person added,
that is all of it. What a person set has score 1. Of models that learn it, `{node}.hidden` of each node comes last: the
probability that nobody can see it where it is; null where it is missing, or a person's.

What is missing is null in the file, which pandas reads as NaN: a NaN would turn DuckDB's and
Polars' means into NaN.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from poseflow.core.errors import TableError
from poseflow.core.skeleton import Skeleton
from poseflow.tables.columns import edited_columns, hidden_columns, node_arrays, node_columns
from poseflow.tables.edits import PoseEdits
from poseflow.tables.instances import Instances
from poseflow.tables.parquet import KEY, TableWriter, dump_note
from poseflow.tables.predictions import Predictions
from poseflow.tables.ranges import in_ranges
from poseflow.tables.shards import describe_predictions, iter_predictions
from poseflow.tables.tracks import Tracks, name_array

KIND = "poses"
BLOCK_FRAMES = 50_000
ORIGIN = ("config", "made_by")
"""Metadata by section of the settings, and by step (`poseflow.runs.provenance`)."""


class VideoFacts(Protocol):
    """What the pose table takes from a video's index (`poseflow.media.VideoIndex`)."""

    @property
    def status(self) -> str:
        """`ok` or `quarantined`."""

    @property
    def reason(self) -> str | None:
        """Why it is quarantined."""

    @property
    def problems(self) -> Sequence[str]:
        """What is wrong with it, a sentence each."""

    @property
    def doubtful_ranges(self) -> Sequence[tuple[int, int]]:
        """Frames that may show what was never there, since data before them is lost, as [start, stop) ranges."""

    @property
    def frames(self) -> int:
        """Exact number of frames."""

    @property
    def width(self) -> int | None:
        """Of the image, px."""

    @property
    def height(self) -> int | None:
        """Of the image, px."""

    @property
    def fps(self) -> float | None:
        """Median frame rate."""

    @property
    def recorded_at(self) -> datetime | None:
        """When the recording began, with time zone, where the file says so."""

    def time_s(self, frame_idx: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """Seconds since the first frame, from the container's timestamps; NaN where it has none."""


@dataclass(frozen=True)
class PoseSource:
    """What a pose table is about."""

    recording: str
    video: str
    pixels_per_mm: float | None = None
    start: datetime | None = None
    """When the recording began, with time zone; None: what the file says."""
    details: dict[str, Any] = field(default_factory=dict)
    """JSON-able, goes into the metadata."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What is known of the recording beyond its file, by name."""
    columns: Sequence[str] = ()
    """Those of the facts that each row tells, where they are known."""


def pose_schema(skeleton: Skeleton, columns: Sequence[str] = (), tells_hidden: bool = False) -> pa.Schema:
    """Columns of the pose table, `columns` being what is told of the recording itself."""
    names = pa.dictionary(pa.int32(), pa.string())
    fields = [
        pa.field("recording", names),
        pa.field("video", names),
        pa.field("frame_idx", pa.int64()),
        pa.field("time_s", pa.float64()),
        pa.field("timestamp", pa.timestamp("us", tz="UTC")),
        pa.field("track", pa.int32()),
        pa.field("identity", names),
        pa.field("identity_score", pa.float32()),
        pa.field("instance_score", pa.float32()),
        pa.field("edited", pa.bool_()),
        *(pa.field(name, names) for name in columns),
        *(pa.field(name, pa.float32()) for name in node_columns(skeleton)),
        *(pa.field(name, pa.bool_()) for name in edited_columns(skeleton)),
        *(pa.field(name, pa.float32()) for name in (hidden_columns(skeleton) if tells_hidden else ())),
    ]
    return pa.schema(fields)


def assemble_poses(
    predictions: Predictions, tracks: Tracks, index: VideoFacts, source: PoseSource, edits: PoseEdits | None = None
) -> pa.Table:
    """Join one video's predictions, tracks and times to its pose table.

    Instances without a track are left out, and what a person changed is laid over the rest. The schema's
    metadata, JSON under the key `poseflow`, says which frames were
    read, which failed and which are doubtful, with skeleton, scale, origin and what is wrong with the recording.

    Raises: TableError when the tracks are of other predictions.
    """
    tracks = _with_names(tracks, edits)
    note = pose_note(predictions, tracks, index, source)
    rows = pose_rows(predictions, tracks, index, source, edits)
    return rows.replace_schema_metadata({KEY: dump_note(note)})


def empty_poses(skeleton: Skeleton, index: VideoFacts, source: PoseSource) -> pa.Table:
    """The pose table of a quarantined video: no rows, and metadata that gives the reason."""
    nothing = Predictions.from_instances(skeleton, [], np.empty((0, len(skeleton.nodes), 2)))
    return assemble_poses(nothing, Tracks.without_identities([], [], [], []), index, source)


def write_poses(table: pa.Table, path: str | Path) -> None:
    """Write a pose table of `assemble_poses`; its metadata goes with it."""
    with TableWriter(path, table.schema) as writer:
        writer.write(table)
        writer.finish()


def assemble_files(
    prediction_paths: Sequence[str | Path],
    tracks: Tracks,
    index: VideoFacts,
    source: PoseSource,
    path: str | Path,
    edits: PoseEdits | None = None,
) -> None:
    """Write the pose table of a video of any length in bounded memory; the file is that of `assemble_poses`.

    Raises: TableError as `read_predictions` and `assemble_poses`.
    """
    whole = describe_predictions(prediction_paths)
    tracks = _with_names(tracks, edits)
    note = pose_note(whole, tracks, index, source)
    schema = pose_schema(whole.skeleton, source.columns, whole.tells_hidden).with_metadata({KEY: dump_note(note)})
    with TableWriter(path, schema) as writer:
        for block in iter_predictions(prediction_paths, BLOCK_FRAMES, with_shifted=False):
            writer.write(pose_rows(block, tracks, index, source, edits))
        writer.finish()


def pose_note(predictions: Predictions, tracks: Tracks, index: VideoFacts, source: PoseSource) -> dict[str, Any]:
    """The pose table's metadata; settings, and what each step was made by and from, are those of all steps."""
    if index.status == "ok" and predictions.frames and (stop := predictions.frames[-1][1]) > index.frames:
        raise TableError(
            f"predictions of video {source.video!r} must be of its {index.frames} frames, got some of frame {stop - 1}"
        )
    start = _utc(source.start or index.recorded_at)
    notes = (predictions.metadata, tracks.metadata, source.details)
    made = {key: {name: value for note in notes for name, value in note.get(key, {}).items()} for key in ORIGIN}
    return {
        **predictions.metadata,
        **source.details,
        **made,
        "table": KIND,
        "version": 1,
        "package_version": version("poseflow"),
        "recording": source.recording,
        "video": source.video,
        "identities": list(tracks.identity_names),
        "status": index.status,
        "reason": index.reason,
        "problems": list(index.problems),
        "skeleton": predictions.skeleton.model_dump(mode="json"),
        "fps": index.fps,
        "frames": index.frames,
        "image_size": {"width": index.width, "height": index.height},
        "pixels_per_mm": source.pixels_per_mm,
        "start": start.isoformat() if start else None,
        "recording_facts": dict(source.facts),
        "columns": list(source.columns),
        **({"tells_hidden": True} if predictions.tells_hidden else {}),
        "frames_read": [list(part) for part in predictions.frames],
        "failed_frames": predictions.failed_frames.tolist(),
        "doubtful_frames": [list(part) for part in index.doubtful_ranges],
    }


def _with_names(tracks: Tracks, edits: PoseEdits | None) -> Tracks:
    """Tracks that know the names of added animals, too."""
    names = tuple(name for name in (edits.added_identity if edits else ()) if name is not None)
    return replace(tracks, identity_names=tuple(dict.fromkeys([*tracks.identity_names, *names])))


def pose_rows(
    p: Predictions, tracks: Tracks, index: VideoFacts, source: PoseSource, edits: PoseEdits | None = None
) -> pa.Table:
    """Rows of the pose table, of the tracks that lie in this block of predictions; `pose_note` has its metadata."""
    picked = slice(*np.searchsorted(tracks.row, [p.first_row, p.first_row + len(p)]))
    row, frame_idx, track = tracks.row[picked] - p.first_row, tracks.frame_idx[picked], tracks.track[picked]
    if not np.array_equal(p.frame_idx[row], frame_idx):
        raise TableError(f"tracks of video {source.video!r} must be those of its predictions, got other frames")
    posed = p.take(row)
    code, identity_score = tracks.identity_code[picked], tracks.identity_score[picked]
    points, scores, instance_score = posed.points, _node_scores(posed), np.clip(posed.score, 0, 1)
    edited, hidden = np.zeros(scores.shape, np.bool_), posed.hidden
    if edits is not None:
        points, scores, edited = _lay_over(edits, tracks.row[picked], points, scores)
        own = in_ranges(edits.added_frame, p.frames)
        frame_idx = np.concatenate([frame_idx, edits.added_frame[own]])
        track = np.concatenate([track, edits.added_track[own]])
        place = {name: number for number, name in enumerate(tracks.identity_names)}
        codes = [
            -1 if name is None else place[name]
            for name, is_own in zip(edits.added_identity, own, strict=True)
            if is_own
        ]
        code = np.concatenate([code, np.array(codes, np.int16)])
        identity_score = np.concatenate([identity_score, edits.added_identity_score[own]])
        points = np.concatenate([points, edits.added_points[own]])
        scores = np.concatenate([scores, _person_scores(edits.added_points[own])])
        edited = np.concatenate([edited, edits.added_edited[own]])
        hidden = np.concatenate([hidden, np.full((int(own.sum()), hidden.shape[1]), np.nan, np.float32)])
        instance_score = np.concatenate([instance_score, np.ones(int(own.sum()), np.float32)])
    if p.tells_hidden:
        hidden = np.where(edited | np.isnan(points[..., 0]), np.float32(np.nan), hidden)
    order = np.lexsort((track, frame_idx))
    frame_idx, track, edited = frame_idx[order], track[order], edited[order]
    twice = (np.diff(frame_idx) == 0) & (np.diff(track) == 0)
    if twice.any():
        raise TableError(f"a track must have one instance per frame, got two in frame {frame_idx[1:][twice][0]}")
    time_s = np.asarray(index.time_s(frame_idx), np.float64) if len(frame_idx) else np.empty(0)
    columns = [
        _constant(source.recording, len(order)),
        _constant(source.video, len(order)),
        pa.array(frame_idx),
        pa.array(time_s, from_pandas=True),
        _timestamps(time_s, source.start or index.recorded_at),
        pa.array(track),
        name_array(code[order], tracks.identity_names),
        pa.array(identity_score[order], from_pandas=True),
        pa.array(instance_score[order], from_pandas=True),
        pa.array(edited.any(axis=1)),
        *(_constant(source.facts.get(name), len(order)) for name in source.columns),
        *node_arrays(points[order], scores[order], missing_as_null=True),
        *(pa.array(column) for column in np.ascontiguousarray(edited.T)),
        *(pa.array(column, from_pandas=True) for column in np.ascontiguousarray(hidden[order].T)),
    ]
    return pa.Table.from_arrays(columns, schema=pose_schema(p.skeleton, source.columns, p.tells_hidden))


def _lay_over(
    edits: PoseEdits, rows: NDArray[np.int64], points: NDArray[np.float32], scores: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Points and scores of some ascending rows with what a person set in them, and which nodes that are."""
    edited = np.zeros(scores.shape, np.bool_)
    place = np.searchsorted(edits.row, rows)
    known = place < len(edits.row)
    known[known] = edits.row[place[known]] == rows[known]
    if known.any():
        own = place[known]
        edited[known] = edits.edited[own]
        points, scores = points.copy(), scores.copy()
        points[edited] = edits.points[own][edits.edited[own]]
        scores[edited] = _person_scores(edits.points[own])[edits.edited[own]]
    return points, scores, edited


def _person_scores(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores (n, nodes) of points that a person set: 1, NaN where one is not to be seen."""
    return np.where(np.isnan(points).any(axis=-1), np.float32(np.nan), np.float32(1))


def _node_scores(instances: Instances) -> NDArray[np.float32]:
    """Scores (n, nodes) in 0..1, though a map's peak may be higher; NaN where the point is missing."""
    missing = np.isnan(instances.points).any(axis=-1)
    return np.where(missing, np.float32(np.nan), np.clip(instances.point_scores, 0, 1))


def _constant(value: str | None, rows: int) -> pa.Array:
    if value is None:
        return pa.nulls(rows, pa.dictionary(pa.int32(), pa.string()))
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array([value], pa.string()))


def _timestamps(time_s: NDArray[np.float64], start: datetime | None) -> pa.Array:
    kind = pa.timestamp("us", tz="UTC")
    begin = _utc(start)
    if begin is None:
        return pa.nulls(len(time_s), kind)
    unknown = np.isnan(time_s)
    offset = np.round(np.where(unknown, 0, time_s) * 1e6).astype(np.int64)
    return pa.array(offset + pa.scalar(begin, kind).value, kind, mask=unknown)


def _utc(start: datetime | None) -> datetime | None:
    if start is not None and start.tzinfo is None:
        raise TableError(f"a recording's start must have a time zone, got {start.isoformat()}")
    return start.astimezone(UTC) if start else None
