"""Points that cannot be where a label file says: not numbers, or far outside of their image."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import sleap_io as sio
from numpy.typing import ArrayLike, NDArray

from poseflow.core.errors import NoLabelsError
from poseflow.core.wording import list_some
from poseflow.labels.hidden import build_instance, split_hidden
from poseflow.labels.images import read_images
from poseflow.labels.videos import FrameKey, frame_key, index_of, is_embedded

logger = logging.getLogger(__name__)

# Share of an image's longer side by which a point may lie outside: what a person guesses of a hidden tail.
OUTSIDE = 0.1
NOWHERE = (0.0, -1.0)
"""Both coordinates of what many programs write where a point is missing."""


def find_strays(points: ArrayLike, size: tuple[int, int] | None = None) -> NDArray[np.bool_]:
    """Which of the points (…, 2) cannot be: one coordinate is infinite or missing, or it is far outside of the image.

    `size`: (height, width) px of the image; None where it is not known.
    """
    points = np.asarray(points, np.float64)
    stray = np.isinf(points).any(axis=-1) | (np.isnan(points).sum(axis=-1) == 1)
    if size is not None:
        margin, end = OUTSIDE * max(size), np.array(size[::-1]) - 1
        stray |= ((points < -margin) | (points > end + margin)).any(axis=-1)
    return stray


def find_nowhere(points: ArrayLike) -> NDArray[np.bool_]:
    """Which of the points (…, 2) are exactly where many programs put what is missing; they count as points."""
    points = np.asarray(points, np.float64)
    return np.isin(points, NOWHERE).all(axis=-1) & (points[..., 0] == points[..., 1])


def describe_strays(stray: NDArray[np.bool_], points: ArrayLike, nodes: Sequence[str], key: FrameKey) -> list[str]:
    """Each stray point of a frame as text: node, coordinates, frame; `points` (instances, nodes, 2)."""
    points = np.asarray(points)
    return [
        f"{nodes[node]} at ({points[row, node, 0]:g}, {points[row, node, 1]:g}) in frame {key.number} of {key.video}"
        for row, node in np.argwhere(stray)
    ]


def warn_of_strays(path: Path, found: Sequence[str]) -> None:
    """Say in one line which points of a label file are left out."""
    if found:
        logger.warning(
            "%s: %d points that are no place in their image are left out: %s",
            path, len(found), list_some(found, 3, "; "),
        )  # fmt: skip


def warn_of_nowhere(path: Path, found: Sequence[str]) -> None:
    """Say in one line which points may be none; they count, since only a person can know."""
    if found:
        logger.warning(
            "%s: %d points are exactly at (0, 0) or (-1, -1); they count as labeled, though many programs mean missing "
            "ones by that: %s",
            path, len(found), list_some(found, 3, "; "),
        )  # fmt: skip


def leave_out_strays(labels: sio.Labels, path: Path) -> sio.Labels:
    """Labels of located videos without points far outside of their image, and without animals that had no other.

    Raises: NoLabelsError where nothing remains.
    """
    found: list[str] = []
    kept = []
    sizes: dict[sio.Video, tuple[int, int] | None] = {}
    for frame in labels.labeled_frames:
        points = np.array([split_hidden(instance)[0] for instance in frame.instances])
        if len(points) and find_strays(points, _size_of(frame, sizes)).any():
            is_image = isinstance(frame.video.filename, list)  # one may differ from the next
            size = _image_size(frame.video, frame.frame_idx) if is_image else sizes[frame.video]
            stray = find_strays(points, size)
            key = frame_key(frame.video, frame.frame_idx)
            found += describe_strays(stray, points, labels.skeletons[0].node_names, key)
            frame = _without(frame, points, stray)
        if frame.instances or frame.is_negative:
            kept.append(frame)
    warn_of_strays(path, found)
    if not kept:
        raise NoLabelsError(f"{path} must have labeled frames, got none with a point in its image: {found[0]}")
    return sio.Labels(labeled_frames=kept, videos=labels.videos, skeletons=labels.skeletons, tracks=labels.tracks)


def _without(frame: sio.LabeledFrame, points: NDArray[np.float64], stray: NDArray[np.bool_]) -> sio.LabeledFrame:
    kept = np.where(stray[..., None], np.nan, points)
    instances = [
        build_instance(own, split_hidden(instance)[1], instance.skeleton, instance.track)
        for instance, own in zip(frame.instances, kept, strict=True)
        if np.isfinite(own).any()
    ]
    return sio.LabeledFrame(video=frame.video, frame_idx=frame.frame_idx, instances=instances)


def _size_of(frame: sio.LabeledFrame, sizes: dict[sio.Video, tuple[int, int] | None]) -> tuple[int, int] | None:
    """(height, width) of a video's images, of an image sequence that of one of them; found once."""
    video = frame.video
    if video not in sizes:
        if is_embedded(video) or isinstance(video.filename, list):
            sizes[video] = _image_size(video, frame.frame_idx)
        else:
            index = index_of(video)
            sizes[video] = (index.height, index.width)
    return sizes[video]


def _image_size(video: sio.Video, frame_idx: int) -> tuple[int, int] | None:
    images: Iterable[tuple[int, NDArray[np.uint8] | None]] = read_images(video, [frame_idx], 1)
    image = next(image for _, image in images)
    return None if image is None else (image.shape[0], image.shape[1])
