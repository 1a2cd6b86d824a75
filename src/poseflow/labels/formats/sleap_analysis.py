"""SLEAP's analysis files, HDF5 and CSV, as labels: predicted instances, but for those without a score."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import sleap_io as sio
from numpy.typing import NDArray

from poseflow.core.errors import LabelsError
from poseflow.labels.formats.content import DAMAGED, decode_head, is_hdf5, one_line, open_hdf5, read_head
from poseflow.labels.formats.hdf5_file import dataset, opened, text
from poseflow.labels.formats.named_after import guess_recording
from poseflow.labels.formats.reader import LabelReader

WHAT_HDF5, WHAT_CSV = "a SLEAP analysis HDF5", "a SLEAP analysis CSV"
ORDER = ("track", "xy", "node", "frame")
"""Dimensions of `tracks`, where the file does not name them."""
SCORES = ("instance.score", "instance_score", "score")
MISSING = ("", "nan", "na", "none")
MOST_HEADER = 1 << 20


class _Builder:
    """Gathers instances of one recording, frame by frame."""

    def __init__(self, nodes: list[str], edges: list[tuple[int, int]]) -> None:
        self._skeleton = sio.Skeleton(nodes=list(nodes), edges=edges, name="Skeleton")
        self._tracks: dict[str, sio.Track] = {}
        self._found: dict[int, list[sio.Instance]] = {}

    def add(
        self, frame_idx: int, track: str, score: float, points: NDArray[np.float64], scores: NDArray[np.float64]
    ) -> None:
        """Add an animal of a frame; without a score it is one that a person labeled, without a point it is none."""
        points = np.where(np.isfinite(points).all(axis=1, keepdims=True), points, np.nan)
        if np.isnan(points).all():
            return
        known = self._tracks.setdefault(track, sio.Track(track)) if track else None
        if np.isnan(score):
            instance = sio.Instance.from_numpy(points, skeleton=self._skeleton, track=known)
        else:
            instance = sio.PredictedInstance.from_numpy(
                points, skeleton=self._skeleton, track=known, score=score, point_scores=np.nan_to_num(scores)
            )
        self._found.setdefault(frame_idx, []).append(instance)

    def build(self, recording: str | list[str]) -> sio.Labels:
        """All labels, in order of frames; of a recording, or of the images that are its frames."""
        video = sio.Video(filename=recording, open_backend=False)
        frames = [
            sio.LabeledFrame(video=video, frame_idx=number, instances=self._found[number])
            for number in sorted(self._found)
        ]
        tracks = list(self._tracks.values())
        return sio.Labels(labeled_frames=frames, videos=[video], skeletons=[self._skeleton], tracks=tracks)


def recognize_hdf5(path: Path) -> bool:
    """Whether a file has the members of an analysis HDF5."""
    if not is_hdf5(path):
        return False
    with open_hdf5(path) as file:
        return {"track_occupancy", "tracks", "node_names"} <= set(file)


def read_hdf5(path: Path) -> sio.Labels:
    """Read a file, all of it at once; raises LabelsError."""
    with opened(path, WHAT_HDF5) as file:
        named = file["tracks"].attrs.get("dims")
        order = ORDER if named is None else tuple(json.loads(text(named)))
        if sorted(order) != sorted(ORDER):
            raise ValueError(f"tracks must have the dimensions {', '.join(ORDER)}, got {order}")
        wanted = [order.index(name) for name in ("frame", "track", "node", "xy")]
        points = np.transpose(np.asarray(dataset(file, "tracks", 4)[:], float), wanted)
        nodes = [text(name) for name in dataset(file, "node_names", 1)[:]]
        if points.shape[2:] != (len(nodes), 2):
            raise ValueError(f"tracks must have x and y of {len(nodes)} nodes, got {points.shape[2:]}")
        parts = {}
        for name, own in (("point_scores", ("frame", "track", "node")), ("instance_scores", ("frame", "track"))):
            parts[name] = np.full(points.shape[: len(own)], np.nan)
            if name in file:
                stored = [one for one in order if one in own]
                values = np.asarray(dataset(file, name, len(own))[:], float)
                parts[name] = np.transpose(values, [stored.index(one) for one in own])
            if parts[name].shape != points.shape[: len(own)]:
                raise ValueError(f"{name} must be of the frames and tracks of tracks, got {parts[name].shape}")
        edges = dataset(file, "edge_inds", 2)[:].tolist() if "edge_inds" in file and len(file["edge_inds"]) else []
        names = [text(name) for name in file["track_names"][:]] if "track_names" in file else []
        files = [text(name) for name in np.ravel(file["video_path"][()])] if "video_path" in file else []
    builder = _Builder(nodes, edges)
    for frame_idx, track in np.argwhere(np.isfinite(points).any(axis=(2, 3))).tolist():
        builder.add(
            frame_idx,
            names[track] if track < len(names) else "",
            float(parts["instance_scores"][frame_idx, track]),
            points[frame_idx, track],
            parts["point_scores"][frame_idx, track],
        )
    if len(files) > 1:
        return builder.build(files)
    return builder.build("".join(files) or guess_recording(path, path.stem.removesuffix(".analysis")))


def recognize_csv(path: Path) -> bool:
    """Whether a table has a row an animal and frame: a frame's number, and x and y of nodes."""
    lines = decode_head(read_head(path)).splitlines()
    columns = {cell.strip('" \t') for cell in lines[0].split(",")} if lines else set()
    pairs = {name.removesuffix(".x") for name in columns if name.endswith(".x")}
    return "frame_idx" in columns and any(f"{node}.y" in columns for node in pairs)


def read_csv(path: Path) -> sio.Labels:
    """Read a table; raises LabelsError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            columns = next(csv.reader([file.readline(MOST_HEADER)]))
            return _read_rows(csv.reader(file, strict=True), columns, path)
    except (*DAMAGED, csv.Error) as error:
        raise LabelsError(f"{path} must be {WHAT_CSV}, got a damaged one: {one_line(error)}") from error


def _read_rows(rows: Iterator[list[str]], columns: list[str], path: Path) -> sio.Labels:
    places = {name: place for place, name in enumerate(columns)}
    nodes = [name.removesuffix(".x") for name in columns if name.endswith(".x")]
    lonely = [node for node in nodes if f"{node}.y" not in places]
    if lonely or len(places) < len(columns):
        raise ValueError(f"each node must have x and y, and each column a name of its own, got {columns}")
    score = next((places[name] for name in SCORES if name in places), None)
    builder, recordings = _Builder(nodes, []), set()
    for row in rows:
        if not any(row):
            continue
        if len(row) != len(columns):
            raise ValueError(f"each row must have {len(columns)} cells, got {len(row)} (cut off?)")
        triples = [[_number(row, places.get(f"{node}.{part}")) for part in ("x", "y", "score")] for node in nodes]
        values, frame = np.array(triples), _number(row, places["frame_idx"])
        if not (frame >= 0 and frame.is_integer()):
            raise ValueError(f"frame_idx must be a whole number of at least 0, got {row[places['frame_idx']]!r}")
        track = row[places["track"]].strip() if "track" in places else ""
        builder.add(int(frame), track, _number(row, score), values[:, :2], values[:, 2])
        if "video_path" in places:
            recordings.add(row[places["video_path"]])
    if len(recordings) > 1:
        raise ValueError(f"it must be of one video, got {len(recordings)}")
    named = next(iter(recordings), "")
    return builder.build(named or guess_recording(path, path.stem.removesuffix(".analysis")))


def _number(row: list[str], place: int | None) -> float:
    return np.nan if place is None or row[place].strip().lower() in MISSING else float(row[place])


SLEAP_ANALYSIS = LabelReader("SLEAP analysis .h5", recognize_hdf5, read_hdf5)
SLEAP_CSV = LabelReader("SLEAP analysis .csv", recognize_csv, read_csv)
