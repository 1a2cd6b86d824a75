"""Predict a shard: frames of a video in, a predictions table out."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseflow.config import FlowConfig, PredictConfig
from poseflow.core.errors import VideoError
from poseflow.core.logs import show_progress
from poseflow.core.prefetch import prefetch
from poseflow.inference.flow import shift_points, shrink_image
from poseflow.inference.pipeline import Outputs, Pipeline
from poseflow.inference.profile import Profile
from poseflow.media import Video, VideoIndex, open_video
from poseflow.tables import Instances, PredictionsWriter

Image = NDArray[np.uint8]
BATCHES_AHEAD = 3


@dataclass(frozen=True)
class FrameBatch:
    """Neighboring frames from `first` on; None for one that cannot be decoded. `found` is None for look-ahead.

    Their instances have the frames' numbers in the video.
    """

    first: int
    images: list[Image | None]
    found: Instances | None = None


@dataclass(frozen=True)
class NetworkBatch:
    """A batch on its way: what the networks said of its frames, None for look-ahead or where no frame is readable."""

    batch: FrameBatch
    outputs: Outputs | None


def predict_shard(
    index: VideoIndex,
    pipeline: Pipeline,
    frames: tuple[int, int],
    out: Path,
    config: PredictConfig,
    metadata: dict[str, Any] | None = None,
    profile: Profile | None = None,
) -> None:
    """Find the animals in frames [start, stop) of a video and write the predictions table.

    Reading, networks, assembly, and flow with writing overlap. Whole batches are computed, aligned to multiples of the
    batch size, and the frames beyond the shard dropped: so a frame stands at the same place of the same batch whatever
    the sharding, and its rows are the same to the last bit. Flow looks `window_frames` past the right edge.

    Args:
        index: of the video; a quarantined one raises VideoError.
        pipeline: from `load_pipeline`.
        frames: start and stop, 0 <= start <= stop <= index.frames.
        out: the table.
        metadata: what to store with it, beside models and version.
        profile: takes how long each step takes.
    """
    profile = profile or Profile()
    start, stop = frames
    if not index.is_ok:
        raise VideoError(f"{index.path}: must be readable, got quarantined: {index.reason}")
    if not 0 <= start <= stop <= index.frames:
        raise VideoError(f"{index.path}: frames must be 0 <= start <= stop <= {index.frames}, got {start}, {stop}")
    notes = {"video": index.path, "version": version("poseflow"), **(metadata or {})}
    lags = config.flow.window_frames
    failed: list[int] = []
    with (
        profile.measure_all(),
        open_video(index) as video,
        PredictionsWriter(out, pipeline.skeleton, lags, pipeline.identities, metadata=notes) as writer,
        show_progress("predict", stop - start, "frames") as advance,
    ):
        channels = pipeline.choose_channels(index.channels == 3)
        batches = _read_batches(video, channels, frames, config, index.frames)
        read = prefetch(profile.measure_each("decode", batches), BATCHES_AHEAD)
        said = prefetch(_run_networks(read, pipeline, stop, config.batch_size, profile), BATCHES_AHEAD)
        assembled = prefetch(_assemble_batches(said, pipeline, stop, profile), BATCHES_AHEAD)
        for batch, found in _shift_batches(assembled, config.flow, profile):
            with profile.measure("write"):
                writer.append(found.take((found.frame_idx >= start) & (found.frame_idx < stop)))
            numbers = [n for n in range(batch.first, batch.first + len(batch.images)) if start <= n < stop]
            failed += [n for n in numbers if batch.images[n - batch.first] is None]
            profile.frames += len(numbers)
            advance(len(numbers))
        writer.close(frames=[(start, stop)] if stop > start else [], failed_frames=failed)


def _read_batches(
    video: Video, channels: int, frames: tuple[int, int], config: PredictConfig, total: int
) -> Iterator[FrameBatch]:
    """Read aligned batches that cover the shard and its look-ahead."""
    size = config.batch_size
    start, stop = frames
    if start == stop:
        return
    begin = start // size * size
    end = min(max(-(-stop // size) * size, stop + config.flow.window_frames), total)
    images: list[Image | None] = []
    for number, image in video.read(begin, end, channels):
        images.append(image)
        if len(images) == size or number == end - 1:
            yield FrameBatch(number + 1 - len(images), images)
            images = []


def _run_networks(
    batches: Iterator[FrameBatch], pipeline: Pipeline, stop: int, size: int, profile: Profile
) -> Iterator[NetworkBatch]:
    """Run the networks on every batch that begins before `stop`."""
    for batch in batches:
        blank = next((np.zeros_like(image) for image in batch.images if image is not None), None)
        if batch.first >= stop or blank is None:
            yield NetworkBatch(batch, None)
            continue
        filled = [blank if image is None else image for image in batch.images]
        with profile.measure("copy"):
            images = np.stack(filled + [blank] * (size - len(filled)))
        with profile.measure("networks and peaks"):
            outputs = pipeline.run(images)
        profile.keep(images, outputs)
        yield NetworkBatch(batch, outputs)


def _assemble_batches(
    batches: Iterator[NetworkBatch], pipeline: Pipeline, stop: int, profile: Profile
) -> Iterator[FrameBatch]:
    """Put the animals of every batch that begins before `stop` together; of frames that cannot be read, none."""
    for said in batches:
        batch = said.batch
        if batch.first >= stop:
            yield batch
        elif said.outputs is None:
            yield FrameBatch(
                batch.first, batch.images, Instances.empty(len(pipeline.skeleton.nodes), len(pipeline.identities))
            )
        else:
            with profile.measure("assembly"):
                found = pipeline.assemble(said.outputs)
            readable = np.zeros(int(found.frame_idx.max(initial=0)) + len(batch.images), bool)
            readable[: len(batch.images)] = [image is not None for image in batch.images]
            own = found.take(readable[found.frame_idx])
            yield FrameBatch(batch.first, batch.images, replace(own, frame_idx=own.frame_idx + batch.first))


def _shift_batches(
    batches: Iterator[FrameBatch], config: FlowConfig, profile: Profile
) -> Iterator[tuple[FrameBatch, Instances]]:
    """Yield every batch with its instances, their points shifted, once its look-ahead has arrived."""
    waiting: deque[FrameBatch] = deque()
    for batch in batches:
        waiting.append(batch)
        while waiting and waiting[0].found is not None and _frames_after(waiting) >= config.window_frames:
            with profile.measure("flow"):
                shifted = _shift_first(waiting, config)
            yield shifted
    while waiting and waiting[0].found is not None:
        with profile.measure("flow"):
            shifted = _shift_first(waiting, config)
        yield shifted


def _frames_after(waiting: deque[FrameBatch]) -> int:
    return sum(len(batch.images) for batch in waiting) - len(waiting[0].images)


def _shift_first(waiting: deque[FrameBatch], config: FlowConfig) -> tuple[FrameBatch, Instances]:
    images = [image for one in waiting for image in one.images]

    @cache
    def shrunk(number: int) -> Image | None:
        image = images[number]
        return None if image is None else shrink_image(image, config)

    batch = waiting.popleft()
    found = batch.found
    assert found is not None
    shifted = np.full((len(found), config.window_frames, *found.points.shape[1:]), np.nan, np.float32)
    if config.window_frames:
        for frame in np.unique(found.frame_idx).tolist():
            number = frame - batch.first
            image = shrunk(number)
            assert image is not None
            rows = found.frame_idx == frame
            stop = min(number + 1 + config.window_frames, len(images))
            later = [shrunk(after) for after in range(number + 1, stop)]
            shifted[rows] = shift_points(image, later, found.points[rows], config)
    return batch, replace(found, shifted=shifted)
