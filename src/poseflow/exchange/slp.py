"""Predictions as a label file of SLEAP, to be looked at and corrected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import sleap_io as sio
from numpy.typing import NDArray

from poseflow.core.errors import ConfigError
from poseflow.exchange.writer import PoseStream
from poseflow.labels import describe, to_sleap
from poseflow.media import VideoIndex
from poseflow.tables import Predictions, Tracks, node_columns, stack_columns

UNNAMED = "track_"
"""What the name of an animal without a name begins with, before its track's number."""


def write_slp(poses: PoseStream, path: Path) -> None:
    """Write poses as `.slp` with predicted instances; SLEAP's GUI shows them on the recording.

    Each instance has its track, named after the identity where there is one. All poses are in memory at once.

    Raises: ConfigError where the recording is not given.
    """
    if poses.index is None:
        raise ConfigError("a label file of SLEAP must refer to its recording, got no --index")
    skeleton, video = to_sleap(poses.skeleton), video_of(poses.index)
    tracks: dict[str, sio.Track] = {}
    frames: dict[int, list[sio.PredictedInstance]] = defaultdict(list)
    for piece in poses.pieces:
        nodes = stack_columns(piece, node_columns(poses.skeleton)).reshape(piece.num_rows, len(poses.skeleton.nodes), 3)
        columns = piece.select(["frame_idx", "track", "identity", "instance_score"]).to_pydict()
        for row, (frame, track, identity, score) in enumerate(zip(*columns.values(), strict=True)):
            name = name_track(identity, track)
            instance = sio.PredictedInstance.from_numpy(
                nodes[row, :, :2].astype(np.float64),
                skeleton=skeleton,
                point_scores=np.nan_to_num(nodes[row, :, 2]),
                score=score or 0.0,
                track=tracks.setdefault(name, sio.Track(name=name)),
            )
            frames[frame].append(instance)
    labels = sio.Labels(
        labeled_frames=[
            sio.LabeledFrame(video=video, frame_idx=frame, instances=instances) for frame, instances in frames.items()
        ],
        videos=[video],
        skeletons=[skeleton],
        tracks=list(tracks.values()),
    )
    sio.save_slp(labels, str(path), embed=False, verbose=False)


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
