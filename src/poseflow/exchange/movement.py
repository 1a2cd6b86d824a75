"""netCDF as the `movement` package reads it: the dataset of `read_poses(layout="xarray")`, of any length."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from poseflow.exchange.dense import FrameGrid, Window, find_individuals, find_times, iter_windows
from poseflow.exchange.extras import import_extra
from poseflow.exchange.losses import HIDDEN, loses
from poseflow.exchange.writer import PoseStream

CHUNK_FRAMES = 4096


@loses("instance scores", "scores of names", "marks of corrections", HIDDEN)
def write_movement(poses: PoseStream, path: Path) -> None:
    """Write `position` and `confidence` of each frame that was read, keypoint and individual, piece by piece."""
    h5netcdf = import_extra("h5netcdf", "movement")
    individuals = find_individuals(poses)
    grid = FrameGrid(poses.note["frames_read"])
    with h5netcdf.File(path, "w") as file:
        names = {"space": ["x", "y"], "keypoints": list(poses.skeleton.nodes), "individuals": individuals.names}
        file.dimensions = {"time": len(grid), **{name: len(values) for name, values in names.items()}}
        for name, values in names.items():
            file.create_variable(name, (name,), data=np.array(values, h5py.string_dtype()))
        time = file.create_variable("time", ("time",), np.float64)
        frame_idx = file.create_variable("frame_idx", ("time",), np.int64)
        for place, seconds in find_times(poses, grid, CHUNK_FRAMES):
            time[place], frame_idx[place] = seconds, grid.frames(place.start, place.stop)
        _make_arrays(file, len(grid), len(individuals), len(poses.skeleton.nodes))
        for window in iter_windows(poses, individuals, grid):
            _write_window(file, window)
        file.attrs.update(_describe(poses))


def _make_arrays(file: Any, frames: int, individuals: int, nodes: int) -> None:
    chunk = max(1, min(CHUNK_FRAMES, frames))
    arrays = {
        "position": (("time", "space", "keypoints", "individuals"), np.float32, np.float32(np.nan), (2, nodes)),
        "confidence": (("time", "keypoints", "individuals"), np.float32, np.float32(np.nan), (nodes,)),
        "track": (("time", "individuals"), np.int32, None, ()),
    }
    for name, (dimensions, dtype, fill, inner) in arrays.items():
        chunks = (chunk, *inner, max(individuals, 1))
        options = {"chunks": chunks, "compression": "gzip", "compression_opts": 1, "shuffle": True}
        variable = file.create_variable(
            name, dimensions, dtype, fillvalue=fill, **(options if frames and individuals else {})
        )
        variable.attrs["coordinates"] = "frame_idx track" if name != "track" else "frame_idx"


def _write_window(file: Any, window: Window) -> None:
    frames = slice(window.start, window.stop)
    if not window.nodes.size:
        return
    file["position"][frames] = window.nodes[..., :2].transpose(0, 3, 2, 1)
    file["confidence"][frames] = window.nodes[..., 2].transpose(0, 2, 1)
    file["track"][frames] = window.tracks


def _describe(poses: PoseStream) -> dict[str, Any]:
    note = poses.note
    attrs = {
        "ds_type": "poses",
        "source_software": "poseflow",
        "source_file": str(poses.table),
        "time_unit": "seconds" if note["fps"] else "frames",
        "fps": note["fps"],
        "pixels_per_mm": note["pixels_per_mm"],
        "poseflow": json.dumps(note),
    }
    return {key: value for key, value in attrs.items() if value is not None}
