"""Distance of the centroids: for animals of which few points are found, and the fastest."""

from poseflow.config import TrackingConfig
from poseflow.tracking.linking.pairs import Floats, Pairs, Similarity


@Similarity.of_distance
def score_centroid_distance(pairs: Pairs, config: TrackingConfig) -> Floats:
    """Distance in px (p,)."""
    return pairs.distance
