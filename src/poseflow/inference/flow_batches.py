"""Points of whole batches moved by optical flow, several batches side by side."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import cv2
import numpy as np

from poseflow.config import FlowConfig
from poseflow.core.processors import count_processors
from poseflow.inference.batches import FrameBatch, Image, SeenBatch
from poseflow.inference.flow import shift_points
from poseflow.inference.profile import Profile
from poseflow.tables import Instances

MOST_THREADS = 8


def shift_batches(
    batches: Iterator[SeenBatch], config: FlowConfig, profile: Profile
) -> Iterator[tuple[FrameBatch, Instances]]:
    """Yield every batch with its instances, their points shifted, in order; look-ahead is left out.

    A batch waits until the frames after it that it needs have arrived. It is shifted by one of several threads; what
    comes out does not depend on their number.
    """

    def shift(first: int, found: Instances, shrunk: list[Image | None]) -> Instances:
        with profile.measure("flow"):
            return _shift_batch(first, found, shrunk, config)

    threads = min(count_processors(), MOST_THREADS)
    profile.flow_threads = threads
    under_way: deque[tuple[FrameBatch, Future[Instances]]] = deque()
    with _one_thread_a_call(), ThreadPoolExecutor(threads, "flow") as pool:
        for batch, found, shrunk in _with_look_ahead(batches, config.window_frames):
            under_way.append((batch, pool.submit(shift, batch.first, found, shrunk)))
            while len(under_way) > threads:
                done, result = under_way.popleft()
                yield done, result.result()
        while under_way:
            done, result = under_way.popleft()
            yield done, result.result()


def _with_look_ahead(
    batches: Iterator[SeenBatch], window: int
) -> Iterator[tuple[FrameBatch, Instances, list[Image | None]]]:
    """Each batch with its instances, and with what flow sees of its frames and of `window` frames after them."""
    waiting: deque[SeenBatch] = deque()
    for seen in batches:
        waiting.append(seen)
        while waiting[0].found is not None and sum(len(one.batch) for one in waiting) - len(waiting[0].batch) >= window:
            yield _take_first(waiting, window)
            if not waiting:
                break
    while waiting and waiting[0].found is not None:
        yield _take_first(waiting, window)


def _take_first(waiting: deque[SeenBatch], window: int) -> tuple[FrameBatch, Instances, list[Image | None]]:
    shrunk = [image for one in waiting for image in one.batch.shrunk]
    first = waiting.popleft()
    assert first.found is not None
    return first.batch, first.found, shrunk[: len(first.batch) + window]


def _shift_batch(first: int, found: Instances, shrunk: list[Image | None], config: FlowConfig) -> Instances:
    """The instances of a batch that begins with frame `first`, whose frames and those after them flow sees shrunk."""
    shifted = np.full((len(found), config.window_frames, *found.points.shape[1:]), np.nan, np.float32)
    if config.window_frames and len(found):
        frames, begins = np.unique(found.frame_idx, return_index=True)
        for frame, begin, stop in zip(frames.tolist(), begins, [*begins[1:], len(found)], strict=True):
            image = shrunk[frame - first]
            assert image is not None  # what is found was read
            later = shrunk[frame - first + 1 : frame - first + 1 + config.window_frames]
            shifted[begin:stop] = shift_points(image, later, found.points[begin:stop], config)
    return replace(found, shifted=shifted)


@contextmanager
def _one_thread_a_call() -> Iterator[None]:
    """OpenCV's own threads cost more than they gain on so few points; it has one setting for the whole process."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
