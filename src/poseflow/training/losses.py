"""How far the output of each head is from its target."""

from collections.abc import Callable
from typing import Any

from keras import ops

from poseflow.config import TrainingConfig

Tensor = Any
CLIP = 1e-6  # probabilities are kept so far from 0 and 1: a float32 knows none nearer to 1 to speak of


def score_maps(targets: Tensor, maps: Tensor, foreground_weight: float) -> Tensor:
    """Mean squared error in which a cell weighs 1 + foreground_weight x target.

    Maps are nearly empty: without the weight the all-zero answer is a long plateau (docs/benchmarks.md).
    """
    return ops.mean((1 + foreground_weight * targets) * ops.square(maps - targets))


def score_fields(targets: Tensor, fields: Tensor, foreground_weight: float) -> Tensor:
    """As `score_maps`; a cell of an edge weighs by the length of the edge's vector there, in x as in y."""
    batch, height, width, channels = ops.shape(targets)
    vectors = ops.reshape(targets, (batch, height, width, channels // 2, 2))
    errors = ops.square(ops.reshape(fields, (batch, height, width, channels // 2, 2)) - vectors)
    lengths = ops.sqrt(ops.sum(ops.square(vectors), axis=-1, keepdims=True))
    return ops.mean((1 + foreground_weight * lengths) * errors)


def score_class_maps(targets: Tensor, maps: Tensor, foreground_weight: float) -> Tensor:
    """Binary cross-entropy, averaged over cells; where an animal is, a cell weighs 1 + foreground_weight in each class.

    Cells whose class is not known (NaN) do not count.
    """
    known = ops.logical_not(ops.isnan(targets))
    wanted = ops.where(known, targets, 0.0)
    probability = ops.clip(maps, CLIP, 1 - CLIP)
    entropy = -(wanted * ops.log(probability) + (1 - wanted) * ops.log(1 - probability))
    weight = (1 + foreground_weight * ops.max(wanted, axis=-1, keepdims=True)) * ops.cast(known, "float32")
    return ops.sum(weight * entropy) / ops.maximum(ops.sum(weight), 1.0)


def score_class_vectors(targets: Tensor, vectors: Tensor, foreground_weight: float) -> Tensor:
    """Cross-entropy of (batch, classes) probabilities, averaged over the animals whose name is known (not NaN)."""
    known = ops.logical_not(ops.isnan(targets))
    entropy = -ops.sum(ops.where(known, targets, 0.0) * ops.log(ops.maximum(vectors, CLIP)), axis=-1)
    return ops.sum(entropy) / ops.maximum(ops.sum(ops.cast(known[:, 0], "float32")), 1.0)


LOSSES: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "confidence_maps": score_maps,
    "part_affinity_fields": score_fields,
    "class_maps": score_class_maps,
    "class_vector": score_class_vectors,
}


def score_heads(targets: dict[str, Tensor], outputs: dict[str, Tensor], config: TrainingConfig) -> dict[str, Tensor]:
    """The loss of each head, without its weight."""
    return {name: LOSSES[name](targets[name], outputs[name], config.foreground_weight) for name in targets}
