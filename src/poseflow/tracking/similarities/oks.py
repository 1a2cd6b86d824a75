"""Object keypoint similarity."""

from poseflow.config import TrackingConfig
from poseflow.core.similarity import score_oks
from poseflow.tracking.linking.pairs import Floats, Pairs, Similarity


@Similarity
def score_oks_of_pairs(pairs: Pairs, config: TrackingConfig) -> Floats:
    """OKS (p,) of each pair, by the larger one's area."""
    points, candidates = pairs.points[:, None], pairs.candidate_points[:, None]
    return score_oks(points, candidates, config.oks_factor, area=pairs.area[:, None])[:, 0, 0]
