"""Corrected frames as labels, to train on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import sleap_io as sio

from poseflow.corrections.frames import CorrectedFrame
from poseflow.exchange.slp import number_of


def build_labels(frames: Iterable[CorrectedFrame], videos: Mapping[str, Path]) -> sio.Labels:
    """Frames as labels of a person, in which each animal that has a name has it as its track.

    Frames of videos that are not among `videos`, given by name, are left out, and so are those whose nodes differ from
    the first frame's. A frame of which all animals were deleted is marked as having none.
    """
    skeleton: sio.Skeleton | None = None
    known: dict[str, sio.Video] = {}
    tracks: dict[str, sio.Track] = {}
    labeled = []
    for one in frames:
        if one.video not in videos or (skeleton is not None and set(one.nodes) != set(skeleton.node_names)):
            continue
        skeleton = skeleton or sio.Skeleton(list(one.nodes))
        path = str(Path(videos[one.video]).absolute())
        video = known.setdefault(one.video, sio.Video(filename=path, open_backend=False))
        order = [list(one.nodes).index(node) for node in skeleton.node_names]
        instances = [
            sio.Instance.from_numpy(pose[order], skeleton=skeleton, track=_track(name, tracks))
            for pose, name in zip(one.points, one.names, strict=True)
            if np.isfinite(pose).any()
        ]
        labeled.append(
            sio.LabeledFrame(video=video, frame_idx=one.frame, instances=instances, is_negative=not instances)
        )
    return sio.Labels(
        labeled_frames=labeled,
        videos=list(known.values()),
        skeletons=[] if skeleton is None else [skeleton],
        tracks=list(tracks.values()),
    )


def _track(name: str | None, tracks: dict[str, sio.Track]) -> sio.Track | None:
    """The track of an animal's name; a track's number is none."""
    if name is None or number_of(name) is not None:
        return None
    return tracks.setdefault(name, sio.Track(name))
