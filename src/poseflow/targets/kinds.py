"""Which maps each kind of model learns: the one table of this stage."""

from collections.abc import Callable
from typing import Any

from poseflow.config import HeadConfig, Kind
from poseflow.errors import ConfigError
from poseflow.targets.confidence_maps import draw_confidence_maps

Tensor = Any
Draw = Callable[[Tensor, int, int, HeadConfig], dict[str, Tensor]]


def _draw_parts(points: Tensor, height: int, width: int, head: HeadConfig) -> dict[str, Tensor]:
    return {"confidence_maps": draw_confidence_maps(points, height, width, head.output_stride, head.sigma_px)}


# The sampler has already reduced a centroid model's points to anchors, and a crop's to its own animal's.
TARGETS: dict[Kind, Draw] = {
    "single_instance": _draw_parts,
    "centroid": _draw_parts,
    "centered_instance": _draw_parts,
}


def draw_targets(kind: Kind, points: Tensor, height: int, width: int, head: HeadConfig) -> dict[str, Tensor]:
    """Draw every map that a model of `kind` learns, by head name, from (batch, instances, nodes, 2) points.

    Points are (x, y) in px of the network's input of `height` x `width` px. Raises ConfigError for a kind that cannot
    be trained.
    """
    if kind not in TARGETS:
        raise ConfigError(f"kind must be one of {', '.join(TARGETS)} to be trained, got {kind!r}")
    return TARGETS[kind](points, height, width, head)
