"""Predictions as a label file of SLEAP, to be looked at and corrected."""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
import sleap_io as sio
from numpy.typing import NDArray

from poseflow.core.errors import ConfigError
from poseflow.exchange.dense import find_hidden, find_individuals, node_values
from poseflow.exchange.losses import OURS, loses
from poseflow.exchange.writer import PoseStream
from poseflow.labels import describe, to_sleap
from poseflow.media import VideoIndex
from poseflow.tables import Individuals, Predictions, Tracks

logger = logging.getLogger(__name__)

UNNAMED = "track_"
"""What the name of an animal without a name begins with, before its track's number."""

MOST_DIGITS = 7
"""Of a track's number; a longer one that a person writes is no track's."""


INSTANCE = np.dtype(
    [
        ("instance_id", "i8"),
        ("instance_type", "u1"),
        ("frame_id", "u8"),
        ("skeleton", "u4"),
        ("track", "i4"),
        ("from_predicted", "i8"),
        ("score", "f4"),
        ("point_id_start", "u8"),
        ("point_id_end", "u8"),
        ("tracking_score", "f4"),
    ]
)
FRAME = np.dtype(
    [("frame_id", "u8"), ("video", "u4"), ("frame_idx", "u8"), ("instance_id_start", "u8"), ("instance_id_end", "u8")]
)
POINT = np.dtype([("x", "f8"), ("y", "f8"), ("visible", "?"), ("complete", "?"), ("score", "f8")])
PREDICTED = 1


@loses("times", *OURS)
def write_slp(poses: PoseStream, path: Path) -> None:
    """Write poses as `.slp` with predicted instances; SLEAP's GUI shows them on the recording.

    Each instance has its track, named after the identity where there is one. A hidden node has its place and is not
    visible. sleap-io writes what is of the whole file;
    its own way to write instances holds all of them in memory, so these are written here, as it does.

    Raises: ConfigError where the recording is not given, or the skeleton is more than a file of SLEAP can hold.
    """
    if poses.index is None:
        raise ConfigError("a label file of SLEAP must refer to its recording, got no --index")
    individuals = find_individuals(poses, share_slots=False)
    labels = sio.Labels(
        videos=[_found_from_anywhere(video_of(poses.index))],
        skeletons=[to_sleap(poses.skeleton)],
        tracks=[sio.Track(name=name) for name in individuals.names],
    )
    try:
        sio.save_slp(labels, str(path), embed=False, verbose=False)
    except ValueError as error:
        raise ConfigError(f"{poses.table}: the skeleton must have room in a label file of SLEAP, got {error}") from None
    with h5py.File(path, "r+") as file:
        _write_instances(poses, individuals, file)


def _found_from_anywhere(video: sio.Video) -> sio.Video:
    """SLEAP looks from where it was started, not from where the file lies; a path of a video that is gone stays."""
    path = Path(video.filename)
    if path.exists():
        video.filename = str(path.absolute())
    return video


def _write_instances(poses: PoseStream, individuals: Individuals, file: h5py.File) -> None:
    nodes = len(poses.skeleton.nodes)
    sizes = {
        "frames": (FRAME, individuals.frames),
        "instances": (INSTANCE, individuals.rows),
        "pred_points": (POINT, individuals.rows * nodes),
    }
    for name, (dtype, length) in sizes.items():
        del file[name]
        file.create_dataset(name, (length,), dtype)
    row, frame, unscored = 0, 0, 0
    for block in poses.blocks():
        frame_idx, values = block.column("frame_idx").to_numpy(), node_values(block, poses)
        frames, first, place = np.unique(frame_idx, return_index=True, return_inverse=True)
        rows = np.arange(row, row + len(frame_idx))
        instances = np.zeros(len(rows), INSTANCE)
        instances["instance_id"] = rows
        instances["instance_type"] = PREDICTED
        instances["frame_id"] = frame + place
        instances["track"] = individuals.find(block)
        instances["from_predicted"] = -1
        scores = block.column("instance_score").to_numpy()
        unscored += int(np.isnan(scores).sum()) + _count_unscored(values)
        instances["score"] = np.nan_to_num(scores)
        instances["point_id_start"], instances["point_id_end"] = rows * nodes, (rows + 1) * nodes
        labeled = np.zeros(len(frames), FRAME)
        labeled["frame_id"] = np.arange(frame, frame + len(frames))
        labeled["frame_idx"] = frames
        labeled["instance_id_start"] = row + first
        labeled["instance_id_end"] = row + np.append(first[1:], len(rows))
        file["frames"][frame : frame + len(frames)] = labeled
        file["instances"][row : row + len(rows)] = instances
        points = _points(values)
        points["visible"] &= ~find_hidden(block, poses).reshape(-1)
        file["pred_points"][row * nodes : (row + len(rows)) * nodes] = points
        row, frame = row + len(rows), frame + len(frames)
    if unscored:
        logger.warning("%s: %d scores that are missing are 0 there", poses.path, unscored)


def _count_unscored(values: NDArray[np.float32]) -> int:
    """Points (rows, nodes, 3) that are there and have no score."""
    return int((np.isnan(values[..., 2]) & ~np.isnan(values[..., :2]).any(axis=2)).sum())


def _points(values: NDArray[np.float32]) -> NDArray[np.void]:
    """Points as SLEAP stores them, from (rows, nodes, 3)."""
    flat = values.reshape(-1, 3)
    points = np.zeros(len(flat), POINT)
    points["x"], points["y"] = flat[:, 0], flat[:, 1]
    points["visible"] = ~np.isnan(flat[:, :2]).any(axis=1)
    points["score"] = np.nan_to_num(flat[:, 2])
    return points


def build_instances(
    predictions: Predictions, rows: NDArray[np.int64], skeleton: sio.Skeleton, tracks: Mapping[int, sio.Track]
) -> dict[int, list[sio.PredictedInstance]]:
    """Predicted instances of some rows, by frame; `tracks` gives each row's track."""
    by_frame: dict[int, list[sio.PredictedInstance]] = defaultdict(list)
    for row in map(int, rows):
        instance = sio.PredictedInstance.from_numpy(
            predictions.points[row].astype(np.float64),
            skeleton=skeleton,
            point_scores=np.nan_to_num(predictions.point_scores[row]),
            score=float(np.nan_to_num(predictions.score[row])),
            track=tracks.get(row),
        )
        by_frame[int(predictions.frame_idx[row])].append(instance)
    return dict(by_frame)


def video_of(index: VideoIndex) -> sio.Video:
    """The recording as sleap-io describes it; it is not opened."""
    return sio.Video(filename=str(index.path), open_backend=False, backend_metadata=describe(index))


def name_tracks(tracks: Tracks) -> list[str]:
    """What each row's animal is called in a label file: its identity, else its track's number."""
    return [name_track(*pair) for pair in zip(tracks.identity, tracks.track, strict=True)]


def name_track(identity: str | None, track: int) -> str:
    """What an animal is called in a label file."""
    return identity if identity is not None else f"{UNNAMED}{track}"


def number_of(name: str) -> int | None:
    """Number of the track that `name_track` calls so; None for any other name, a number that no table has included."""
    found = re.fullmatch(rf"{UNNAMED}([0-9]{{1,{MOST_DIGITS}}})", name)
    return int(found[1]) if found else None
