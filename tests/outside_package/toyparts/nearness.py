"""A similarity: how near animals are to one another."""

import numpy as np

from poseflow.tracking.linking.pairs import Similarity


@Similarity
def score_nearness(pairs, config):
    return np.exp(-pairs.distance / 10.0)
