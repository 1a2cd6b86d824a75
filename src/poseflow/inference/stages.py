"""Compiled stages: images to points, one network each."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseflow.decode import find_global_peaks, find_local_peaks
from poseflow.models import TrainedModel, compile_function

Tensor = Any
Images = NDArray[np.uint8]
Stage = Callable[..., Any]


def build_whole_frame_stage(model: TrainedModel, threshold: float) -> Stage:
    """Frames (batch, height, width, channels) -> points (batch, nodes, 2) and scores (batch, nodes) of one animal."""
    head, scale = model.config.head, model.config.input.scale

    def find_points(images: Tensor) -> tuple[Tensor, Tensor]:
        maps = _draw_maps(model, images)
        points, scores = find_global_peaks(maps["confidence_maps"], head.output_stride, threshold, maps.get("offsets"))
        return model.framing.unscale(points, scale), scores

    return compile_function(find_points)


def build_centroid_stage(model: TrainedModel, threshold: float, max_instances: int) -> Stage:
    """Frames -> anchors (batch, max_instances, 2) and scores (batch, max_instances), highest first, NaN beyond."""
    head, scale = model.config.head, model.config.input.scale

    def find_anchors(images: Tensor) -> tuple[Tensor, Tensor]:
        maps = _draw_maps(model, images)
        points, scores = find_local_peaks(
            maps["confidence_maps"], head.output_stride, max_instances, threshold, maps.get("offsets")
        )
        return model.framing.unscale(points[:, 0], scale), scores[:, 0]

    return compile_function(find_anchors)


def build_crop_stage(model: TrainedModel, threshold: float) -> Stage:
    """Frames, (crops,) frame numbers and (crops, 2) centres -> points (crops, nodes, 2) and scores (crops, nodes)."""
    head, settings = model.config.head, model.config.input
    assert settings.crop_px is not None
    crop_px = settings.crop_px

    def find_points(images: Tensor, frames: Tensor, centers: Tensor) -> tuple[Tensor, Tensor]:
        crops, origins = model.framing.crop(images, frames, centers, crop_px)
        maps = _draw_maps(model, crops)
        points, scores = find_global_peaks(maps["confidence_maps"], head.output_stride, threshold, maps.get("offsets"))
        return model.framing.unscale(points, settings.scale) + origins[:, None], scores

    return compile_function(find_points)


def _draw_maps(model: TrainedModel, images: Tensor) -> dict[str, Tensor]:
    """Run the network over full-resolution images."""
    seen = model.framing.see(images, model.config.input.scale, 2**model.config.backbone.down_blocks)
    maps: dict[str, Tensor] = model.network(seen, training=False)
    return maps
