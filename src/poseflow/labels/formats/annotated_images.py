"""Labels of AlphaTracker and Label Studio: JSON lists of annotated images."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sleap_io as sio
from numpy.typing import NDArray

from poseflow.core.errors import LabelsError
from poseflow.core.wording import count_of
from poseflow.labels.formats.content import DAMAGED, one_line
from poseflow.labels.formats.json_file import has_words, parse_json
from poseflow.labels.formats.reader import LabelReader
from poseflow.labels.image_paths import image_videos, parse_image_path, place_images
from poseflow.media.stills import IMAGE_SUFFIXES

logger = logging.getLogger(__name__)

Poses = list[NDArray[np.float64]]
"""(nodes, 2) of each animal."""


def recognize_alphatracker(path: Path) -> bool:
    """Whether a file is a list of images with faces and points."""
    return has_words(path, "[", "annotations", "class", "Face", "point")


def read_alphatracker(path: Path) -> sio.Labels:
    """Read a label file; nodes have no names there and are called 1, 2, …; raises LabelsError."""
    what = "labels of AlphaTracker"
    content = parse_json(path, what)
    try:
        animals = {str(entry["filename"]): _group_points(entry["annotations"]) for entry in content}
        if len(animals) < len(content):
            raise ValueError("an image must be listed once, got one twice")
        count = max((len(points) for found in animals.values() for points in found), default=0)
        poses = {image: [_fill(points, count) for points in found] for image, found in animals.items()}
    except DAMAGED as error:
        raise LabelsError(f"{path} must be {what}, got a damaged one: {one_line(error)}") from error
    return _build(poses, [str(number + 1) for number in range(count)], path)


def _group_points(annotations: Iterable[Mapping[str, Any]]) -> list[list[tuple[float, float]]]:
    """Points of each animal: those that stand behind its face."""
    animals: list[list[tuple[float, float]]] = []
    for each in annotations:
        if each["class"] == "Face":
            animals.append([])
        elif each["class"] == "point" and animals:
            animals[-1].append((float(each["x"]), float(each["y"])))
    return animals


def _fill(points: Sequence[tuple[float, float]], count: int) -> NDArray[np.float64]:
    filled = np.full((count, 2), np.nan)
    filled[: len(points)] = np.array(points).reshape(-1, 2)
    return filled


def recognize_label_studio(path: Path) -> bool:
    """Whether a file is an export of tasks with keypoints."""
    return has_words(path, "[", "(?:annotations|completions)", "result", "keypointlabels")


def read_label_studio(path: Path) -> sio.Labels:
    """Read an export: per cent of the image are px here, keypoints related to, or within, a rectangle are one animal.

    Of what several people marked in an image, the ground truth counts, or the first. Frames of videos are named as
    sleap-io does (`meta.video`), all others by their image. Raises LabelsError.
    """
    what = "an export of Label Studio with keypoints"
    content = parse_json(path, what)
    try:
        return _read_tasks(content, path)
    except DAMAGED as error:
        raise LabelsError(f"{path} must be {what}, got a damaged one: {one_line(error)}") from error


def _read_tasks(tasks: Sequence[Mapping[str, Any]], path: Path) -> sio.Labels:
    results = [_result_of(task) for task in tasks]
    several = sum(sum(bool(one["result"]) for one in _annotations_of(task)) > 1 for task in tasks)
    if several:
        counted = count_of(several, "image")
        logger.warning("%s: %s annotated by several people: the ground truth, or the first, counts", path, counted)
    found = [_group_keypoints(result) for result in results]
    nodes = list(dict.fromkeys(name for animals in found for animal in animals for name in animal))
    poses = [[np.array([animal.get(name, (np.nan, np.nan)) for name in nodes]) for animal in one] for one in found]
    films: list[Any] = [(task.get("meta") or {}).get("video") for task in tasks]
    if not any(films):
        labeled = [(_image_of(task), own) for task, own in zip(tasks, poses, strict=True) if own]
        twice = [image for image, count in Counter(image for image, _ in labeled).items() if count > 1]
        if twice:
            raise ValueError(f"an image must be labeled in one task, got several of {twice[0]}")
        return _build(dict(labeled), nodes, path)
    skeleton, frames = sio.Skeleton(nodes=list(nodes), name="Skeleton"), []
    videos: dict[str, sio.Video] = {}
    for film, animals in zip(films, poses, strict=True):
        name = str(film["filename"])
        metadata = {"type": "MediaVideo", "filename": name, "shape": film.get("shape")}
        video = videos.setdefault(name, sio.Video(filename=name, open_backend=False, backend_metadata=metadata))
        instances = [sio.Instance.from_numpy(points, skeleton=skeleton) for points in animals]
        frames.append(sio.LabeledFrame(video=video, frame_idx=int(film["frame_idx"]), instances=instances))
    return sio.Labels(labeled_frames=frames, videos=list(videos.values()), skeletons=[skeleton])


def _image_of(task: Mapping[str, Any]) -> str:
    """A task's image: `image`, or what else the project has called it."""
    named = {key: value for key, value in task["data"].items() if isinstance(value, str)}
    images = (name for name in named.values() if parse_image_path(name).suffix.lower() in IMAGE_SUFFIXES)
    image = named.get("image") or next(images, None)
    if image is None:
        raise ValueError(f"a task must name its image, got {', '.join(named) or 'nothing'}")
    return image


def _annotations_of(task: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What people have marked in a task, and not skipped."""
    return [one for one in task.get("annotations") or task.get("completions") or () if not one.get("was_cancelled")]


def _result_of(task: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """What of a task's annotations counts."""
    annotated = sorted(_annotations_of(task), key=lambda one: (not one.get("ground_truth"), not one["result"]))
    return annotated[0]["result"] if annotated else ()


def _group_keypoints(result: Sequence[Mapping[str, Any]]) -> list[dict[str, tuple[float, float]]]:
    """Points by name of each animal; keypoints of no rectangle are one."""
    keypoints = {each["id"]: each for each in result if each["type"] == "keypointlabels"}
    animal_of = {each["id"]: each["id"] for each in result if each["type"] == "rectanglelabels"}
    animal_of |= {number: each["parentID"] for number, each in keypoints.items() if each.get("parentID") in animal_of}
    for each in result:
        if each["type"] == "relation":
            for one, other in ((each["from_id"], each["to_id"]), (each["to_id"], each["from_id"])):
                if one in animal_of and other in keypoints:
                    animal_of[other] = one
    animals: dict[str, dict[str, tuple[float, float]]] = {}
    for number, each in keypoints.items():
        value, (name, *_) = each["value"], each["value"]["keypointlabels"]
        own = animals.setdefault(str(animal_of.get(number, "")), {})
        if name in own:
            raise ValueError(f"a keypoint must be there once for an animal, got {name} twice")
        own[name] = (value["x"] * each["original_width"] / 100, value["y"] * each["original_height"] / 100)
    return list(animals.values())


def _build(poses: Mapping[str, Poses], nodes: Sequence[str], path: Path) -> sio.Labels:
    skeleton = sio.Skeleton(nodes=list(nodes), name="Skeleton")
    paths = place_images([parse_image_path(image) for image in poses], path)
    videos = image_videos(paths)
    frames = []
    for image, animals in zip(paths, poses.values(), strict=True):
        video, frame_idx = videos[image]
        own = [points for points in animals if np.isfinite(points).any()]
        instances = [sio.Instance.from_numpy(points, skeleton=skeleton) for points in own]
        frames.append(sio.LabeledFrame(video=video, frame_idx=frame_idx, instances=instances))
    listed = list(dict.fromkeys(video for video, _ in videos.values()))
    return sio.Labels(labeled_frames=frames, videos=listed, skeletons=[skeleton])


ALPHATRACKER = LabelReader("AlphaTracker .json", recognize_alphatracker, read_alphatracker)
LABEL_STUDIO = LabelReader("Label Studio .json", recognize_label_studio, read_label_studio)
