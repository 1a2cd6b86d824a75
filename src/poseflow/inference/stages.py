"""Compiled stages: images to points, one network each."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from poseflow.config import ModelConfig, PredictConfig
from poseflow.config.model import CONFIDENCE_MAPS, HEADING
from poseflow.core.errors import ModelError
from poseflow.inference.runtimes.runtime import Runtime, Stage
from poseflow.models.trained import TrainedModel
from poseflow.networks.decoding import (
    PeakRules,
    crop_images_turned,
    find_global_peaks,
    find_local_peaks,
    read_headings,
    score_hidden,
    turn_back,
)
from poseflow.networks.heads.maps import GroupingHead
from poseflow.networks.lazy import ops

Tensor = Any


def build_whole_frame_stage(
    model: TrainedModel, config: PredictConfig, runtime: Runtime, identity: str | None = None
) -> Stage:
    """Frames (batch, height, width, channels) -> points (batch, nodes, 2) and scores (batch, nodes) of one animal.

    And, where `identity` names a head of vectors, its class probabilities (batch, classes); of a model that tells it,
    the probability that a point is hidden (batch, nodes).
    """

    def find_points(images: Tensor) -> tuple[Tensor, ...]:
        outputs = _run_network(model, images)
        points, scores = _find_best_peaks(outputs, model, config)
        classes = (outputs[identity],) if identity else ()
        hidden = _read_hidden(outputs, points, model)
        return model.framing.unscale(points, model.config.input.scale), scores, *classes, *hidden

    return runtime.compile(find_points)


def build_centroid_stage(model: TrainedModel, config: PredictConfig, runtime: Runtime) -> Stage:
    """Frames -> anchors (batch, max_instances, 2) and scores (batch, max_instances), highest first, NaN beyond.

    Of a model that tells it, also which way each animal heads (batch, max_instances, 2).
    """
    threshold = config.peak_threshold if config.centroid_threshold is None else config.centroid_threshold

    def find_anchors(images: Tensor) -> tuple[Tensor, ...]:
        rules = replace(model.framing.peak_rules, reading_order=False)
        outputs = _run_network(model, images)
        points, scores = _find_peaks(outputs, model, threshold, config.max_instances, rules)
        anchors = points[:, 0]
        head = model.config.heads.get(HEADING)
        headings = () if head is None else (read_headings(outputs[HEADING], anchors, head.stride or 1),)
        return model.framing.unscale(anchors, model.config.input.scale), scores[:, 0], *headings

    return runtime.compile(find_anchors)


def build_crop_stage(model: TrainedModel, config: PredictConfig, runtime: Runtime) -> Stage:
    """Frames, (crops,) frame numbers and places -> points, scores and classes of the crops' animals.

    Places are centers (crops, 2); of a model that turns crops, centers and headings (crops, 4).
    Points (crops, nodes, 2), scores (crops, nodes), class probabilities (crops, classes), of a model without: of none.
    Of a model that tells it, also the probability that a point is hidden (crops, nodes).
    """
    crop_px = model.config.input.crop_px
    if crop_px is None:
        raise ModelError(f"{model.path}: input.crop_px must be a number of px, got none")
    identity = next((name for name, head in model.config.heads.items() if head.names_animals), None)

    def find_points(images: Tensor, frames: Tensor, places: Tensor) -> tuple[Tensor, ...]:
        crops, bring_back = _cut_crops(model, images, frames, places, crop_px)
        outputs = _run_network(model, crops)
        points, scores = _find_best_peaks(outputs, model, config)
        classes = outputs[identity] if identity else ops.zeros((ops.shape(scores)[0], 0))
        hidden = _read_hidden(outputs, points, model)
        return bring_back(model.framing.unscale(points, model.config.input.scale)), scores, classes, *hidden

    return runtime.compile(find_points)


def _cut_crops(
    model: TrainedModel, images: Tensor, frames: Tensor, places: Tensor, crop_px: int
) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """Crops as a model sees them, and a function that takes their points to the frames."""
    if model.config.turns_crops:
        centers, headings = places[:, :2], places[:, 2:]
        crops = crop_images_turned(images, frames, centers, headings, crop_px)
        return crops, lambda points: turn_back(points, centers, headings, crop_px)
    crops, origins = model.framing.crop(images, frames, places, crop_px)
    return crops, lambda points: points + origins[:, None]


def build_peak_stage(model: TrainedModel, config: PredictConfig, count: int, runtime: Runtime) -> Stage:
    """Frames -> peaks (batch, nodes, k, 2), their scores (batch, nodes, k) and what the model's `GroupingHead` reads.

    k is `count`; NaN where there are fewer peaks. Of a model that tells it, also the probability that a peak's node is
    hidden (batch, nodes, k).
    """
    name, head = find_grouping_head(model.config)
    subject, scale = model.config.describe_subject(model.skeleton), model.config.input.scale
    grouping = model.framing.choose_grouping(config.grouping)

    def find_candidates(images: Tensor) -> tuple[Tensor, ...]:
        outputs = _run_network(model, images)
        peaks, scores = _find_peaks(outputs, model, config.peak_threshold, count, model.framing.peak_rules)
        longest_side_px = model.framing.longest_side_px(images, outputs[name], scale, head.output_stride)
        evidence = head.score_peaks(outputs[name], peaks, subject, grouping, longest_side_px)
        return model.framing.unscale(peaks, scale), scores, evidence, *_read_hidden(outputs, peaks, model)

    return runtime.compile(find_candidates)


def build_network_stage(model: TrainedModel, runtime: Runtime) -> Stage:
    """Images as the model sees them -> its maps, or what a runtime needs of them: the network alone."""
    return runtime.compile(lambda images: tuple(_run_network(model, images).values()))


def find_grouping_head(config: ModelConfig) -> tuple[str, GroupingHead]:
    """Name and settings of the head that says which peaks are one animal's; raises ModelError where there is none."""
    for name, head in config.heads.items():
        if isinstance(head, GroupingHead):
            return name, head
    raise ModelError(f"a {config.kind} model must have a head that groups peaks, got {', '.join(config.heads)}")


def tells_hidden(config: ModelConfig) -> bool:
    """Whether a model says of each node that it finds whether it is hidden."""
    return any(head.learns_hidden for head in config.heads.values())


def _read_hidden(outputs: dict[str, Tensor], points: Tensor, model: TrainedModel) -> tuple[Tensor, ...]:
    """The probability that points (batch, nodes[, k], 2), px of the network's input, are hidden, where it is told."""
    for name, head in model.config.heads.items():
        if head.learns_hidden:
            return (score_hidden(outputs[name], points, head.stride or 1),)
    return ()


def _run_network(model: TrainedModel, images: Tensor) -> dict[str, Tensor]:
    """What the network says of images at full resolution, by head name."""
    inputs = model.framing.preprocess(images, model.config.input.scale, model.config.backbone.max_stride)
    outputs: dict[str, Tensor] = model.network(inputs, training=False)
    return outputs


def _find_best_peaks(outputs: dict[str, Tensor], model: TrainedModel, config: PredictConfig) -> tuple[Tensor, Tensor]:
    """The highest peak of each map, in px of the network's input; see `find_global_peaks`."""
    maps, stride = outputs[CONFIDENCE_MAPS], model.config.head.output_stride
    return find_global_peaks(maps, stride, config.peak_threshold, outputs.get("offsets"), model.framing.peak_rules)


def _find_peaks(
    outputs: dict[str, Tensor], model: TrainedModel, threshold: float, count: int, rules: PeakRules
) -> tuple[Tensor, Tensor]:
    """The `count` highest peaks of each map, in px of the network's input; see `find_local_peaks`."""
    maps, stride = outputs[CONFIDENCE_MAPS], model.config.head.output_stride
    return find_local_peaks(maps, stride, count, threshold, outputs.get("offsets"), rules)
