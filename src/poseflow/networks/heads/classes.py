"""What the heads that tell animals apart have in common."""

from typing import Any

from poseflow.networks.lazy import ops

Tensor = Any
CLIP = 1e-6  # probabilities are kept so far from 0 and 1: a float32 knows none nearer to 1 to speak of


def one_hot(classes: Tensor, class_count: int) -> Tensor:
    """Classes (...) as (..., class_count) float32 of 0 and 1; all 0 for an animal without a name, -1."""
    return ops.cast(ops.cast(classes, "int32")[..., None] == ops.arange(class_count, dtype="int32"), "float32")
