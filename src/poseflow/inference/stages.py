"""Compiled stages: images to points, one network each."""

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from poseflow.config import PredictConfig
from poseflow.data import padded_size
from poseflow.decode import (
    crop_images,
    find_global_peaks,
    find_local_peaks,
    score_classes,
    score_edge_candidates,
    shrink_images,
)
from poseflow.models import TrainedModel, compile_function

Tensor = Any
Images = NDArray[np.uint8]
Stage = Callable[..., Any]

PEAKS_PER_ANIMAL = 2
"""Peaks of each node that are looked at, for each animal that may be there: false ones may be higher than true ones."""


def build_whole_frame_stage(model: TrainedModel, config: PredictConfig) -> Stage:
    """Frames (batch, height, width, channels) -> points (batch, nodes, 2) and scores (batch, nodes) of one animal."""
    head, scale = model.config.head, model.config.input.scale

    def find_points(images: Tensor) -> tuple[Tensor, Tensor]:
        maps = _draw_whole_frames(model, images)["confidence_maps"]
        points, scores = find_global_peaks(maps, head.output_stride, config.peak_threshold)
        return _unscale(points, scale), scores

    return compile_function(find_points)


def build_centroid_stage(model: TrainedModel, config: PredictConfig) -> Stage:
    """Frames -> anchors (batch, max_instances, 2) and scores (batch, max_instances), highest first, NaN beyond."""
    head, scale = model.config.head, model.config.input.scale

    def find_anchors(images: Tensor) -> tuple[Tensor, Tensor]:
        maps = _draw_whole_frames(model, images)["confidence_maps"]
        points, scores = find_local_peaks(maps, head.output_stride, config.max_instances, config.peak_threshold)
        return _unscale(points[:, 0], scale), scores[:, 0]

    return compile_function(find_anchors)


def build_crop_stage(model: TrainedModel, config: PredictConfig) -> Stage:
    """Frames, (crops,) frame numbers and (crops, 2) centres -> points, scores and classes of the crops' animals.

    Points (crops, nodes, 2), scores (crops, nodes), class probabilities (crops, classes), of a model without: of none.
    """
    head, settings = model.config.head, model.config.input
    assert settings.crop_px is not None
    crop_px = settings.crop_px
    size = round(crop_px * settings.scale)

    def find_points(images: Tensor, frames: Tensor, centers: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        crops, origins = crop_images(images, frames, centers, crop_px)
        outputs = model.network(shrink_images(crops, settings.scale, size, size), training=False)
        points, scores = find_global_peaks(outputs["confidence_maps"], head.output_stride, config.peak_threshold)
        classes = outputs["class_vector"] if "class_vector" in outputs else ops.zeros((ops.shape(scores)[0], 0))
        return _unscale(points, settings.scale) + origins[:, None], scores, classes

    return compile_function(find_points)


def build_edge_stage(model: TrainedModel, config: PredictConfig) -> Stage:
    """Frames -> peaks (batch, nodes, k, 2), their scores (batch, nodes, k) and scores of edges (batch, edges, k, k).

    k is PEAKS_PER_ANIMAL * max_instances; NaN where there are fewer peaks.
    """
    head, grouping, scale = model.config.head, config.grouping, model.config.input.scale

    def find_candidates(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        outputs = _draw_whole_frames(model, images)
        peaks, scores = _find_peaks(outputs, model, config)
        longest = None
        if grouping.max_edge_length is not None:
            longest = grouping.max_edge_length * scale * max(images.shape[1:3])
        edge_scores = score_edge_candidates(
            outputs["part_affinity_fields"],
            peaks,
            model.skeleton.edges,
            head.part_affinity_fields.output_stride,
            grouping.edge_samples,
            longest,
            grouping.length_penalty,
        )
        return _unscale(peaks, scale), scores, edge_scores

    return compile_function(find_candidates)


def build_class_map_stage(model: TrainedModel, config: PredictConfig) -> Stage:
    """Frames -> peaks (batch, nodes, k, 2), their scores (batch, nodes, k) and classes (batch, nodes, k, classes).

    k is PEAKS_PER_ANIMAL * max_instances; NaN where there are fewer peaks.
    """

    def find_candidates(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        outputs = _draw_whole_frames(model, images)
        peaks, scores = _find_peaks(outputs, model, config)
        classes = score_classes(outputs["class_maps"], peaks, model.config.head.class_maps.output_stride)
        return _unscale(peaks, model.config.input.scale), scores, classes

    return compile_function(find_candidates)


def _draw_whole_frames(model: TrainedModel, images: Tensor) -> dict[str, Tensor]:
    height, width = padded_size(images.shape[1], images.shape[2], model.config)
    return model.network(shrink_images(images, model.config.input.scale, height, width), training=False)


def _find_peaks(outputs: dict[str, Tensor], model: TrainedModel, config: PredictConfig) -> tuple[Tensor, Tensor]:
    count = PEAKS_PER_ANIMAL * config.max_instances
    return find_local_peaks(outputs["confidence_maps"], model.config.head.output_stride, count, config.peak_threshold)


def _unscale(points: Tensor, scale: float) -> Tensor:
    """Undo `geometry.scale_points`."""
    return (points + 0.5) / scale - 0.5
