"""Distance of the nodes, in sizes of the animal."""

import numpy as np

from poseflow.config import TrackingConfig
from poseflow.core.similarity import score_node_distance
from poseflow.tracking.linking.pairs import Floats, Pairs, Similarity


@Similarity
def score_normalized_distance(pairs: Pairs, config: TrackingConfig) -> Floats:
    """exp(-d) (p,), d the mean distance of the nodes that both have, in sizes of the animal; 0 without such a node."""
    distance = score_node_distance(pairs.points[:, None], pairs.candidate_points[:, None])[:, 0, 0]
    return np.nan_to_num(np.exp(-distance / np.sqrt(pairs.area)))
