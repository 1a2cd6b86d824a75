"""Trained models put together, whatever runs them: a batch of frames in, instances out."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from poseflow.config import KINDS, PredictConfig
from poseflow.core.errors import ModelError
from poseflow.inference.pipeline import Assemble, Images, Outputs, Pipeline, Run
from poseflow.inference.runtimes.runtime import Runtime, Stage
from poseflow.inference.stages import (
    Tensor,
    build_centroid_stage,
    build_crop_stage,
    build_network_stage,
    build_peak_stage,
    build_whole_frame_stage,
    find_grouping_head,
    tells_hidden,
)
from poseflow.models import check_together, find_skeleton
from poseflow.models.trained import TrainedModel
from poseflow.networks.decoding import Assembled, find_duplicates
from poseflow.networks.framing import Framing
from poseflow.tables import Instances

logger = logging.getLogger(__name__)

CROPS_PER_CALL = 8
CROPS_PER_SINGLE_FRAME = 2
"""Frame by frame, as live: of eight places most would be empty, and an empty one takes as long as an animal."""

Models = dict[str, TrainedModel]  # by what they see: frames, anchors in frames, or crops


def build_pipeline(loaded: Sequence[TrainedModel], config: PredictConfig, runtime: Runtime) -> Pipeline:
    """Put models together that a runtime has opened; raises ModelError or SkeletonError where they do not fit."""
    check_together(loaded)
    models: Models = {KINDS[model.config.kind].sampler: model for model in loaded}
    first, *others = loaded
    for other in others:
        if other.config.input.channels != first.config.input.channels:
            raise ModelError(f"{other.path}: input.channels must be that of {first.path}")
    identities = next((model.identities for model in models.values() if model.identities), ())
    paths = tuple(model.path for model in models.values())
    # Where two models see frames, the one that sees all of them says of what size they are.
    framing = models.get("anchors", first).framing
    run, assemble = PIPELINES[KINDS[first.config.kind].pipeline](models, config, runtime)
    if framing.frame_size is not None:
        run, assemble = _match_sizes(framing, runtime, run, assemble)
    channels: int = first.config.input.channels
    reads_color = channels == 1 and framing.reads_color
    if reads_color:
        run = _in_grey(framing, run)
    networks = _run_networks(models, config, runtime)
    told = any(tells_hidden(model.config) for model in models.values())
    return Pipeline(
        find_skeleton(loaded),
        channels,
        paths,
        identities,
        run,
        assemble,
        networks,
        reads_color,
        told,
        runtime.uses_gpu,
    )


def _run_networks(models: Models, config: PredictConfig, runtime: Runtime) -> Callable[[Images, Outputs], None]:
    """Run each model's network alone: on frames, and on as many crops as there were animals in them."""
    stages = {sampler: build_network_stage(model, runtime) for sampler, model in models.items()}

    def run(images: Images, outputs: Outputs) -> None:
        for sampler, stage in stages.items():
            channels, side = models[sampler].config.input.channels, models[sampler].config.input.crop_px
            if sampler != "crops":
                _run_stage(stage, np.ascontiguousarray(images[..., :channels]))
                continue
            assert side is not None
            count = _crops_per_call(config)
            crops = np.zeros((count, side, side, channels), np.uint8)
            for _ in range(0, max(len(outputs[0]), 1), count):
                _run_stage(stage, crops)

    return run


def _crops_per_call(config: PredictConfig) -> int:
    return CROPS_PER_CALL if config.batch_size > 1 else CROPS_PER_SINGLE_FRAME


def _in_grey(framing: Framing, run: Run) -> Run:
    """Let the networks see color frames in the grey of the program that trained them."""
    return lambda images: run(framing.make_grey(images) if images.shape[-1] == 3 else images)


def _match_sizes(framing: Framing, runtime: Runtime, run: Run, assemble: Assemble) -> tuple[Run, Assemble]:
    """Let both steps work in frames of the size that the models ask for."""
    factors: dict[tuple[int, ...], float] = {}

    def resize(images: Tensor) -> tuple[Tensor]:
        matched, factors[tuple(images.shape[1:3])] = framing.match_size(images)
        return (matched,)

    stage = runtime.compile_resizing(resize)

    def run_matched(images: Images) -> Outputs:
        (matched,) = stage(images)
        return *run(matched), np.array(factors[images.shape[1:3]], np.float32)

    def assemble_matched(outputs: Outputs) -> Instances:
        *own, factor = outputs
        found = assemble(tuple(own))
        return found if factor == 1 else replace(found, points=(found.points / factor).astype(np.float32))

    return run_matched, assemble_matched


def _build_single_animal(models: Models, config: PredictConfig, runtime: Runtime) -> tuple[Run, Assemble]:
    stage = build_whole_frame_stage(models["frames"], config, runtime)

    def assemble(outputs: Outputs) -> Instances:
        points, scores, *hidden = outputs
        return _sorted_instances(np.arange(len(points)), points, scores, None, *hidden)

    return partial(_run_stage, stage), assemble


def _build_top_down(models: Models, config: PredictConfig, runtime: Runtime) -> tuple[Run, Assemble]:
    find_anchors = build_centroid_stage(models["anchors"], config, runtime)
    find_points = build_crop_stage(models["crops"], config, runtime)
    per_call, turned = _crops_per_call(config), models["crops"].config.turns_crops

    def run(images: Images) -> Outputs:
        on_device = runtime.put(images)  # once for both stages
        anchors, _, *headings = find_anchors(on_device)
        places = np.concatenate([anchors, *(headings if turned else ())], axis=-1)
        frames, slots = np.nonzero(np.isfinite(places[..., 0]))
        return frames, *_find_in_crops(find_points, on_device, frames, places[frames, slots], per_call)

    def assemble(outputs: Outputs) -> Instances:
        return _without_duplicates(_sorted_instances(*outputs), config)

    return run, assemble


def _build_bottom_up(models: Models, config: PredictConfig, runtime: Runtime) -> tuple[Run, Assemble]:
    model = models["frames"]
    _, head = find_grouping_head(model.config)
    subject, grouping = model.config.describe_subject(model.skeleton), model.framing.choose_grouping(config.grouping)

    def assemble(outputs: Outputs) -> Instances:
        peaks, scores, evidence, *hidden = outputs
        assembled = head.group_peaks(peaks, scores, evidence, subject, grouping)
        return _best_instances(assembled, config, *(_find_peaks_of(assembled, peaks, values) for values in hidden))

    return partial(_run_until_all_peaks, model, config, runtime, {}), assemble


def _run_until_all_peaks(
    model: TrainedModel, config: PredictConfig, runtime: Runtime, stages: dict[int, Stage], images: Images
) -> Outputs:
    """Look at more peaks of each node where the model takes all and they may not have been all.

    Of a network that has learnt little there are thousands. A class may then be that of a low peak.

    Args: stages: those that were compiled already, by the number of peaks.
    """
    count = model.framing.count_peaks(config.max_instances)
    most = find_grouping_head(model.config)[1].most_peaks
    while True:
        if count not in stages:
            stages[count] = build_peak_stage(model, config, count, runtime)
        outputs = _run_stage(stages[count], images)
        if not model.framing.takes_all_peaks or not (outputs[1] > 0).all(axis=2).any():
            return outputs
        if count >= most:
            logger.warning("%s: a node has more than %d peaks; the highest of them count", model.path, most)
            return outputs
        count = min(16 * count, most)


def _run_stage(stage: Stage, images: Images) -> Outputs:
    return tuple(np.asarray(output) for output in stage(images))


def _find_in_crops(
    find_points: Stage, images: Tensor, frames: NDArray[np.int64], places: NDArray[np.float32], per_call: int
) -> Outputs:
    """Run the crop stage over the animals that are there, in calls of one size, so that shapes stay static.

    `max_instances` slots a frame would be simpler, and most of them empty: the crops are where the time goes.
    """
    parts = []
    for begin in range(0, max(len(frames), 1), per_call):
        chosen = slice(begin, begin + per_call)
        count = len(frames[chosen])
        padded_frames = np.zeros(per_call, np.int32)
        padded_places = np.zeros((per_call, places.shape[1]), np.float32)
        padded_frames[:count], padded_places[:count] = frames[chosen], places[chosen]
        parts.append([np.asarray(output)[:count] for output in find_points(images, padded_frames, padded_places)])
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


def _sorted_instances(
    frame_idx: NDArray[np.int64],
    points: NDArray[np.float32],
    point_scores: NDArray[np.float32],
    class_scores: NDArray[np.float32] | None = None,
    hidden: NDArray[np.float32] | None = None,
) -> Instances:
    """Instances of a batch by frame, then by descending score, without those that have no point.

    The score is the mean height of the points' peaks, 0 for a missing point.
    """
    present = np.isfinite(points[..., 0])
    score = np.where(present, point_scores, 0).mean(axis=1).astype(np.float32)
    order = np.lexsort((-score, frame_idx))
    order = order[present[order].any(axis=1)]
    found = Instances.from_arrays(frame_idx, score, points, point_scores, class_scores, hidden=hidden)
    return found.take(order)


def _without_duplicates(found: Instances, config: PredictConfig) -> Instances:
    return found.take(~find_duplicates(found.frame_idx, found.points, config.nms_oks))


def _find_peaks_of(
    assembled: Assembled, peaks: NDArray[np.float32], values: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Of each point of animals the value of the peak that it is, (n, nodes); NaN where it is none.

    Args: peaks: (frames, nodes, k, 2). values: (frames, nodes, k).
    """
    same = (peaks[assembled.frame] == assembled.points[:, :, None]).all(axis=-1)
    place = same.argmax(axis=2)[..., None]
    found = np.take_along_axis(values[assembled.frame], place, axis=2)[..., 0]
    return np.where(same.any(axis=2), found, np.float32(np.nan))


def _best_instances(
    assembled: Assembled, config: PredictConfig, hidden: NDArray[np.float32] | None = None
) -> Instances:
    """Of each frame the `max_instances` with the best scores, no animal twice."""
    found = _without_duplicates(_sorted_instances(*assembled, hidden), config)
    rank = np.arange(len(found)) - np.searchsorted(found.frame_idx, found.frame_idx)
    return found.take(rank < config.max_instances)


PIPELINES: dict[str, Callable[[Models, PredictConfig, Runtime], tuple[Run, Assemble]]] = {
    "single_animal": _build_single_animal,
    "top_down": _build_top_down,
    "bottom_up": _build_bottom_up,
}
"""By what a kind says that it is for (`config.Kind`)."""
