"""What the heads that tell animals apart have in common."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from poseflow.networks.lazy import ops

Tensor = Any
ClassWeights = Annotated[
    Literal["balanced"] | tuple[Annotated[float, Field(gt=0)], ...] | None,
    Field(
        description="How much each animal's samples count, in the order of the identities; balanced: the less, the "
        "oftener the training labels name it, so that a seldom one is learned as well; null: all alike."
    ),
]
CLIP = 1e-6  # probabilities are kept so far from 0 and 1: a float32 knows none nearer to 1 to speak of


def one_hot(classes: Tensor, class_count: int) -> Tensor:
    """Classes (...) as (..., class_count) float32 of 0 and 1; all 0 for an animal without a name, -1."""
    return ops.cast(ops.cast(classes, "int32")[..., None] == ops.arange(class_count, dtype="int32"), "float32")


def known_weights(weights: ClassWeights) -> tuple[float, ...] | None:
    """Weights as numbers, which training puts in the place of `balanced`."""
    return None if isinstance(weights, str) else weights


def weigh_classes(targets: Tensor, weights: Sequence[float]) -> Tensor:
    """Targets (..., classes) of 0 and 1 as what each counts: the class's weight where it is 1, else 1."""
    return 1 + targets * (np.asarray(weights, np.float32) - 1)


def balance_classes(counts: Sequence[int]) -> tuple[float, ...]:
    """Weights of classes that occur so often, of which each then counts as much in all; their samples' mean is 1."""
    return tuple(sum(counts) / (len(counts) * count) for count in counts)
