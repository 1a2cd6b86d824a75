"""SLEAP's analysis HDF5, as `sleap-convert` writes it: what scripts for MATLAB and Python read."""

import json
from pathlib import Path

import h5py
import numpy as np

from poseflow.exchange.dense import FrameGrid, Window, find_individuals, iter_windows
from poseflow.exchange.losses import HIDDEN, OURS, loses
from poseflow.exchange.writer import PoseStream
from poseflow.tables import Individuals

CHUNK_FRAMES = 4096


@loses("times", "frames after the last animal", "symmetries", HIDDEN, *OURS)
def write_sleap_analysis(poses: PoseStream, path: Path) -> None:
    """Write every frame from 0 to the last one with an animal; each track has its own place.

    Parts of a track in which it is not there take no room. Scores of tracking are NaN: ours are of links and names.
    """
    individuals = find_individuals(poses, share_slots=False)
    grid = FrameGrid([(0, individuals.last_frame + 1)])
    with h5py.File(path, "w") as file:
        _write_names(poses, individuals, file)
        _make_arrays(poses, individuals, len(grid), file)
        for window in iter_windows(poses, individuals, grid):
            _write_window(window, file)


def _write_names(poses: PoseStream, individuals: Individuals, file: h5py.File) -> None:
    nodes, edges = poses.skeleton.nodes, poses.skeleton.edges
    text = {
        "track_names": individuals.names,
        "node_names": nodes,
        "edge_names": [(nodes[source], nodes[target]) for source, target in edges],
    }
    for name, values in text.items():
        array = np.array([np.char.encode(np.array(value, str), "utf-8") for value in values], "S")
        shape = (len(edges), 2) if name == "edge_names" else (len(values),)
        file.create_dataset(name, data=array.reshape(shape) if array.size else np.empty(shape, "S1"))
    file.create_dataset("edge_inds", data=np.array(edges, np.int64).reshape(-1, 2))
    file["labels_path"] = str(poses.table)
    file["video_path"] = poses.index.path if poses.index else str(poses.note.get("video"))
    file["video_ind"] = 0
    file["provenance"] = json.dumps(
        {"poseflow": poses.note.get("package_version"), "release": poses.note.get("release")}
    )


def _make_arrays(poses: PoseStream, individuals: Individuals, frames: int, file: h5py.File) -> None:
    """Arrays that are filled with what is missing, in pieces of one track."""
    tracks, nodes, chunk = len(individuals), len(poses.skeleton.nodes), max(1, min(CHUNK_FRAMES, frames))
    arrays = {
        "tracks": ((tracks, 2, nodes, frames), (1, 2, nodes, chunk)),
        "point_scores": ((tracks, nodes, frames), (1, nodes, chunk)),
        "instance_scores": ((tracks, frames), (1, chunk)),
        "tracking_scores": ((tracks, frames), (1, chunk)),
    }
    packed = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
    for name, (shape, chunks) in arrays.items():
        options = {"chunks": chunks, **packed} if 0 not in shape else {}
        file.create_dataset(name, shape, np.float64, fillvalue=np.nan, **options)
    options = {"chunks": (chunk, 1), **packed} if frames and tracks else {}
    file.create_dataset("track_occupancy", (frames, tracks), np.uint8, **options)


def _write_window(window: Window, file: h5py.File) -> None:
    frames = slice(window.start, window.stop)
    for track in np.flatnonzero(window.present):
        values = window.nodes[:, track].astype(np.float64)
        file["tracks"][track, :, :, frames] = values[:, :, :2].transpose(2, 1, 0)
        file["point_scores"][track, :, frames] = values[:, :, 2].T
        file["instance_scores"][track, frames] = window.scores[:, track]
        file["track_occupancy"][frames, track] = window.tracks[:, track] >= 0
