"""What the videos of a SLEAP file are views of: one recording each, seen whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import sleap_io as sio

from poseflow.core.errors import LabelsError
from poseflow.labels.videos import is_embedded, root_video


def settle_sources(labels: sio.Labels, path: Path) -> None:
    """Give each video of a SLEAP file the recording that it was taken from, in place.

    Embedded images without a source, or with themselves as source, get the one that the file's list of videos names;
    else a name that no other recording has. Points of a view that was cropped out of a recording are moved to where
    they are in the whole frame.

    Raises:
        LabelsError: Cropped images are embedded.
    """
    for number, video in enumerate(labels.videos):
        if is_embedded(video) and is_embedded(root_video(video)) and _is_file(video, path):
            video.source_video = _listed_source(number, path) or nameless(video)
    whole: dict[str, sio.Video] = {}
    moved: set[int] = set()
    for frame in labels.labeled_frames:
        if (corner := corner_of(frame.video)) is None:
            continue
        if is_embedded(frame.video):
            raise LabelsError(f"{path}: embedded images must be whole frames, got cropped ones")
        source = root_video(frame.video)
        frame.video = whole.setdefault(str(source.filename), source)
        for instance in frame.instances:
            if id(instance) not in moved:
                moved.add(id(instance))
                instance.points["xy"] += corner
    if whole:
        labels.videos = list(dict.fromkeys(frame.video for frame in labels.labeled_frames))


def source_in_package(package: Path, dataset: str) -> sio.Video | None:
    """The recording that the images in a dataset of a package were taken from; None if the package does not say so.

    Raises:
        LabelsError: The file holds no such dataset.
    """
    with h5py.File(package) as file:
        if dataset not in file:
            raise LabelsError(f"{package} must hold images in {dataset}, got none")
        group = file[dataset].parent.get("source_video")
        text = None if group is None else group.attrs.get("json", group["json"][()] if "json" in group else None)
    return None if text is None else _source(json.loads(text))


def nameless(video: sio.Video) -> sio.Video:
    """What stands for the recording of embedded images that do not say theirs."""
    name = Path(str(video.filename)).name.removesuffix(".slp").removesuffix(".pkg")
    metadata = {key: video.backend_metadata[key] for key in ("shape", "fps") if video.backend_metadata.get(key)}
    dataset = str(video.backend_metadata.get("dataset")).partition("/")[0]
    return sio.Video(filename=f"{name}.{dataset}", open_backend=False, backend_metadata=metadata)


def _is_file(video: sio.Video, path: Path) -> bool:
    return Path(str(video.filename)).resolve() == path.resolve()


def _listed_source(number: int, path: Path) -> sio.Video | None:
    with h5py.File(path) as file:
        listed = json.loads(file["videos_json"][number]) if "videos_json" in file else {}
    return _source(listed.get("source_video") or {})


def _source(described: dict[str, Any]) -> sio.Video | None:
    backend = described.get("backend") or {}
    name = backend.get("filenames") or described.get("filename") or backend.get("filename")
    if not name or name == "." or str(name).endswith(".slp"):
        return None
    return sio.Video(filename=name, open_backend=False, backend_metadata=dict(backend))


def corner_of(video: sio.Video) -> np.ndarray | None:
    """Where the top left corner of a cropped view lies in the recording, (x, y) px; None for a whole one."""
    corner, is_cropped = np.zeros(2), False
    view: sio.Video | None = video
    while view is not None and view is not (view.source_video or None):
        if crop := view.backend_metadata.get("crop"):
            corner, is_cropped = corner + crop[:2], True
        view = view.source_video
    return corner if is_cropped else None
