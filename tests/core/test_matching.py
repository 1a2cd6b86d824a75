"""Matching against brute force."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from poseflow.core.matching import match_pairs

GAINS = st.sampled_from([np.nan, -1.0, 0.0, 0.1, 0.5, 0.7, 0.9])


def best_total(gains):
    """The greatest total of all partial matchings."""
    rows, columns = gains.shape
    places = [*range(columns), *[None] * rows]
    return max(
        sum(gains[row, column] for row, column in enumerate(chosen) if column is not None and gains[row, column] > 0)
        for chosen in set(permutations(places, rows))
    )


@pytest.mark.slow
@settings(max_examples=60)
@given(arrays(np.float64, (2, 3, 3), elements=GAINS))
def test_no_matching_gains_more(gains):
    matched = match_pairs(gains)
    for own, columns in zip(gains, matched, strict=True):
        taken = columns[columns >= 0]
        assert len(set(taken)) == len(taken)
        pairs = own[np.flatnonzero(columns >= 0), taken]
        assert (pairs > 0).all()
        np.testing.assert_allclose(pairs.sum(), best_total(own), atol=1e-9)


@pytest.mark.parametrize("shape", [(0, 3, 3), (2, 0, 3), (2, 3, 0)])
def test_nothing_matches_nothing(shape):
    assert match_pairs(np.ones(shape)).tolist() == np.full(shape[:2], -1).tolist()


def test_the_best_total_not_the_best_pair():
    assert match_pairs(np.array([[0.9, 0.8], [0.8, 0.1]])).tolist() == [1, 0]
    assert match_pairs(np.array([[0.9, 0.2], [0.5, -1.0]])).tolist() == [0, -1], "what is not allowed is no partner"
