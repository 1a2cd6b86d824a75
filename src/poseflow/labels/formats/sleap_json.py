"""Labels of SLEAP before `.slp`: one JSON file. It was written by jsonpickle and is parsed as data, never decoded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import sleap_io as sio
from sleap_io.io.skeleton import SkeletonSLPDecoder

from poseflow.core.errors import LabelsError
from poseflow.labels.formats.content import DAMAGED, one_line
from poseflow.labels.formats.json_file import has_words, parse_json
from poseflow.labels.formats.reader import LabelReader
from poseflow.labels.hidden import build_instance

WHAT = "labels of SLEAP (.json)"


def recognize(path: Path) -> bool:
    """Whether a file is JSON with skeletons and nodes."""
    return has_words(path, "{", "skeletons", "nodes", "version")


def read(path: Path) -> sio.Labels:
    """Read a label file; raises LabelsError."""
    content = parse_json(path, WHAT)
    try:
        return _build(content)
    except DAMAGED as error:
        raise LabelsError(f"{path} must be {WHAT}, got a damaged one: {one_line(error)}") from error


def _build(content: Mapping[str, Any]) -> sio.Labels:
    nodes = [str(node["name"]) for node in content["nodes"]]
    skeletons = SkeletonSLPDecoder().decode(dict(content), nodes)
    tracks = [sio.Track(name=_track_name(track)) for track in content.get("tracks", [])]
    videos = [_video(video["backend"]) for video in content["videos"]]
    frames = []
    for entry in content["labels"]:
        instances = [_instance(each, nodes, skeletons, tracks) for each in entry["_instances"]]
        frames.append(
            sio.LabeledFrame(video=videos[int(entry["video"])], frame_idx=int(entry["frame_idx"]), instances=instances)
        )
    return sio.Labels(labeled_frames=frames, videos=videos, skeletons=skeletons, tracks=tracks)


def _track_name(track: Any) -> str:
    """SLEAP wrote a track as [first frame, name]."""
    return str(track["name"] if isinstance(track, dict) else track[1])


def _video(backend: Mapping[str, Any]) -> sio.Video:
    shape = [backend.get(name) for name in ("frames_", "height_", "width_", "channels_")]
    known = {"shape": shape} if all(shape) else {}
    name = str(backend["filename"])
    metadata = {"type": "MediaVideo", "filename": name, "dataset": backend.get("dataset") or "", **known}
    return sio.Video(filename=name, open_backend=False, backend_metadata=metadata)


def _instance(
    entry: Mapping[str, Any], nodes: list[str], skeletons: list[sio.Skeleton], tracks: list[sio.Track]
) -> sio.Instance:
    skeleton, is_predicted = skeletons[int(entry["skeleton"])], entry.get("score") is not None
    points = np.full((len(skeleton.nodes), 2), np.nan)
    hidden, scores = np.zeros(len(skeleton.nodes), bool), np.zeros(len(skeleton.nodes))
    for number, point in entry["_points"].items():
        place = skeleton.node_names.index(nodes[int(number)])
        hidden[place] = not point.get("visible", True)
        if not hidden[place]:
            scores[place] = float(point.get("score", 0))
        elif is_predicted or point.get("x") is None or point.get("y") is None:
            continue
        points[place] = float(point["x"]), float(point["y"])
    track = None if entry.get("track") is None else tracks[int(entry["track"])]
    if not is_predicted:
        return build_instance(points, hidden, skeleton, track)
    return sio.PredictedInstance.from_numpy(
        points, skeleton=skeleton, track=track, point_scores=scores, score=float(entry["score"])
    )


SLEAP_JSON = LabelReader("SLEAP's old .json", recognize, read)
