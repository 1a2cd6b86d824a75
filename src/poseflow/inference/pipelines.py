"""Trained models put together: a batch of frames in, instances out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from keras import ops
from numpy.typing import NDArray

from poseflow.config import Kind, PredictConfig
from poseflow.decode import find_duplicates
from poseflow.errors import ModelError, SkeletonError
from poseflow.inference.stages import (
    Images,
    Stage,
    Tensor,
    build_centroid_stage,
    build_crop_stage,
    build_whole_frame_stage,
)
from poseflow.models import TrainedModel, load_model
from poseflow.skeleton import Skeleton

CROPS_PER_CALL = 8


@dataclass(frozen=True)
class Instances:
    """The animals of a batch of frames, sorted by frame, then by descending score.

    frame: (n,) which image of the batch. score: (n,) mean height of the points' peaks, 0 for a missing point.
    points: (n, nodes, 2) float32, (x, y) in full-resolution px, NaN where missing. point_scores: (n, nodes).
    """

    frame: NDArray[np.int64]
    score: NDArray[np.float32]
    points: NDArray[np.float32]
    point_scores: NDArray[np.float32]

    def where(self, keep: NDArray[np.bool_]) -> "Instances":
        """Only the instances that `keep` (n,) chooses."""
        return Instances(self.frame[keep], self.score[keep], self.points[keep], self.point_scores[keep])


@dataclass(frozen=True)
class Pipeline:
    """What finds animals in frames of one size; `find` takes (batch, height, width, channels) uint8."""

    skeleton: Skeleton
    channels: int
    models: tuple[Path, ...]
    find: Callable[[Images], Instances]


def load_pipeline(folders: Sequence[str | Path], config: PredictConfig) -> Pipeline:
    """Load trained models that work together: a single_instance, or a centroid and a centered_instance.

    Raises ModelError for folders that are no models or do not go together, SkeletonError where skeletons differ.
    """
    models = {model.config.kind: model for model in (load_model(folder, config.precision) for folder in folders)}
    build = PIPELINES.get(frozenset(models))
    if build is None or len(models) != len(folders):
        sets = "; ".join(" + ".join(sorted(kinds)) for kinds in PIPELINES)
        raise ModelError(f"models must be one of: {sets}; got {', '.join(map(str, folders))} ({', '.join(models)})")
    first, *others = models.values()
    for other in others:
        if other.skeleton.nodes != first.skeleton.nodes:
            raise SkeletonError(f"{other.path}: nodes must be those of {first.path}, got {list(other.skeleton.nodes)}")
        if other.config.input.channels != first.config.input.channels:
            raise ModelError(f"{other.path}: input.channels must be that of {first.path}")
    find = build(models, config)
    return Pipeline(first.skeleton, first.config.input.channels, tuple(m.path for m in models.values()), find)


def _build_single(models: dict[Kind, TrainedModel], config: PredictConfig) -> Callable[[Images], Instances]:
    stage = build_whole_frame_stage(models["single_instance"], config.peak_threshold)

    def find(images: Images) -> Instances:
        points, scores = (np.asarray(output) for output in stage(images))
        return _sorted_instances(np.arange(len(images)), points, scores)

    return find


def _build_top_down(models: dict[Kind, TrainedModel], config: PredictConfig) -> Callable[[Images], Instances]:
    find_anchors = build_centroid_stage(models["centroid"], config.peak_threshold, config.max_instances)
    find_points = build_crop_stage(models["centered_instance"], config.peak_threshold)

    def find(images: Images) -> Instances:
        on_device = ops.convert_to_tensor(images)  # once for both stages
        anchors = np.asarray(find_anchors(on_device)[0])
        frames, slots = np.nonzero(np.isfinite(anchors[..., 0]))
        points, scores = _find_in_crops(find_points, on_device, frames, anchors[frames, slots])
        found = _sorted_instances(frames, points, scores)
        return found.where(~find_duplicates(found.frame, found.points, config.duplicate_oks))

    return find


def _find_in_crops(
    find_points: Stage, images: Tensor, frames: NDArray[np.int64], centers: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Run the crop stage over the animals that are there, in calls of one size, so that shapes stay static.

    `max_instances` slots a frame would be simpler, and most of them empty: the crops are where the time goes.
    """
    parts = []
    for begin in range(0, max(len(frames), 1), CROPS_PER_CALL):
        chosen = slice(begin, begin + CROPS_PER_CALL)
        count = len(frames[chosen])
        padded_frames = np.zeros(CROPS_PER_CALL, np.int32)
        padded_centers = np.zeros((CROPS_PER_CALL, 2), np.float32)
        padded_frames[:count], padded_centers[:count] = frames[chosen], centers[chosen]
        parts.append([np.asarray(output)[:count] for output in find_points(images, padded_frames, padded_centers)])
    points, scores = (np.concatenate(part) for part in zip(*parts, strict=True))
    return points, scores


def _sorted_instances(
    frame: NDArray[np.int64], points: NDArray[np.float32], point_scores: NDArray[np.float32]
) -> Instances:
    """Drop instances without a point and sort: by frame, then by descending score."""
    found = np.isfinite(points[..., 0])
    score = np.where(found, point_scores, 0).mean(axis=1).astype(np.float32)
    order = np.lexsort((-score, frame))
    order = order[found[order].any(axis=1)]
    return Instances(frame[order].astype(np.int64), score[order], points[order], point_scores[order])


PIPELINES: dict[frozenset[Kind], Callable[[dict[Kind, TrainedModel], PredictConfig], Callable[[Images], Instances]]] = {
    frozenset({"single_instance"}): _build_single,
    frozenset({"centroid", "centered_instance"}): _build_top_down,
}
