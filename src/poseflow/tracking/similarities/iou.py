"""Overlap of the bounding boxes."""

from poseflow.config import TrackingConfig
from poseflow.core.similarity import find_boxes, score_iou
from poseflow.tracking.linking.pairs import Floats, Pairs, Similarity


@Similarity
def score_iou_of_pairs(pairs: Pairs, config: TrackingConfig) -> Floats:
    """Intersection over union (p,) of each pair's boxes."""
    # A box for each instance, not for each of its many pairs; as a pose of two nodes it is its own box.
    corners = (len(pairs.instance), 1, 2, 2)
    boxes = find_boxes(pairs.all_points)[pairs.instance].reshape(corners)
    candidates = find_boxes(pairs.all_candidate_points)[pairs.candidate].reshape(corners)
    if pairs.shift is not None:
        candidates = candidates + pairs.shift[:, None, None]
    return score_iou(boxes, candidates)[:, 0, 0]
