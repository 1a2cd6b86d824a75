"""Predictions as a label file of SLEAP, to be looked at and corrected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import sleap_io as sio
from numpy.typing import NDArray

from poseflow.core.files import replacing
from poseflow.labels import describe, to_sleap
from poseflow.media import VideoIndex
from poseflow.tables import Predictions, Tracks

UNNAMED = "track_"
"""What the name of an animal without a name begins with, before its track's number."""


def write_slp(predictions: Predictions, index: VideoIndex, path: str | Path, tracks: Tracks | None = None) -> None:
    """Write a recording's predictions as `.slp` with predicted instances; SLEAP's GUI shows them on the recording.

    With `tracks`, each instance gets its track, named after the identity where there is one; instances that tracking
    left out are left out here too.

    Args:
        predictions: The whole table of the recording, or any part of it if there are no `tracks`.
        path: Output, `.slp`, written whole or not at all.
    """
    skeleton, video = to_sleap(predictions.skeleton), video_of(index)
    rows = np.arange(len(predictions))
    names: dict[int, sio.Track] = {}
    if tracks is not None:
        rows = tracks.row - predictions.first_row
        named = {name: sio.Track(name=name) for name in dict.fromkeys(name_tracks(tracks))}
        names = {int(row): named[name] for row, name in zip(rows, name_tracks(tracks), strict=True)}
    instances = build_instances(predictions, rows, skeleton, names)
    labels = sio.Labels(
        labeled_frames=[
            sio.LabeledFrame(video=video, frame_idx=frame, instances=found) for frame, found in instances.items()
        ],
        videos=[video],
        skeletons=[skeleton],
        tracks=list(dict.fromkeys(names.values())),
    )
    with replacing(path) as beside:
        sio.save_slp(labels, str(beside), embed=False, verbose=False)


def build_instances(
    predictions: Predictions, rows: NDArray[np.int64], skeleton: sio.Skeleton, tracks: Mapping[int, sio.Track]
) -> dict[int, list[sio.PredictedInstance]]:
    """Predicted instances of some rows, by frame; `tracks` gives each row's track."""
    found: dict[int, list[sio.PredictedInstance]] = defaultdict(list)
    for row in map(int, rows):
        instance = sio.PredictedInstance.from_numpy(
            predictions.points[row].astype(np.float64),
            skeleton=skeleton,
            point_scores=np.nan_to_num(predictions.point_scores[row]),
            score=float(np.nan_to_num(predictions.instance_score[row])),
            track=tracks.get(row),
        )
        found[int(predictions.frame_idx[row])].append(instance)
    return dict(found)


def video_of(index: VideoIndex) -> sio.Video:
    """The recording as sleap-io describes it; it is not opened."""
    return sio.Video(filename=str(index.path), open_backend=False, backend_metadata=describe(index))


def name_tracks(tracks: Tracks) -> list[str]:
    """What each row's animal is called in a label file: its identity, else its track's number."""
    return [
        identity if identity is not None else f"{UNNAMED}{number}"
        for identity, number in zip(tracks.identity, tracks.track, strict=True)
    ]
