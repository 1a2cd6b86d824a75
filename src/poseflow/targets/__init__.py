"""Points to maps: what a network learns to draw."""

from poseflow.targets.confidence_maps import draw_confidence_maps
from poseflow.targets.kinds import draw_targets

__all__ = ["draw_confidence_maps", "draw_targets"]
