"""SLEAP's predictions, `.slp`: of any version, and proofread ones."""

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import sleap_io as sio
from numpy.typing import NDArray
from sleap_io.io.slp import read_skeletons, read_videos

from poseflow.core.skeleton import Skeleton
from poseflow.exchange.predictions.hdf5 import dataset, opened, read_rows, text
from poseflow.exchange.predictions.reader import PredictedVideo, PredictionsFile, PredictionsReader, name_recording
from poseflow.labels.formats.sleap import name_imgstore, number_videos, recognize
from poseflow.labels.skeletons import from_sleap
from poseflow.labels.sources import corner_of
from poseflow.labels.videos import is_embedded, root_video
from poseflow.tables import Instances

WHAT = "predictions of SLEAP (.slp)"
USER = 0  # SLEAP's code for the type of an instance
CENTERED = 1.1  # from this version of the format on, the first pixel's center is (0, 0)
ROWS = 1 << 18  # of the table of frames, at once
BLOCK_FRAMES = 2000

Rows = NDArray[Any]


def describe(path: Path) -> PredictionsFile:
    """What a file holds; raises PredictionsError."""
    with opened(path, WHAT) as file:
        last: dict[int, int] = {}
        for frames in _iter_frames(file):
            for video in np.unique(frames["video"]).tolist():
                newest = int(frames["frame_idx"][frames["video"] == video].max())
                last[video] = max(last.get(video, 0), newest)
        skeleton, _ = _read_skeleton(file, path)
        videos = _read_videos(path, last)
        described = []
        for number, frame in sorted(last.items()):
            source = root_video(_get_video(videos, number))
            metadata, files = source.backend_metadata, source.filename
            recorded, images = (files, ()) if isinstance(files, str) else name_recording(files)
            count, height, width = [int(size or 0) for size in [*(metadata.get("shape") or []), 0, 0, 0][:3]]
            described.append(
                PredictedVideo(
                    number=number,
                    recorded=recorded.replace("\\", "/"),
                    images=images,
                    frames=max(frame + 1, count),
                    fps=metadata.get("fps"),
                    width=width,
                    height=height,
                )
            )
        note = json.loads(text(file["metadata"].attrs["json"])).get("provenance") or {}
        tracks = len(file["tracks_json"]) if "tracks_json" in file else 0
    version = note.get("sleap_version") or note.get("sleap-nn_version") or note.get("version")
    return PredictionsFile(
        tool="SLEAP",
        tool_version=None if version is None else str(version),
        skeleton=skeleton,
        videos=tuple(described),
        left_out=(f"{tracks} tracks",) if tracks else (),
    )


def iter_instances(path: Path, video: int, frames: tuple[int, int]) -> Iterator[Instances]:
    """A video's instances; those of a person count where there are any, in place of what they were made from."""
    with opened(path, WHAT) as file:
        _, orders = _read_skeleton(file, path)
        center = 0.0 if float(file["metadata"].attrs["format_id"]) >= CENTERED else -0.5
        shift = _find_corner(file, video, path) + center
        chosen = _frames_of(file, video, frames)
        numbers = chosen["frame_idx"]
        # Never within a frame, of which there may be two rows.
        cuts = [cut for cut in range(BLOCK_FRAMES, len(numbers), BLOCK_FRAMES) if numbers[cut] != numbers[cut - 1]]
        for block in np.split(chosen, cuts):
            if len(block):
                yield _read_block(file, block, orders, shift)


def _find_corner(file: h5py.File, number: int, path: Path) -> NDArray[np.float64]:
    """Where the top left corner of a video lies in its recording, (x, y) px."""
    numbers = {one for frames in _iter_frames(file) for one in np.unique(frames["video"]).tolist()}
    video = _get_video(_read_videos(path, numbers), number)
    corner = corner_of(video)
    if corner is not None and is_embedded(video):
        raise ValueError("embedded images must be whole frames, got cropped ones")
    return np.zeros(2) if corner is None else corner


def _read_videos(path: Path, numbers: Collection[int]) -> dict[int, sio.Video]:
    """Videos by the numbers that frames give them, of which these are all."""
    videos = read_videos(str(path), open_backend=False)
    for video in videos:
        name_imgstore(video)
    return number_videos(videos, numbers)


def _get_video(videos: Mapping[int, sio.Video], number: int) -> sio.Video:
    if number not in videos:
        raise ValueError(f"frames must be of one of {len(videos)} videos, got one of number {number}")
    return videos[number]


def _iter_frames(file: h5py.File) -> Iterator[Rows]:
    frames = dataset(file, "frames", 1)
    for begin in range(0, len(frames), ROWS):
        yield frames[begin : begin + ROWS]


def _frames_of(file: h5py.File, video: int, frames: tuple[int, int]) -> Rows:
    """Frame, first instance and end of each row of a video's, sorted by frame."""
    kind = np.dtype([("frame_idx", np.int64), ("start", np.int64), ("stop", np.int64)])
    parts = [np.empty(0, kind)]
    for rows in _iter_frames(file):
        wanted = rows[(rows["video"] == video) & (rows["frame_idx"] >= frames[0]) & (rows["frame_idx"] < frames[1])]
        part = np.empty(len(wanted), kind)
        for ours, theirs in zip(kind.names or (), ("frame_idx", "instance_id_start", "instance_id_end"), strict=True):
            part[ours] = wanted[theirs].astype(np.int64)
        parts.append(part)
    whole = np.concatenate(parts)
    if (whole["stop"] < whole["start"]).any():
        raise ValueError("instance_id_end must not be less than instance_id_start")
    return whole[np.argsort(whole["frame_idx"], kind="stable")]


def _read_block(file: h5py.File, block: Rows, orders: Mapping[int, list[int]], shift: NDArray[np.float64]) -> Instances:
    nodes = len(next(iter(orders.values())))
    table = dataset(file, "instances", 1)
    counts = block["stop"] - block["start"]
    if counts.sum() > len(table):
        raise ValueError(f"frames must have {len(table):,} instances at most, got {counts.sum():,}")
    first = np.repeat(block["start"] - (np.cumsum(counts) - counts), counts)
    instances = read_rows(table, first + np.arange(counts.sum()))
    frame_idx = np.repeat(block["frame_idx"], counts)
    is_kept = ~_is_superseded(instances, frame_idx)
    instances, frame_idx = instances[is_kept], frame_idx[is_kept]
    points = np.full((len(instances), nodes, 2), np.nan)
    scores = np.full((len(instances), nodes), np.nan)
    is_user = instances["instance_type"] == USER
    for rows, name in ((is_user, "points"), (~is_user, "pred_points")):
        points[rows], scores[rows] = _read_points(file, name, instances[rows], nodes)
    for number, order in orders.items():
        own = instances["skeleton"] == number
        points[own], scores[own] = points[own][:, order], scores[own][:, order]
    score = np.where(is_user, np.float32(1), instances["score"])
    return Instances.from_arrays(frame_idx, score, points + shift, scores)


def _is_superseded(instances: Rows, frame_idx: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Predictions that a person has corrected: an instance of the same frame was made from it, or has its track."""
    is_user = instances["instance_type"] == USER
    made_from = instances["from_predicted"][is_user]
    tracked = is_user & (instances["track"] >= 0)
    taken = set(zip(frame_idx[tracked].tolist(), instances["track"][tracked].tolist(), strict=True))
    same_track = [pair in taken for pair in zip(frame_idx.tolist(), instances["track"].tolist(), strict=True)]
    superseded: NDArray[np.bool_] = ~is_user & (
        np.isin(instances["instance_id"], made_from[made_from >= 0]) | np.array(same_track, bool)
    )
    return superseded


def _read_points(
    file: h5py.File, name: str, instances: Rows, nodes: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points (n, nodes, 2) and scores (n, nodes) of instances of one type; what is not visible is missing."""
    start = instances["point_id_start"].astype(np.int64)
    wrong = instances["point_id_end"].astype(np.int64) - start != nodes
    if wrong.any():
        raise ValueError(f"an instance must have the {nodes} points of the skeleton, got others in {name}")
    rows = read_rows(dataset(file, name, 1), (start[:, None] + np.arange(nodes)).ravel())
    points = np.stack([rows["x"], rows["y"]], axis=-1)
    points[~rows["visible"]] = np.nan
    scores = rows["score"] if "score" in (rows.dtype.names or ()) else np.where(rows["visible"], 1.0, np.nan)
    return points.reshape(-1, nodes, 2), scores.reshape(-1, nodes)


def _read_skeleton(file: h5py.File, path: Path) -> tuple[Skeleton, dict[int, list[int]]]:
    """The skeleton, and by the number of each that instances have where its nodes stand in that one."""
    skeletons = read_skeletons(str(path))
    table = dataset(file, "instances", 1)
    used: set[int] = set()
    for begin in range(0, len(table), ROWS):
        used.update(np.unique(table[begin : begin + ROWS]["skeleton"]).tolist())
    if not used:
        raise ValueError("there must be instances, got none")
    if max(used) >= len(skeletons):
        raise ValueError(f"instances must have one of {len(skeletons)} skeletons, got one of number {max(used)}")
    found = {number: from_sleap(skeletons[number]) for number in sorted(used)}
    first, *_ = found.values()
    if any(set(skeleton.nodes) != set(first.nodes) for skeleton in found.values()):
        listed = " and ".join(", ".join(skeleton.nodes) for skeleton in found.values())
        raise ValueError(f"instances must have the same nodes, got several: {listed}")
    return first, {number: [one.nodes.index(node) for node in first.nodes] for number, one in found.items()}


SLP = PredictionsReader("SLEAP .slp", recognize, describe, iter_instances)
