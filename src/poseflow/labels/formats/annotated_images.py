"""Labels of AlphaTracker and Label Studio: JSON lists of annotated images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sleap_io as sio
from numpy.typing import NDArray

from poseflow.core.errors import LabelsError
from poseflow.labels.formats.content import DAMAGED, one_line
from poseflow.labels.formats.json_file import has_words, parse_json
from poseflow.labels.formats.reader import LabelReader
from poseflow.labels.image_paths import image_videos, parse_image_path, place_images

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
    """Read an export: per cent of the image are px here, keypoints that are related to a rectangle are one animal.

    Frames of videos are named as sleap-io does (`meta.video`), all others by their image. Raises LabelsError.
    """
    what = "an export of Label Studio with keypoints"
    content = parse_json(path, what)
    try:
        return _read_tasks(content, path)
    except DAMAGED as error:
        raise LabelsError(f"{path} must be {what}, got a damaged one: {one_line(error)}") from error


def _read_tasks(tasks: Sequence[Mapping[str, Any]], path: Path) -> sio.Labels:
    results = [_result_of(task) for task in tasks]
    found = [_group_keypoints(result) for result in results]
    nodes = list(dict.fromkeys(name for animals in found for animal in animals for name in animal))
    poses = [[np.array([animal.get(name, (np.nan, np.nan)) for name in nodes]) for animal in one] for one in found]
    films: list[Any] = [(task.get("meta") or {}).get("video") for task in tasks]
    if not any(films):
        images = [str(task.get("data", {}).get("image")) for task in tasks]
        return _build(dict(zip(images, poses, strict=True)), nodes, path)
    skeleton, frames = sio.Skeleton(nodes=list(nodes), name="Skeleton"), []
    videos: dict[str, sio.Video] = {}
    for film, animals in zip(films, poses, strict=True):
        name = str(film["filename"])
        metadata = {"type": "MediaVideo", "filename": name, "shape": film.get("shape")}
        video = videos.setdefault(name, sio.Video(filename=name, open_backend=False, backend_metadata=metadata))
        instances = [sio.Instance.from_numpy(points, skeleton=skeleton) for points in animals]
        frames.append(sio.LabeledFrame(video=video, frame_idx=int(film["frame_idx"]), instances=instances))
    return sio.Labels(labeled_frames=frames, videos=list(videos.values()), skeletons=[skeleton])


def _result_of(task: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """What the first who annotated a task has marked."""
    annotated: Sequence[Mapping[str, Any]] = task.get("annotations") or task.get("completions") or [{"result": []}]
    result: Sequence[Mapping[str, Any]] = annotated[0]["result"]
    return result


def _group_keypoints(result: Sequence[Mapping[str, Any]]) -> list[dict[str, tuple[float, float]]]:
    """Points by name of each animal; keypoints of no rectangle are one."""
    keypoints = {each["id"]: each for each in result if each["type"] == "keypointlabels"}
    animal_of = {each["id"]: each["id"] for each in result if each["type"] == "rectanglelabels"}
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
