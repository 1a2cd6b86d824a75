"""Read pose tables back: wide, long or as an xarray dataset."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
import psutil
import pyarrow as pa
from numpy.typing import NDArray

from poseflow.core.errors import TableError
from poseflow.core.skeleton import Skeleton
from poseflow.tables.columns import edited_columns, hidden_columns, node_columns, stack_columns, stack_marks
from poseflow.tables.individuals import Individuals
from poseflow.tables.parquet import as_paths, check_columns, open_table, parse_skeleton
from poseflow.tables.pose_note import check_pose_note
from poseflow.tables.poses import KIND, pose_schema
from poseflow.tables.ranges import count_frames, in_ranges

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

Paths = str | Path | Sequence[str | Path]
FRAME_LISTS = ("frames_read", "failed_frames", "doubtful_frames")
"""Metadata that are of one file."""


@overload
def read_poses(path: Paths, layout: Literal["wide", "long"] = "wide") -> "pd.DataFrame": ...
@overload
def read_poses(path: Paths, layout: Literal["xarray"]) -> "xr.Dataset": ...
def read_poses(path: Paths, layout: Literal["wide", "long", "xarray"] = "wide") -> "pd.DataFrame | xr.Dataset":
    """Read pose tables: one file, a folder with all below it (such as `results/poses`), or several of either.

    Args:
        path: where the tables lie.
        layout:
            "wide": a DataFrame as on disk, one row per animal and frame, columns `recording`, `video`, `frame_idx`,
                `time_s`, `timestamp`, `track`, `identity`, `identity_score`, `instance_score`, `edited` (whether a
                person set any of the row), those of `recordings.columns`, then `{node}.x`, `{node}.y` (px),
                `{node}.score` of each node, and `{node}.edited` of each (whether a person set it); of models that learn
                it, `{node}.hidden` of each (the probability that it is hidden).
            "long": a DataFrame with one row per animal, frame and node: the same first columns, without `edited`, then
                `node`, `x`, `y`, `score`, `edited`, the last of the node, and `hidden` where there is one.
            "xarray": a dataset of one video in the form of the `movement` package's poses datasets, so that its
                functions work on it: `position` (time, space, keypoints, individuals) in px, `confidence` (time,
                keypoints, individuals), `edited` and, where there is one, `hidden` of the same form. Individuals are
                the animals that have a name, then those without one:
                `track_0`, …, or where tracks follow each other, `slot_0`, …, each of them many tracks, one after the
                other, never without a frame between them, so that no speed is taken from one to the next; `track`
                (time, individuals) says which it is, -1 for none. Memory thus grows with the frames and the animals at
                once, not with the number of tracks. Every frame that was read has its place in `time` (s), with
                `frame_idx` beside it; the time of a frame without an animal is interpolated from its neighbors'.

    Returns: a DataFrame whose `attrs["poseflow"]` holds the metadata that all files share (skeleton, fps, release, …),
        or a dataset with `fps`, `pixels_per_mm` and all metadata (JSON) in `attrs`. Missing values are NaN.

    Raises: TableError naming the file for one that is damaged or no pose table, or whose skeleton differs from the
        others'; for no file at all; for xarray, for more than one video, or for one that does not fit into memory.

    Example:
        >>> poses = poseflow.read_poses("results/poses")                     # doctest: +SKIP
        >>> poses.groupby("track")[["nose.x", "nose.y"]].mean()              # doctest: +SKIP
    """
    if layout not in ("wide", "long", "xarray"):
        raise ValueError(f"layout must be 'wide', 'long' or 'xarray', got {layout!r}")
    files = _find_files(as_paths(path))
    tables, notes = zip(*(_read_file(file) for file in files), strict=True)
    skeleton = _common_skeleton(files, notes)
    if layout == "xarray":
        if len(files) > 1:
            listed = ", ".join(str(file) for file in files[:3])
            raise TableError(f"layout 'xarray' must be given one video's file, got {len(files)}: {listed}")
        return _to_xarray(tables[0], notes[0], skeleton, files[0])
    parts = [part.replace_schema_metadata(None) for part in tables]
    table = pa.concat_tables(parts, promote_options="default")  # while `recordings.columns` changes, some have more
    frame: pd.DataFrame = (_to_long(table, skeleton) if layout == "long" else table).to_pandas()
    frame.attrs["poseflow"] = _common_metadata(notes)
    return frame


def read_pose_metadata(path: str | Path) -> dict[str, Any]:
    """One pose file's metadata: skeleton, fps, scale, frames that were read or failed, status, release, versions."""
    with open_table(path, KIND) as (_, note):
        check_pose_note(note, Path(path))
        return note


def open_poses(path: str | Path) -> tuple[Skeleton, dict[str, Any]]:
    """Skeleton and metadata of one pose table, whose columns are checked; `iter_columns` gives its rows.

    Raises: TableError naming the file for one that is damaged or no pose table.
    """
    path = Path(path)
    with open_table(path, KIND) as (file, note):
        skeleton = parse_skeleton(note, path)
        check_pose_note(note, path)
        check_columns(file, pose_schema(skeleton, note["columns"], note.get("tells_hidden", False)), path)
    return skeleton, note


def _find_files(paths: list[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        found = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
        files += [file for file in found if not file.name.startswith(".")]
    if not files:
        raise TableError(f"{paths[0]} must hold pose tables (*.parquet), got none")
    return files


def _read_file(path: Path) -> tuple[pa.Table, dict[str, Any]]:
    with open_table(path, KIND) as (file, note):
        skeleton = parse_skeleton(note, path)
        check_pose_note(note, path)
        schema = pose_schema(skeleton, note["columns"], note.get("tells_hidden", False))
        check_columns(file, schema, path)
        return file.read(schema.names), note


def _common_skeleton(files: list[Path], notes: Sequence[dict[str, Any]]) -> Skeleton:
    for file, note in zip(files, notes, strict=True):
        if note["skeleton"] != notes[0]["skeleton"]:
            one, other = notes[0]["skeleton"]["nodes"], note["skeleton"]["nodes"]
            raise TableError(f"{file}: skeleton must be that of {files[0]} (nodes {one}), got nodes {other}")
    return parse_skeleton(notes[0], files[0])


def _common_metadata(notes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What all files' metadata agree in, without the lists of frames, which pandas would copy at every step."""
    shared = {key: value for key, value in notes[0].items() if all(note.get(key) == value for note in notes)}
    return {key: value for key, value in shared.items() if key not in FRAME_LISTS}


def _to_long(table: pa.Table, skeleton: Skeleton) -> pa.Table:
    nodes, rows = len(skeleton.nodes), table.num_rows
    names, edited = node_columns(skeleton), edited_columns(skeleton)
    hidden = [name for name in hidden_columns(skeleton) if name in table.column_names]
    values, marks = stack_columns(table, names).reshape(rows * nodes, 3), stack_marks(table, edited).reshape(-1)
    others = table.drop_columns([*names, *edited, *hidden, "edited"])
    repeated = others.take(pa.array(np.repeat(np.arange(rows), nodes)))
    codes = pa.array(np.tile(np.arange(nodes, dtype=np.int32), rows))
    node = pa.DictionaryArray.from_arrays(codes, pa.array(skeleton.nodes, pa.string()))
    for name, column in zip(("node", "x", "y", "score", "edited"), (node, *values.T, marks), strict=True):
        repeated = repeated.append_column(name, pa.array(column) if isinstance(column, np.ndarray) else column)
    if hidden:
        repeated = repeated.append_column("hidden", pa.array(stack_columns(table, hidden).reshape(-1)))
    return repeated


def _to_xarray(table: pa.Table, note: dict[str, Any], skeleton: Skeleton, path: Path) -> "xr.Dataset":
    import xarray as xr

    frame_idx = table.column("frame_idx").to_numpy()
    if not in_ranges(frame_idx, note["frames_read"]).all():
        raise TableError(f"{path}: every row's frame must be among the frames that were read, got others")
    found = Individuals([table], share_slots=True)
    individuals, individual = found.names, found.find(table)
    _check_room(count_frames(note["frames_read"]), len(skeleton.nodes), len(individuals), path)
    frames = np.concatenate([np.arange(*part) for part in note["frames_read"]] or [np.empty(0, np.int64)])
    place = np.searchsorted(frames, frame_idx)
    values = np.full((len(frames), len(skeleton.nodes), 3, len(individuals)), np.nan, np.float32)
    values[place, :, :, individual] = stack_columns(table, node_columns(skeleton)).reshape(
        table.num_rows, len(skeleton.nodes), 3
    )
    edited = np.zeros((len(frames), len(skeleton.nodes), len(individuals)), np.bool_)
    edited[place, :, individual] = stack_marks(table, edited_columns(skeleton))
    track = np.full((len(frames), len(individuals)), -1, np.int32)
    track[place, individual] = table.column("track").to_numpy()
    time = interpolate_times(frames, frame_idx, table.column("time_s").to_numpy(), note["fps"])
    coords: dict[str, Any] = {
        "time": time,
        "space": ["x", "y"],
        "keypoints": list(skeleton.nodes),
        "individuals": individuals,
        "frame_idx": ("time", frames),
        "track": (("time", "individuals"), track),
    }
    if note["start"] and note["fps"]:
        start = np.datetime64(note["start"].removesuffix("+00:00"), "us")
        coords["timestamp"] = ("time", start + np.round(time * 1e6).astype("timedelta64[us]"))
    attrs = {
        "ds_type": "poses",
        "source_software": "poseflow",
        "source_file": str(path),
        "time_unit": "seconds" if note["fps"] else "frames",
        "fps": note["fps"],
        "pixels_per_mm": note["pixels_per_mm"],
        "poseflow": json.dumps(note),
    }
    hidden: dict[str, Any] = {}
    if note.get("tells_hidden", False):
        marks = np.full((len(frames), len(skeleton.nodes), len(individuals)), np.nan, np.float32)
        marks[place, :, individual] = stack_columns(table, hidden_columns(skeleton))
        hidden["hidden"] = (("time", "keypoints", "individuals"), marks)
    return xr.Dataset(
        {
            "position": (("time", "space", "keypoints", "individuals"), values[:, :, :2].transpose(0, 2, 1, 3)),
            "confidence": (("time", "keypoints", "individuals"), values[:, :, 2]),
            "edited": (("time", "keypoints", "individuals"), edited),
            **hidden,
        },
        coords=coords,
        attrs={key: value for key, value in attrs.items() if value is not None},
    )


def _check_room(frames: int, nodes: int, individuals: int, path: Path) -> None:
    """Raise TableError before memory is asked for that is not there."""
    needed, free = frames * (individuals * (nodes * 13 + 4) + 24), psutil.virtual_memory().available
    if needed > free:
        raise TableError(
            f"{path}: layout 'xarray' must fit into memory, got {needed / 1e9:.1f} GB for {frames:,} frames of "
            f"{individuals} individuals, and {free / 1e9:.1f} GB free; layout 'wide' takes room for the rows alone"
        )


def interpolate_times(
    frames: NDArray[np.int64], known: NDArray[np.int64], time_s: NDArray[np.float64], fps: float | None
) -> NDArray[np.float64]:
    """Times of all frames from those of some; beyond the first and last known one, at `fps`.

    Frame numbers where the recording has no timestamps.
    """
    step = 1 / fps if fps else 1.0
    if not len(known) or np.isnan(time_s).any():
        return np.multiply(frames, step, dtype=np.float64)
    times = np.asarray(np.interp(frames, known, time_s), np.float64)
    before, after = frames < known[0], frames > known[-1]
    times[before] = time_s[0] + (frames[before] - known[0]) * step
    times[after] = time_s[-1] + (frames[after] - known[-1]) * step
    return times
