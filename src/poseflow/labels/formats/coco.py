"""COCO's keypoints, as the field's many tools write them."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sleap_io as sio

from poseflow.core.errors import LabelsError
from poseflow.labels.formats.content import decode_head, one_line, read_head
from poseflow.labels.formats.reader import LabelReader, OtherFormatError
from poseflow.labels.hidden import HIDDEN, Marks, Points, build_instance
from poseflow.labels.image_paths import image_videos, parse_image_path, place_images

logger = logging.getLogger(__name__)

NAME = "a COCO file"
Entry = Mapping[str, Any]


def recognize(path: Path) -> bool:
    """Whether a file is JSON; `read` tells COCO's from others when it has parsed it."""
    return decode_head(read_head(path)).startswith(("{", "["))


def read(path: Path) -> sio.Labels:
    """Read a COCO file; raises LabelsError as `read_content` and of damage, OtherFormatError for another JSON."""
    try:
        content: Any = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise LabelsError(
            f"{path} must be a COCO file, got a damaged JSON (cut off, or still being written?): {one_line(error)}"
        ) from error
    name = describe_json(content)
    if name != NAME:
        raise OtherFormatError(name)
    missing = [key for key in ("images", "annotations", "categories") if not content.get(key)]
    if missing:
        raise LabelsError(
            f"{path} must be a COCO file with images, annotations and categories, got no {' and no '.join(missing)}"
        )
    return read_content(content, path)


def read_content(content: Entry, path: Path) -> sio.Labels:
    """Labels of a parsed COCO file. Coordinates are taken as they are.

    Visibility 0 is a missing point, 1 a hidden one, 2 a point. Annotations without points, crowds, and those of
    images that the file does not list are left out, with one line that counts them. Annotations with a score are
    predictions.

    Raises:
        LabelsError: What the file holds contradicts itself, or it has no keypoints.
    """
    images = _by_id(content.get("images"), "images", path)
    categories = _by_id(content.get("categories"), "categories", path)
    skeletons: dict[str, sio.Skeleton] = {}
    tracks: dict[str, sio.Track] = {}
    found: dict[str, list[sio.Instance]] = {}
    left_out: Counter[str] = Counter()
    for annotation in _entries(content.get("annotations"), "annotations", path):
        image, category = _id_of(annotation.get("image_id")), _id_of(annotation.get("category_id"))
        reason = _why_left_out(annotation)
        if reason is None and image not in images:
            reason = "of images that the file does not list"
        if reason is not None:
            left_out[reason] += 1
            continue
        if category not in skeletons:
            skeletons[category] = _read_skeleton(categories.get(category), category, path)
        points, hidden, unlabeled = _read_points(annotation, skeletons[category].node_names, path)
        left_out["points of visibility 0 that have coordinates"] += unlabeled
        if not np.isfinite(points).any():
            left_out["annotations without points"] += 1
            continue
        track = _track_of(annotation)
        animal = track and tracks.setdefault(track, sio.Track(track))
        found.setdefault(image, []).append(_instance(annotation, points, hidden, skeletons[category], animal))
    _check_categories(skeletons, categories, path)
    if not skeletons:
        raise LabelsError(f"{path} must have annotations with keypoints, got {_list_counts(left_out) or 'none'}")
    if left_out.total():
        logger.warning("%s: left out: %s", path, _list_counts(left_out))
    return _build(found, images, list(skeletons.values()), list(tracks.values()), path)


def _entries(value: Any, name: str, path: Path) -> list[Entry]:
    """The entries of a list, or of a mapping of id to entry, as some tools write it."""
    if isinstance(value, dict):
        value = [{"id": key, **entry} if isinstance(entry, dict) else entry for key, entry in value.items()]
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise LabelsError(f"{path}: {name} must be a list of entries, got {type(value).__name__}")
    return value


def _by_id(value: Any, name: str, path: Path) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for entry in _entries(value, name, path):
        if "id" not in entry or _id_of(entry["id"]) in found:
            raise LabelsError(
                f"{path}: {name} must have an id of their own each, got {entry.get('id')!r} twice or none"
            )
        found[_id_of(entry["id"])] = entry
    return found


def _id_of(value: Any) -> str:
    """An id as text: 7, 7.0 and "7" are the same."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _why_left_out(annotation: Entry) -> str | None:
    if annotation.get("iscrowd") in (1, True):
        return "crowds"
    if not annotation.get("keypoints"):
        return "annotations without keypoints (boxes or masks only)"
    return None


def _read_skeleton(category: Entry | None, number: str, path: Path) -> sio.Skeleton:
    if category is None:
        raise LabelsError(f"{path}: categories must include that of each annotation, got none of id {number}")
    name, nodes = _name_of(category), category.get("keypoints")
    if not nodes or not isinstance(nodes, list) or not all(isinstance(node, str) for node in nodes):
        raise LabelsError(f"{path}: category {name} must list its keypoints' names, got {nodes}")
    if len(set(nodes)) < len(nodes):
        raise LabelsError(f"{path}: category {name} must list its keypoints' names, each once, got {nodes}")
    skeleton = sio.Skeleton(nodes=list(nodes), name=name)  # it takes the list over
    left_out = []
    given = category.get("skeleton")
    pairs = [pair for pair in given if isinstance(pair, list)] if isinstance(given, list) else []
    # Numbers count from 1; a 0 among them says that this tool counts from 0.
    first = 0 if any(0 in pair for pair in pairs) else 1
    for pair in pairs:
        edge = [_node_of(end, nodes, first) for end in pair]
        if len(edge) != 2 or None in edge or edge[0] == edge[1]:
            left_out.append(pair)
        elif tuple(edge) not in [tuple(known) for known in skeleton.edge_names]:
            skeleton.add_edge(*edge)
    if left_out:
        logger.warning("%s: edges of category %s that join no two keypoints are left out: %s", path, name, left_out)
    return skeleton


def _node_of(end: Any, nodes: Sequence[str], first: int) -> str | None:
    if isinstance(end, int) and 0 <= end - first < len(nodes):
        return nodes[end - first]
    return end if end in nodes else None


def _read_points(annotation: Entry, nodes: Sequence[str], path: Path) -> tuple[Points, Marks, int]:
    """Points (nodes, 2) of an annotation, which of them are hidden, and how many that are missing have coordinates."""
    where = f"{path}: annotation {annotation.get('id')}"
    try:
        numbers = np.array(annotation["keypoints"], float).ravel()
    except (TypeError, ValueError, OverflowError):
        raise LabelsError(f"{where} must have numbers as keypoints, got something else") from None
    if len(numbers) != 3 * len(nodes):
        raise LabelsError(
            f"{where} must have x, y and visibility of {len(nodes)} keypoints ({3 * len(nodes)} numbers), "
            f"got {len(numbers)}"
        )
    triples = numbers.reshape(-1, 3)
    points, visibility = triples[:, :2].copy(), triples[:, 2]
    if annotation.get("score") is None and not np.isin(visibility, (0, 1, 2)).all():
        wrong = visibility[~np.isin(visibility, (0, 1, 2))][0]
        raise LabelsError(f"{where}: visibility must be 0, 1 or 2, got {wrong:g} (scores of predictions?)")
    missing = visibility == 0
    unlabeled = int((missing & (np.nan_to_num(points) != 0).any(axis=1)).sum())
    missing |= np.isnan(points).any(axis=1)
    points[missing] = np.nan
    return points, ~missing & (visibility == HIDDEN), unlabeled


def _track_of(annotation: Entry) -> str | None:
    """Name of an annotation's animal, from the fields in which tools write it; a negative number is none."""
    attributes = annotation.get("attributes")
    attributes = attributes if isinstance(attributes, dict) else {}
    candidates = [
        attributes.get("object_id"),
        attributes.get("track_id"),  # CVAT's
        annotation.get("track_id"),
        annotation.get("instance_id"),
    ]
    value = next((value for value in candidates if value not in (None, "")), None)
    if value is None or (isinstance(value, int | float) and value < 0):
        return None
    return f"track_{_id_of(value)}"


def _instance(
    annotation: Entry, points: Points, hidden: Marks, skeleton: sio.Skeleton, track: sio.Track | None
) -> sio.Instance:
    if annotation.get("score") is not None:
        return sio.PredictedInstance.from_numpy(points, skeleton=skeleton, track=track, score=annotation["score"])
    return build_instance(points, hidden, skeleton, track)


def _check_categories(skeletons: Mapping[str, sio.Skeleton], categories: Mapping[str, Entry], path: Path) -> None:
    if len(skeletons) < 2:
        return
    (first, skeleton), *others = [(_name_of(categories[number]), skeleton) for number, skeleton in skeletons.items()]
    for name, other in others:
        if set(other.node_names) != set(skeleton.node_names):
            raise LabelsError(
                f"{path}: categories must have the same keypoints, got {first} ({', '.join(skeleton.node_names)}) "
                f"and {name} ({', '.join(other.node_names)}); give each a file of its own"
            )
    names = [first, *(name for name, _ in others)]
    logger.warning("%s: the categories %s count as one kind of animal", path, ", ".join(names))


def _build(
    found: Mapping[str, list[sio.Instance]],
    images: Mapping[str, Entry],
    skeletons: list[sio.Skeleton],
    tracks: list[sio.Track],
    path: Path,
) -> sio.Labels:
    recorded = [parse_image_path(_file_of(images[number], path)) for number in found]
    twice = [image for image, count in Counter(recorded).items() if count > 1]
    if twice:
        raise LabelsError(f"{path}: an image must be listed once, got {twice[0]} {recorded.count(twice[0])} times")
    paths = place_images(recorded, path)
    videos = image_videos(paths)
    frames = []
    for number, image, instances in zip(found, paths, found.values(), strict=True):
        video, frame_idx = videos[image]
        video.backend_metadata.setdefault("sizes", {})[frame_idx] = _size_of(images[number])
        frames.append(sio.LabeledFrame(video=video, frame_idx=frame_idx, instances=instances))
    return sio.Labels(
        labeled_frames=frames,
        videos=list(dict.fromkeys(video for video, _ in videos.values())),
        skeletons=skeletons,
        tracks=tracks,
    )


def _file_of(image: Entry, path: Path) -> str:
    name = image.get("file_name") or image.get("coco_url") or image.get("path")
    if not isinstance(name, str):
        raise LabelsError(f"{path}: each image must have a file_name, got {name!r} of id {image['id']!r}")
    return name


def _size_of(image: Entry) -> tuple[int, int] | None:
    """(height, width) of an image, as far as the file says it."""
    size = image.get("height"), image.get("width")
    height, width = (int(side) if isinstance(side, int | float) and 1 <= side < 1e9 else 0 for side in size)
    return (height, width) if height and width else None


def _name_of(category: Entry) -> str:
    return str(category.get("name") or category["id"])


def _list_counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in counts.items() if count)


def describe_json(content: Any) -> str:
    """What a parsed JSON file is: `NAME`, or a description of another format."""
    if isinstance(content, list):
        return _describe_list(content)
    if not isinstance(content, dict):
        return "a JSON value"
    keys = content.keys()
    for needed, name in (
        ({"images", "annotations"}, NAME),
        ({"annotations", "categories"}, NAME),
        ({"skeletons", "labels"}, "SLEAP's old JSON labels (open and save them in SLEAP as .slp)"),
        ({"nodes", "links"}, "a SLEAP skeleton"),
        ({"data", "model"}, "a SLEAP training configuration"),
        ({"shapes", "imagePath"}, "a LabelMe file"),
        ({"_via_img_metadata"}, "a project of the VGG Image Annotator"),
        ({"info", "items"}, "a Datumaro file"),
    ):
        if needed <= keys:
            return name
    if content.get("type") == "FeatureCollection":
        return "GeoJSON"
    return f"another JSON (with {', '.join(map(str, list(keys)[:5]))})" if keys else "an empty JSON object"


def _describe_list(content: list[Any]) -> str:
    first = content[0] if content else None
    if not isinstance(first, dict):
        return "a JSON list" if content else "an empty JSON list"
    annotations = first.get("annotations")
    if isinstance(annotations, list):
        of_first = annotations[0] if annotations and isinstance(annotations[0], dict) else {}
        return "an AlphaTracker file" if "class" in of_first else "a Label Studio export"
    if {"image_id", "keypoints"} <= first.keys():
        return "a list of COCO results (predictions)"
    return f"a JSON list of another kind (entries with {', '.join(map(str, list(first)[:5]))})"


COCO = LabelReader("COCO .json", recognize, read, counts_hidden=True, general=True)
