"""Predict a shard: frames of a video in, a predictions table out."""

from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from poseflow.config import PredictConfig
from poseflow.core.errors import VideoError
from poseflow.core.logs import show_progress
from poseflow.core.prefetch import prefetch
from poseflow.inference.batches import FrameBatch, SeenBatch, read_batches
from poseflow.inference.flow_batches import shift_batches
from poseflow.inference.pipeline import Pipeline
from poseflow.inference.profile import FIRST, Profile
from poseflow.media import VideoIndex, open_video
from poseflow.tables import Instances, PredictionsWriter

BATCHES_AHEAD = 3
BATCHES_PER_WRITE = 32
"""Rows are made into columns, hashed and written for so many batches at once."""


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
    on_gpu = config.decoding == "hardware" or (config.decoding == "auto" and pipeline.uses_gpu)
    with (
        profile.measure_all(),
        open_video(index, on_gpu=on_gpu) as video,
        PredictionsWriter(
            out, pipeline.skeleton, lags, pipeline.identities, notes, tells_hidden=pipeline.tells_hidden
        ) as writer,
        show_progress("predict", stop - start, "frames") as advance,
    ):
        channels = pipeline.choose_channels(index.channels == 3)
        read = prefetch(read_batches(video, channels, frames, config, profile), BATCHES_AHEAD)
        said = prefetch(_run_networks(read, pipeline, profile), BATCHES_AHEAD)
        assembled = prefetch(_assemble_batches(said, pipeline, stop, profile), BATCHES_AHEAD)
        waiting: list[Instances] = []
        for batch, found in shift_batches(assembled, config.flow, profile):
            waiting.append(found.take((found.frame_idx >= start) & (found.frame_idx < stop)))
            numbers = [n for n in range(batch.first, batch.first + len(batch)) if start <= n < stop]
            failed += [n for n in numbers if not batch.readable[n - batch.first]]
            if len(waiting) == BATCHES_PER_WRITE:
                with profile.measure("write"):
                    writer.append(Instances.concatenate(waiting))
                waiting.clear()
            profile.frames += len(numbers)
            advance(len(numbers))
        if waiting:
            with profile.measure("write"):
                writer.append(Instances.concatenate(waiting))
        writer.close(frames=[(start, stop)] if stop > start else [], failed_frames=failed)


def _run_networks(batches: Iterator[FrameBatch], pipeline: Pipeline, profile: Profile) -> Iterator[SeenBatch]:
    """Run the networks on every batch that is no look-ahead and has a readable frame."""
    step = FIRST
    for batch in batches:
        outputs = None
        if batch.images is not None:
            with profile.measure(step):
                outputs = pipeline.run(batch.images)
            step = "networks and peaks"
            profile.keep(batch.images, outputs)
        yield SeenBatch(batch.without_images(), outputs)


def _assemble_batches(
    batches: Iterator[SeenBatch], pipeline: Pipeline, stop: int, profile: Profile
) -> Iterator[SeenBatch]:
    """Put the animals of every batch that begins before `stop` together; of frames that cannot be read, none."""
    for seen in batches:
        batch = seen.batch
        if batch.first >= stop:
            yield seen
        elif seen.outputs is None:
            yield SeenBatch(batch, found=pipeline.find_nothing())
        else:
            with profile.measure("assembly"):
                found = pipeline.assemble(seen.outputs)
            readable = np.zeros(int(found.frame_idx.max(initial=0)) + len(batch), bool)
            readable[: len(batch)] = batch.readable
            own = found.take(readable[found.frame_idx])
            yield SeenBatch(batch, found=replace(own, frame_idx=own.frame_idx + batch.first))
