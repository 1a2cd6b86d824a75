"""Instances that other programs found, with their points shifted onto the frames that follow."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from poseflow.config import FlowConfig
from poseflow.inference.flow import shift_points, shrink_image
from poseflow.media import Video, VideoIndex, open_video
from poseflow.tables import Instances

GAP_FRAMES = 100
"""Frames without an instance that are read rather than jumped over."""


def shift_instances(
    found: Iterable[Instances], index: VideoIndex, config: FlowConfig, failed: set[int]
) -> Iterator[Instances]:
    """Move the points of instances onto the next frames of their video, in bounded memory.

    Args:
        found: pieces of whole frames, in order; their own `shifted` is put aside.
        index: of the video.
        failed: takes the frames among them that cannot be decoded; their points are shifted nowhere.

    Returns: the same instances, with `window_frames` lags.
    """
    with open_video(index) as video:
        for piece in found:
            breaks = np.flatnonzero(np.diff(piece.frame_idx) > GAP_FRAMES) + 1
            for rows in np.split(np.arange(len(piece)), breaks):
                if len(rows):
                    yield from _shift_run(piece.take(rows), video, index.frames, config, failed)


def _shift_run(run: Instances, video: Video, total: int, config: FlowConfig, failed: set[int]) -> Iterator[Instances]:
    """Those of a run of frames, frame by frame."""
    window = config.window_frames
    first, stop = int(run.frame_idx[0]), int(run.frame_idx[-1]) + 1
    waiting: deque[tuple[int, np.ndarray | None]] = deque()
    for number, image in video.read(first, min(stop + window, total), 1):
        if image is None and number < stop:
            failed.add(number)
        waiting.append((number, None if image is None else shrink_image(image, config)))
        if len(waiting) > window:
            yield from _shift_frame(run, waiting, config)
    while waiting and waiting[0][0] < stop:
        yield from _shift_frame(run, waiting, config)


def _shift_frame(
    run: Instances, waiting: deque[tuple[int, np.ndarray | None]], config: FlowConfig
) -> Iterator[Instances]:
    """Those of the frame that has waited longest."""
    number, image = waiting.popleft()
    begin, stop = np.searchsorted(run.frame_idx, [number, number + 1])
    if begin == stop:
        return
    own = run.take(slice(begin, stop))
    shifted = np.full((len(own), config.window_frames, *own.points.shape[1:]), np.nan, np.float32)
    if image is not None:
        shifted = shift_points(image, [later for _, later in waiting], own.points, config)
    yield replace(own, shifted=shifted)
