"""Pipelines as one function, from frames to points: what other programs run of exported models.

The names and shapes of what comes out are sleap-nn's, so that its own reader and Bonsai's take it. Where those refine
nothing and pad nothing, this does both, so points are those of `predict`; animals that were found twice stay. Which
nodes are hidden has no place there.
Source: sleap-nn 0.3.5, `sleap_nn/export/wrappers`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from poseflow.config import KINDS, ModelConfig, Precision, PredictConfig
from poseflow.core.errors import ModelError
from poseflow.inference.runtimes.runtime import Runtime, Stage
from poseflow.inference.stages import (
    build_centroid_stage,
    build_crop_stage,
    build_peak_stage,
    build_whole_frame_stage,
    find_grouping_head,
)
from poseflow.models import check_together
from poseflow.models.trained import TrainedModel
from poseflow.networks.framing import Framing
from poseflow.networks.heads.class_maps import ClassMaps
from poseflow.networks.heads.part_affinity_fields import PartAffinityFields
from poseflow.networks.lazy import ops

Tensor = Any
Outputs = dict[str, Tensor]
Models = Mapping[str, TrainedModel]  # by what they see: frames, anchors in frames, or crops
Whole = Callable[[Tensor], Outputs]


@dataclass(frozen=True)
class WholePipeline:
    """Models as one function of images (batch, height, width, channels) uint8; the batch may be open.

    model_type: sleap-nn's name of what the function gives.
    """

    model_type: str
    models: Models
    run: Whole

    @property
    def last(self) -> TrainedModel:
        """The model that finds the nodes; of a centroid model alone, that one."""
        return self.models.get("crops") or next(iter(self.models.values()))

    @property
    def first(self) -> TrainedModel:
        """The model that sees what the function is given."""
        return self.models.get("anchors") or self.last


class _Inline(Runtime):
    """Stages that are parts of a function, which is compiled as a whole."""

    def load(self, folder: str | Path, precision: Precision) -> TrainedModel:
        raise NotImplementedError("models must be open already")

    def compile(self, function: Callable[..., Any]) -> Stage:
        return function


INLINE = _Inline()


def put_together(loaded: Sequence[TrainedModel], config: PredictConfig) -> WholePipeline:
    """Make one function of models: of a whole pipeline, or of a half of a top-down pipeline alone.

    Raises: ModelError or SkeletonError where they do not go together.
    """
    if len(loaded) > 1:
        check_together(loaded)
    models: Models = {KINDS[model.config.kind].sampler: model for model in loaded}
    model_type, run = WHOLES[KINDS[loaded[0].config.kind].pipeline](models, config)
    whole = WholePipeline(model_type, models, run)
    framing = whole.first.framing
    sees_frames = [*models] != ["crops"]
    if framing.frame_size is not None and sees_frames:
        return replace(whole, run=_match_sizes(framing, run))
    return whole


def _match_sizes(framing: Framing, run: Whole) -> Whole:
    """Let it work in frames of the size that the models ask for."""

    def run_matched(images: Tensor) -> Outputs:
        matched, factor = framing.match_size(images)
        outputs = run(matched)
        return {name: values / factor if name in ("peaks", "centroids") else values for name, values in outputs.items()}

    return run_matched


def _run_single_animal(models: Models, config: PredictConfig) -> tuple[str, Whole]:
    stage = build_whole_frame_stage(models["frames"], config, INLINE)

    def run(images: Tensor) -> Outputs:
        points, scores, *_ = stage(images)
        return _give_points(points, scores)

    return "single_instance", run


def _run_top_down(models: Models, config: PredictConfig) -> tuple[str, Whole]:
    if "crops" not in models:
        return "centroid", _find_anchors(models["anchors"], config)
    names = _identity_head(models["crops"].config) is not None
    if "anchors" not in models:
        return "multi_class_topdown" if names else "centered_instance", _find_in_crops(models["crops"], config)
    find_anchors = build_centroid_stage(models["anchors"], config, INLINE)
    find_points = build_crop_stage(models["crops"], config, INLINE)
    turned = models["crops"].config.turns_crops

    def run(images: Tensor) -> Outputs:
        found, found_scores, *headings = find_anchors(images)
        anchors = _give_anchors(found, found_scores)
        batch, count = ops.shape(found)[0], config.max_instances
        frames = ops.reshape(ops.broadcast_to(ops.arange(batch, dtype="int32")[:, None], (batch, count)), (-1,))
        places = ops.concatenate([found, *headings], axis=-1) if turned else found
        places = ops.where(ops.isfinite(places), places, 0.0)
        points, scores, classes, *_ = find_points(images, frames, ops.reshape(places, (-1, places.shape[-1])))
        valid = anchors.pop("instance_valid")
        nodes = points.shape[1]
        peaks = _give_points(ops.reshape(points, (batch, count, nodes, 2)), ops.reshape(scores, (batch, count, nodes)))
        outputs = {
            **anchors,
            "peaks": ops.where(valid[..., None, None], peaks["peaks"], 0.0),
            "peak_vals": ops.where(valid[..., None], peaks["peak_vals"], 0.0),
        }
        if names:
            outputs["class_logits"] = ops.reshape(classes, (batch, count, classes.shape[1]))
        return {**outputs, "instance_valid": valid}

    return "multi_class_topdown_combined" if names else "topdown", run


def _find_anchors(model: TrainedModel, config: PredictConfig) -> Whole:
    stage = build_centroid_stage(model, config, INLINE)

    def run(images: Tensor) -> Outputs:
        anchors, scores, *_ = stage(images)
        return _give_anchors(anchors, scores)

    return run


def _give_anchors(anchors: Tensor, scores: Tensor) -> Outputs:
    valid = ops.isfinite(anchors[..., 0])
    return {
        "centroids": ops.where(valid[..., None], anchors, 0.0),
        "centroid_vals": ops.where(valid, scores, 0.0),
        "instance_valid": valid,
    }


def _find_in_crops(model: TrainedModel, config: PredictConfig) -> Whole:
    """Of images that are crops already."""
    identity = _identity_head(model.config)
    stage = build_whole_frame_stage(model, config, INLINE, identity)

    def run(images: Tensor) -> Outputs:
        points, scores, *others = stage(images)
        outputs = _give_points(points, scores)
        return {**outputs, "class_logits": others[0]} if identity else outputs

    return run


def _run_bottom_up(models: Models, config: PredictConfig) -> tuple[str, Whole]:
    model = models["frames"]
    names = _identity_head(model.config) is not None
    scale = model.config.input.scale
    _, head = find_grouping_head(model.config)
    if not isinstance(head, PartAffinityFields | ClassMaps):
        raise ModelError(f"{model.path}: {model.config.kind} must group peaks by fields or class maps, got {head!r}")
    count = model.framing.count_peaks(config.max_instances)
    stage = build_peak_stage(model, config, count, INLINE)

    def run(images: Tensor) -> Outputs:
        peaks, scores, evidence, *_ = stage(images)
        found = ops.isfinite(peaks[..., 0])
        known = ops.isfinite(evidence)
        outputs = {
            "peaks": ops.where(found[..., None], peaks * scale, 0.0),  # its reader divides by the scale
            "peak_vals": ops.where(found, scores, 0.0),
            "peak_mask": found,
        }
        if names:
            return {**outputs, "class_probs": ops.where(known, evidence, 0.0)}
        batch, edges, *_ = ops.shape(evidence)
        flat = (batch, edges, count * count)
        return {
            **outputs,
            "line_scores": ops.reshape(ops.where(known, evidence, NO_EDGE), flat),
            "candidate_mask": ops.reshape(known, flat),
        }

    return "multi_class_bottomup" if names else "bottomup", run


NO_EDGE = -2.0  # below any score


def _give_points(points: Tensor, scores: Tensor) -> Outputs:
    return {"peaks": points, "peak_vals": ops.where(ops.isfinite(points[..., 0]), scores, 0.0)}


def _identity_head(config: ModelConfig) -> str | None:
    return next((name for name, head in config.heads.items() if head.names_animals), None)


WHOLES: dict[str, Callable[[Models, PredictConfig], tuple[str, Whole]]] = {
    "single_animal": _run_single_animal,
    "top_down": _run_top_down,
    "bottom_up": _run_bottom_up,
}
"""By what a kind says that it is for (`config.Kind`)."""
