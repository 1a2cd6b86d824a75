"""Compiled stages: images to points, one network each."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseflow.data import padded_size
from poseflow.decode import crop_images, find_global_peaks, find_local_peaks, shrink_images
from poseflow.models import TrainedModel, compile_function

Tensor = Any
Images = NDArray[np.uint8]
Stage = Callable[..., Any]


def build_whole_frame_stage(model: TrainedModel, threshold: float) -> Stage:
    """Frames (batch, height, width, channels) -> points (batch, nodes, 2) and scores (batch, nodes) of one animal."""
    head, scale = model.config.head, model.config.input.scale

    def find_points(images: Tensor) -> tuple[Tensor, Tensor]:
        small = shrink_images(images, scale, *padded_size(images.shape[1], images.shape[2], model.config))
        maps = model.network(small, training=False)["confidence_maps"]
        points, scores = find_global_peaks(maps, head.output_stride, threshold)
        return _unscale(points, scale), scores

    return compile_function(find_points)


def build_centroid_stage(model: TrainedModel, threshold: float, max_instances: int) -> Stage:
    """Frames -> anchors (batch, max_instances, 2) and scores (batch, max_instances), highest first, NaN beyond."""
    head, scale = model.config.head, model.config.input.scale

    def find_anchors(images: Tensor) -> tuple[Tensor, Tensor]:
        small = shrink_images(images, scale, *padded_size(images.shape[1], images.shape[2], model.config))
        maps = model.network(small, training=False)["confidence_maps"]
        points, scores = find_local_peaks(maps, head.output_stride, max_instances, threshold)
        return _unscale(points[:, 0], scale), scores[:, 0]

    return compile_function(find_anchors)


def build_crop_stage(model: TrainedModel, threshold: float) -> Stage:
    """Frames, (crops,) frame numbers and (crops, 2) centres -> points (crops, nodes, 2) and scores (crops, nodes)."""
    head, settings = model.config.head, model.config.input
    assert settings.crop_px is not None
    crop_px = settings.crop_px
    size = round(crop_px * settings.scale)

    def find_points(images: Tensor, frames: Tensor, centers: Tensor) -> tuple[Tensor, Tensor]:
        crops, origins = crop_images(images, frames, centers, crop_px)
        small = shrink_images(crops, settings.scale, size, size)
        maps = model.network(small, training=False)["confidence_maps"]
        points, scores = find_global_peaks(maps, head.output_stride, threshold)
        return _unscale(points, settings.scale) + origins[:, None], scores

    return compile_function(find_points)


def _unscale(points: Tensor, scale: float) -> Tensor:
    """Undo `geometry.scale_points`."""
    return (points + 0.5) / scale - 0.5
