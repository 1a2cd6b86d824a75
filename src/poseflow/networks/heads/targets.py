"""What each head of a network learns to draw."""

from collections.abc import Callable
from typing import Any

from poseflow.config import HEADS, HeadConfig, ModelConfig
from poseflow.core.skeleton import Skeleton
from poseflow.networks.heads.classes import draw_class_maps, draw_class_vectors
from poseflow.networks.heads.confidence_maps import draw_confidence_maps
from poseflow.networks.heads.part_affinity_fields import draw_part_affinity_fields

Tensor = Any
Size = tuple[int, int]


def draw_targets(
    points: Tensor, classes: Tensor, size: Size, config: ModelConfig, skeleton: Skeleton
) -> dict[str, Tensor]:
    """Draw what a model of `config.kind` learns, by head name; NaN where it is not known.

    Args:
        points: (batch, instances, nodes, 2), (x, y) in px of the network's input, NaN where not visible. The sampler
            has already reduced a centroid model's points to anchors, and a crop's to its own animal's.
        classes: (batch, instances) places in `config.head.identities`, -1 for an animal without a name.
        size: (height, width) of the network's input in px.
    """
    return {name: TARGETS[name](points, classes, size, config.head, skeleton) for name in HEADS[config.kind]}


def _confidence_maps(points: Tensor, classes: Tensor, size: Size, head: HeadConfig, skeleton: Skeleton) -> Tensor:
    return draw_confidence_maps(points, *size, head.output_stride, head.sigma_px)


def _part_affinity_fields(points: Tensor, classes: Tensor, size: Size, head: HeadConfig, skeleton: Skeleton) -> Tensor:
    fields = head.part_affinity_fields
    return draw_part_affinity_fields(points, skeleton.edges, *size, fields.output_stride, fields.sigma_px)


def _class_maps(points: Tensor, classes: Tensor, size: Size, head: HeadConfig, skeleton: Skeleton) -> Tensor:
    maps = head.class_maps
    return draw_class_maps(points, classes, len(head.identities or ()), *size, maps.output_stride, maps.radius_px)


def _class_vector(points: Tensor, classes: Tensor, size: Size, head: HeadConfig, skeleton: Skeleton) -> Tensor:
    return draw_class_vectors(classes, len(head.identities or ()))


TARGETS: dict[str, Callable[[Tensor, Tensor, Size, HeadConfig, Skeleton], Tensor]] = {
    "confidence_maps": _confidence_maps,
    "part_affinity_fields": _part_affinity_fields,
    "class_maps": _class_maps,
    "class_vector": _class_vector,
}
