"""COCO keypoints: a folder with `annotations.json` and, of recordings that are not too long, the frames' images.

An annotation for each animal and frame, with `score` as results have it, and beside COCO's keys `track_id` and
`individual`. Ids begin at 1: COCO's own evaluation takes 0 for none.
"""

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from poseflow.exchange.animal_files import name_part
from poseflow.exchange.dense import find_hidden, find_individuals, node_values, round_for_text
from poseflow.exchange.losses import OURS, loses
from poseflow.exchange.writer import PoseStream
from poseflow.media import VideoIndex, open_video
from poseflow.tables import Individuals

logger = logging.getLogger(__name__)

VISIBLE, HIDDEN = 2, 1
MAX_IMAGES = 2_000
QUALITY = (cv2.IMWRITE_JPEG_QUALITY, 95)
COLUMN_BLOCK = 8192
"""Rows whose text is made at once."""


@loses("times", "scores of nodes", "frames without animals", "symmetries", *OURS)
def write_coco(poses: PoseStream, path: Path) -> None:
    """Write annotations, and images where the recording is given and at most MAX_IMAGES frames have animals."""
    individuals = find_individuals(poses, share_slots=False)
    path.mkdir()
    with (path / "annotations.json").open("w", encoding="utf-8") as file:
        file.write(
            f'{{"info":{json.dumps(_info(poses))},"licenses":[],\n"categories":[{_category(poses)}],\n"images":['
        )
        _write_list(file, (_image_lines(block, poses) for block in poses.blocks(["frame_idx"])))
        file.write('],\n"annotations":[')
        _write_list(file, _annotation_lines(poses, individuals))
        file.write("]}\n")
    if poses.index is None:
        logger.warning("%s: images are left out, since the recording is not given (--index)", poses.path)
    elif not poses.has_recording:
        logger.warning("%s: images are left out, since the recording %s cannot be read", poses.path, poses.index.path)
    elif individuals.frames > MAX_IMAGES:
        logger.warning("%s: images are left out, since %d frames have animals", poses.path, individuals.frames)
    else:
        _write_images(poses, poses.index, path)


def _info(poses: PoseStream) -> dict[str, Any]:
    return {
        "description": f"{poses.note.get('recording')}/{poses.note.get('video')}",
        "version": f"poseflow {poses.note.get('package_version')}",
        "release": poses.note.get("release"),
    }


def _category(poses: PoseStream) -> str:
    edges = [[source + 1, target + 1] for source, target in poses.skeleton.edges]
    names = list(poses.skeleton.nodes)
    category = {"id": 1, "name": "animal", "supercategory": "animal", "keypoints": names, "skeleton": edges}
    return json.dumps(category, ensure_ascii=False)


def _write_list(file: Any, parts: Iterator[pa.Array]) -> None:
    """Write JSON values, given as text, with commas between them."""
    separator = "\n"
    for part in parts:
        for start in range(0, len(part), COLUMN_BLOCK):
            file.write(separator + ",\n".join(part.slice(start, COLUMN_BLOCK).to_pylist()))
            separator = ",\n"


def image_name(poses: PoseStream, frame: str) -> str:
    """Name of a frame's image, by its number as text."""
    return f"images/{name_part(poses.note['video'])}_{frame:0>9}.jpg"


def _image_lines(block: pa.Table, poses: PoseStream) -> pa.Array:
    frames = np.unique(block.column("frame_idx").to_numpy())
    size = poses.note["image_size"]
    number = pa.array(frames).cast(pa.string())
    lead, _, tail = json.dumps(image_name(poses, "#" * 9), ensure_ascii=False).partition("#" * 9)
    return _join(
        '{"id":', pa.array(frames + 1), f',"file_name":{lead}', pc.utf8_lpad(number, 9, "0"), f'{tail},"frame_idx":',
        number, f',"width":{size["width"] or 0},"height":{size["height"] or 0}}}',
    )  # fmt: skip


def _annotation_lines(poses: PoseStream, individuals: Individuals) -> Iterator[pa.Array]:
    names = pa.array([json.dumps(name, ensure_ascii=False) for name in individuals.names], pa.string())
    done = 0
    for block in poses.blocks():
        found = names.take(pa.array(individuals.find(block)))
        for start in range(0, block.num_rows, COLUMN_BLOCK):
            rows = block.slice(start, COLUMN_BLOCK)
            yield _join(*_annotation(rows, poses, found.slice(start, COLUMN_BLOCK), done + 1))
            done += rows.num_rows


def _annotation(rows: pa.Table, poses: PoseStream, names: pa.Array, first_id: int) -> list[str | pa.Array]:
    points = node_values(rows, poses)[:, :, :2]
    seen = np.asarray(~np.isnan(points).any(axis=2), np.bool_)
    visibility = np.where(seen, np.where(find_hidden(rows, poses), HIDDEN, VISIBLE), 0)
    parts: list[str | pa.Array] = ['{"id":', pa.array(np.arange(first_id, first_id + len(points))), ',"image_id":']
    parts += [pa.array(rows.column("frame_idx").to_numpy() + 1), ',"category_id":1,"iscrowd":0,"keypoints":[']
    filled = round_for_text(np.where(seen[:, :, None], points, 0))
    for node in range(points.shape[1]):
        parts += ["," if node else "", pa.array(filled[:, node, 0]), ",", pa.array(filled[:, node, 1]), ","]
        parts.append(pa.array(np.ascontiguousarray(visibility[:, node])))
    parts += ['],"num_keypoints":', pa.array(seen.sum(axis=1)), *_box(points, seen)]
    score, track = np.nan_to_num(rows.column("instance_score").to_numpy()), rows.column("track").to_numpy()
    return [*parts, ',"score":', pa.array(score), ',"track_id":', pa.array(track), ',"individual":', names, "}"]


def _box(points: NDArray[np.float32], seen: NDArray[np.bool_]) -> Sequence[str | pa.Array]:
    """The box round the points, and its area; zeros where there is no point."""
    low = np.where(seen[:, :, None], points, np.inf).min(axis=1)
    high = np.where(seen[:, :, None], points, -np.inf).max(axis=1)
    some = np.asarray(seen.any(axis=1))[:, None]
    corner, size = np.where(some, low, 0), np.where(some, high - low, 0)
    numbers = [pa.array(round_for_text(column)) for column in (*corner.T, *size.T, size.prod(axis=1))]
    return [',"bbox":[', numbers[0], ",", numbers[1], ",", numbers[2], ",", numbers[3], '],"area":', numbers[4]]


def _join(*parts: str | pa.Array) -> pa.Array:
    """Texts and columns side by side, a text a row."""
    texts = [part if isinstance(part, str) else part.cast(pa.string()) for part in parts]
    return pc.binary_join_element_wise(*texts, "")


def _write_images(poses: PoseStream, index: VideoIndex, path: Path) -> None:
    frames = [np.unique(block.column("frame_idx").to_numpy()) for block in poses.blocks(["frame_idx"])]
    (path / "images").mkdir()
    with open_video(index) as video:
        wanted = np.concatenate([np.empty(0, np.int64), *frames])
        for frame, image in video.read_frames(wanted.tolist(), channels=index.channels):
            if image is None:
                logger.warning("frame %d of %s cannot be decoded: it has no image", frame, index.path)
                continue
            picture = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.shape[-1] == 3 else image
            if not cv2.imwrite(str(path / image_name(poses, str(frame))), picture, QUALITY):
                raise OSError(f"{path}: an image could not be written")
