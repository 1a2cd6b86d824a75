"""SLEAP's analysis HDF5, as `sleap-convert` and sleap-io write it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from poseflow.core.skeleton import Skeleton
from poseflow.exchange.predictions.hdf5 import dataset, opened, text
from poseflow.exchange.predictions.reader import PredictedVideo, PredictionsFile, PredictionsReader, name_recording
from poseflow.labels.formats.content import is_hdf5, open_hdf5
from poseflow.tables import Instances

WHAT = "a SLEAP analysis HDF5"
ORDER = ("track", "xy", "node", "frame")
"""Dimensions of `tracks`, where the file does not name them."""
VALUES = 1 << 23
"""Of `tracks`, at once."""


def recognize(path: Path) -> bool:
    """Whether a file has the members of an analysis HDF5."""
    if not is_hdf5(path):
        return False
    with open_hdf5(path) as file:
        return {"track_occupancy", "tracks", "node_names"} <= set(file)


def describe(path: Path) -> PredictionsFile:
    """What a file holds; raises PredictionsError."""
    with opened(path, WHAT) as file:
        skeleton = _skeleton(file)
        order = _order(file)
        frames, tracks = (dataset(file, "tracks", 4).shape[order.index(name)] for name in ("frame", "track"))
        _check_shapes(file, len(skeleton.nodes))
        files = [text(name) for name in np.ravel(file["video_path"][()])] if "video_path" in file else []
        recorded, images = name_recording(files) if any(files) else (None, ())
        backend = json.loads(text(file.attrs.get("video_backend_metadata", "{}")))
        note = json.loads(text(file["provenance"][()]) or "{}") if "provenance" in file else {}
    size = [int(side or 0) for side in [*(backend.get("shape") or []), 0, 0, 0][:3]]
    video = PredictedVideo(
        number=0,
        recorded=recorded,
        images=images,
        frames=max(frames, size[0]),
        fps=backend.get("fps"),
        height=size[1],
        width=size[2],
    )
    version = note.get("sleap_version")
    return PredictionsFile(
        tool="SLEAP analysis",
        tool_version=None if version is None else str(version),
        skeleton=skeleton,
        videos=(video,),
        left_out=(f"{tracks} tracks",) if tracks > 1 else (),
    )


def iter_instances(path: Path, video: int, frames: tuple[int, int]) -> Iterator[Instances]:
    """The instances, an animal of a frame each; one without a point is none."""
    with opened(path, WHAT) as file:
        order = _order(file)
        table = dataset(file, "tracks", 4)
        shape = dict(zip(order, table.shape, strict=True))
        stop = min(frames[1], shape["frame"])
        step = max(1, VALUES // max(1, shape["track"] * shape["node"] * 2))
        chunk = max(1, (table.chunks or table.shape)[order.index("frame")])
        step = max(step // chunk, 1) * chunk if chunk < step else step
        for begin in range(frames[0], stop, step):
            yield _read_block(file, order, (begin, min(begin + step, stop)))


def _read_block(file: h5py.File, order: tuple[str, ...], frames: tuple[int, int]) -> Instances:
    points = _read(file, "tracks", order, ("frame", "track", "node", "xy"), frames)
    frame, track = np.nonzero(np.isfinite(points).any(axis=(2, 3)))
    point_scores = np.full(points.shape[:3], np.nan)
    if "point_scores" in file:
        point_scores = _read(file, "point_scores", order, ("frame", "track", "node"), frames)
    scores = np.full(points.shape[:2], np.nan)
    if "instance_scores" in file:
        scores = _read(file, "instance_scores", order, ("frame", "track"), frames)
    return Instances.from_arrays(
        frame + frames[0], scores[frame, track], points[frame, track], point_scores[frame, track]
    )


def _read(
    file: h5py.File, name: str, order: tuple[str, ...], wanted: tuple[str, ...], frames: tuple[int, int]
) -> NDArray[Any]:
    """Some frames of a dataset, with its dimensions in the wanted order."""
    own = [dimension for dimension in order if dimension in wanted]
    table = dataset(file, name, len(own))
    part = table[tuple(slice(*frames) if dimension == "frame" else slice(None) for dimension in own)]
    return np.transpose(part, [own.index(dimension) for dimension in wanted])


def _order(file: h5py.File) -> tuple[str, ...]:
    named = file["tracks"].attrs.get("dims")
    order = ORDER if named is None else tuple(json.loads(text(named)))
    if sorted(order) != sorted(ORDER):
        raise ValueError(f"tracks must have the dimensions {', '.join(ORDER)}, got {order}")
    return order


def _check_shapes(file: h5py.File, nodes: int) -> None:
    order = _order(file)
    shape = dict(zip(order, dataset(file, "tracks", 4).shape, strict=True))
    if shape["xy"] != 2 or shape["node"] != nodes:
        raise ValueError(f"tracks must have x and y of {nodes} nodes, got the shape {shape}")
    for name, wanted in (("point_scores", ("track", "node", "frame")), ("instance_scores", ("track", "frame"))):
        own = tuple(shape[dimension] for dimension in order if dimension in wanted)
        if name in file and dataset(file, name, len(own)).shape != own:
            raise ValueError(f"{name} must have the shape {own}, as tracks has, got {file[name].shape}")


def _skeleton(file: h5py.File) -> Skeleton:
    nodes = [text(name) for name in dataset(file, "node_names", 1)[:]]
    edges = dataset(file, "edge_inds", 2)[:].tolist() if "edge_inds" in file and len(file["edge_inds"]) else []
    symmetries = [
        tuple(pair)
        for pair in json.loads(text(file.attrs.get("skeleton_symmetries", "[]")))
        if len(set(pair) & set(nodes)) == 2
    ]
    places = {name: place for place, name in enumerate(nodes)}
    return Skeleton(
        nodes=tuple(nodes),
        edges=tuple((int(a), int(b)) for a, b in edges),
        symmetries=tuple(sorted((places[a], places[b]) for a, b in symmetries)),
    )


ANALYSIS = PredictionsReader("SLEAP analysis .h5", recognize, describe, iter_instances)
