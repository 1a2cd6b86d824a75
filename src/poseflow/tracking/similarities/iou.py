"""Overlap of the bounding boxes."""

from poseflow.config import TrackingConfig
from poseflow.core.similarity import score_iou
from poseflow.tracking.linking.pairs import Floats, Pairs, Similarity


@Similarity
def score_iou_of_pairs(pairs: Pairs, config: TrackingConfig) -> Floats:
    """Intersection over union (p,) of each pair's boxes."""
    return score_iou(pairs.points[:, None], pairs.candidate_points[:, None])[:, 0, 0]
