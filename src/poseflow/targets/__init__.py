"""Points to maps: what a network learns to draw."""

from poseflow.targets.classes import draw_class_maps, draw_class_vectors
from poseflow.targets.confidence_maps import draw_confidence_maps
from poseflow.targets.heads import draw_targets
from poseflow.targets.part_affinity_fields import draw_part_affinity_fields

__all__ = [
    "draw_class_maps",
    "draw_class_vectors",
    "draw_confidence_maps",
    "draw_part_affinity_fields",
    "draw_targets",
]
