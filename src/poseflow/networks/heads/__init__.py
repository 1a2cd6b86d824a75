"""Points to maps: what a network learns to draw."""

from poseflow.networks.heads.classes import draw_class_maps, draw_class_vectors
from poseflow.networks.heads.confidence_maps import draw_confidence_maps
from poseflow.networks.heads.part_affinity_fields import draw_part_affinity_fields
from poseflow.networks.heads.targets import draw_targets

__all__ = [
    "draw_class_maps",
    "draw_class_vectors",
    "draw_confidence_maps",
    "draw_part_affinity_fields",
    "draw_targets",
]
