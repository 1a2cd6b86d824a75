"""Ultralytics' data sets of poses (YOLO-pose): `data.yaml`, folders of images, and a text for each image."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import sleap_io as sio
import yaml

from poseflow.core.errors import LabelsError
from poseflow.core.wording import list_some
from poseflow.labels.formats.content import DAMAGED, decode_head, one_line
from poseflow.labels.formats.reader import LabelReader
from poseflow.labels.hidden import HIDDEN, Marks, Points, build_instance
from poseflow.labels.image_paths import image_videos, parse_image_path
from poseflow.media.stills import list_images, read_image

logger = logging.getLogger(__name__)

WHAT = "a data.yaml of YOLO-pose"
SPLITS = ("train", "val", "test")
MOST_BYTES = 1 << 20
"""Of a `data.yaml`, and of the text of an image."""
MOST_NODES = 10_000
BOX = 5
"""Numbers of a line before its keypoints: class and box."""


def recognize(path: Path) -> bool:
    """Whether a file is YAML that gives a shape of keypoints."""
    with path.open("rb") as file:
        head = decode_head(file.read(MOST_BYTES))
    return re.search(r"^kpt_shape\s*:", head, re.MULTILINE) is not None and "\0" not in head


def read(path: Path) -> sio.Labels:
    """Read a data set, all its splits together; coordinates are fractions of the images' sizes.

    Images and texts must lie in the folder of the `data.yaml`, wherever that was when it was written. Animals have no
    names; classes count as one kind of animal. Points of visibility 0 are missing, of 1 hidden. Raises LabelsError.
    """
    try:
        settings = yaml.safe_load(_read_text(path))
        skeleton, dimensions = _read_skeleton(settings)
    except (*DAMAGED, yaml.YAMLError) as error:
        raise LabelsError(f"{path} must be {WHAT}, got a damaged one: {one_line(error)}") from error
    poses: dict[Path, list[tuple[Points, Marks]]] = {}
    gone: list[str] = []
    classes: set[float] = set()
    for folder in _find_folders(settings, path):
        images = {image.stem: image for image in list_images(folder)}
        texts = _texts_of(folder, path)
        gone += [file.name for stem, file in texts.items() if stem not in images]
        for stem, image in images.items():
            if stem in texts:
                rows, poses[image] = _read_poses(texts[stem], image, (len(skeleton.nodes), dimensions), path)
                classes.update(row[0] for row in rows)
    if gone:
        logger.warning("%s: labels without an image are left out: %s", path, list_some(gone, 3))
    if len(classes) > 1:
        logger.warning("%s: its %d classes count as one kind of animal", path, len(classes))
    videos = image_videos(poses)
    frames = []
    for image, animals in poses.items():
        video, frame_idx = videos[image]
        own = [(points, hidden) for points, hidden in animals if np.isfinite(points).any()]
        instances = [build_instance(points, hidden, skeleton, None) for points, hidden in own]
        frames.append(sio.LabeledFrame(video=video, frame_idx=frame_idx, instances=instances))
    listed = list(dict.fromkeys(video for video, _ in videos.values()))
    return sio.Labels(labeled_frames=frames, videos=listed, skeletons=[skeleton])


def _read_text(path: Path) -> str:
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"it must have at most {MOST_BYTES:,} bytes, got {path.stat().st_size:,}")
    return path.read_bytes().decode("utf-8-sig")


def _read_skeleton(settings: Mapping[str, Any]) -> tuple[sio.Skeleton, int]:
    """The skeleton, and numbers a keypoint: x and y, or these and the visibility."""
    count, dimensions = (int(number) for number in settings["kpt_shape"])
    if not 0 < count <= MOST_NODES or dimensions not in (2, 3):
        raise ValueError(f"kpt_shape must be a number of keypoints and 2 or 3, got {settings['kpt_shape']}")
    names = settings.get("node_names") or settings.get("kpt_names") or [f"point_{place}" for place in range(count)]
    if isinstance(names, dict):  # by class
        names = next(iter(names.values()))
    nodes = [str(name) for name in names]
    if len(nodes) != count or len(set(nodes)) < count:
        raise ValueError(f"names of keypoints must be {count} different ones, got {nodes}")
    edges = [(int(a), int(b)) for a, b in settings.get("skeleton") or []]
    if any(not 0 <= end < count for edge in edges for end in edge):
        raise ValueError(f"skeleton must join two of {count} keypoints, counted from 0, got {edges}")
    counterparts = [int(place) for place in settings.get("flip_idx") or range(count)]
    if len(counterparts) != count or sorted(counterparts) != list(range(count)):
        raise ValueError(f"flip_idx must have each of {count} keypoints once, got {counterparts}")
    pairs = sorted((a, b) for a, b in enumerate(counterparts) if a < b and counterparts[b] == a)
    symmetries = [(nodes[a], nodes[b]) for a, b in pairs]
    return sio.Skeleton(nodes=list(nodes), edges=edges, symmetries=symmetries, name="Skeleton"), dimensions


def _find_folders(settings: Mapping[str, Any], path: Path) -> Iterator[Path]:
    """Folders of images of all splits, each once."""
    base = path.absolute().parent
    found: dict[Path, None] = {}
    for split in SPLITS:
        named = settings.get(split) or []
        for name in named if isinstance(named, list) else [named]:
            folder = _find_below(base, str(settings.get("path") or ""), str(name))
            if folder is None:
                raise LabelsError(f"{path}: {split} must be a folder of images below its own, got {name!r}")
            found[folder] = None
    if not found:
        raise LabelsError(f"{path} must name folders of images ({', '.join(SPLITS)}), got none")
    yield from found


def _find_below(base: Path, root: str, name: str) -> Path | None:
    """The folder below `base` that shares the longest end with a path; None if there is none, or it leads out."""
    written = parse_image_path(name if PurePosixPath(name).is_absolute() else f"{root}/{name}")
    parts = [part for part in written.parts if part not in ("..", ".", "/") and ":" not in part]
    tails = [base.joinpath(*parts[start:]) for start in range(len(parts))]
    found = next((tail for tail in tails if tail.is_dir()), None)
    return found if found is not None and _is_inside(found, base) else None


def _is_inside(path: Path, base: Path) -> bool:
    return path.resolve().is_relative_to(base.resolve())


def _texts_of(images: Path, path: Path) -> dict[str, Path]:
    """Texts of a folder of images, by their names without suffix: in `labels` where the images are in `images`."""
    base = path.absolute().parent
    below = list(images.relative_to(base).parts)
    places = [place for place, part in enumerate(below) if part == "images"]
    if places:
        below[places[-1]] = "labels"
    folder = base.joinpath(*below)
    if not folder.is_dir():
        raise LabelsError(f"{path}: labels of {images} must be in {folder}, got no such folder")
    texts = [file for file in sorted(folder.iterdir()) if file.suffix.lower() == ".txt" and file.is_file()]
    outside = next((file for file in (folder, *texts) if not _is_inside(file, base)), None)
    if outside is not None:
        raise LabelsError(
            f"{path}: labels must lie in its folder, got {outside}, a link to {os.path.realpath(outside)}"
        )
    return {file.stem: file for file in texts}


def _read_poses(
    text: Path, image: Path, shape: tuple[int, int], path: Path
) -> tuple[list[list[float]], list[tuple[Points, Marks]]]:
    """The numbers of each animal of an image, and its points (nodes, 2) in px, with which of them are hidden."""
    try:
        rows = [[float(cell) for cell in line.split()] for line in _read_text(text).splitlines() if line.strip()]
    except (UnicodeDecodeError, ValueError) as error:
        raise LabelsError(f"{text} must be labels of YOLO-pose, got a damaged one: {one_line(error)}") from None
    if not rows:
        return [], []
    nodes, dimensions = shape
    wrong = next((row for row in rows if len(row) != BOX + nodes * dimensions), None)
    if wrong is not None:
        raise LabelsError(
            f"{text}: a line must have class, box and {nodes} keypoints of {dimensions} numbers, as {path.name} says "
            f"({BOX + nodes * dimensions} numbers), got {len(wrong)}"
        )
    picture = read_image(image, None)
    if picture is None:
        raise LabelsError(f"{image} must be an image that can be read, since its size gives the labels' px, got none")
    size = np.array(picture.shape[1::-1], float)
    keypoints = np.array(rows)[:, BOX:].reshape(len(rows), nodes, dimensions)
    known = keypoints[..., 2:] > 0 if dimensions == 3 else (keypoints >= 0).all(axis=2, keepdims=True)
    hidden = keypoints[..., 2] == HIDDEN if dimensions == 3 else np.zeros(known.shape[:2], bool)
    return rows, list(zip(np.where(known, keypoints[..., :2] * size, np.nan), hidden, strict=True))


YOLO = LabelReader("YOLO-pose data.yaml", recognize, read, counts_hidden=True)
