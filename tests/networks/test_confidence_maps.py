"""Confidence maps against the formula, cell by cell."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseflow.networks.decoding import find_global_peaks, find_local_peaks
from poseflow.networks.heads.confidence_maps import draw_confidence_maps

pytestmark = pytest.mark.backend


def draw_by_the_formula(points, height, width, stride, sigma):
    """The paper's equation, written as loops."""
    batch, _, nodes, _ = points.shape
    maps = np.zeros((batch, height // stride, width // stride, nodes), np.float32)
    for b, row, column, node in np.ndindex(maps.shape):
        for x, y in points[b, :, node]:
            if np.isfinite(x):
                distance = (x - column * stride) ** 2 + (y - row * stride) ** 2
                maps[b, row, column, node] = max(maps[b, row, column, node], np.exp(-distance / (2 * sigma**2)))
    return maps


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_maps_follow_the_formula(stride):
    rng = np.random.default_rng(stride)
    points = rng.uniform(-5, 30, (2, 3, 2, 2)).astype(np.float32)
    points[0, 1, 0] = np.nan
    points[1, :, 1] = np.nan
    maps = np.asarray(draw_confidence_maps(points, 24, 32, stride, 2.5))
    np.testing.assert_allclose(maps, draw_by_the_formula(points, 24, 32, stride, 2.5), atol=1e-6)


def test_a_hidden_part_draws_nothing():
    maps = np.asarray(draw_confidence_maps(np.full((1, 2, 3, 2), np.nan, np.float32), 16, 16, 2, 2.0))
    assert maps.shape == (1, 8, 8, 3)
    assert (maps == 0).all()


@pytest.mark.slow
@settings(max_examples=50)
@given(st.floats(16, 48), st.floats(16, 48), st.sampled_from([(2, 1.0, 0.06), (4, 1.0, 0.06), (2, 1.5, 0.2)]))
def test_what_is_drawn_is_found_again(x, y, case):
    stride, sigma_cells, tolerance_cells = case
    points = np.array([[[[x, y]]]], np.float32)
    found, scores = find_global_peaks(draw_confidence_maps(points, 64, 64, stride, sigma_cells * stride), stride)
    # The 5 x 5 patch cuts the Gaussian's tails off, which pulls a point between cells towards the nearest cell, the
    # more, the wider the Gaussian: 0.05 of a cell at a sigma of one cell.
    np.testing.assert_allclose(np.asarray(found)[0, 0], [x, y], atol=tolerance_cells * stride)
    assert np.asarray(scores)[0, 0] > 0.7


def test_two_animals_are_two_peaks():
    points = np.array([[[[10.0, 12.0]], [[40.0, 20.0]], [[np.nan, np.nan]]]], np.float32)
    found, scores = find_local_peaks(draw_confidence_maps(points, 64, 64, 2, 3.0), 2, max_peaks=4)
    found, scores = np.asarray(found)[0, 0], np.asarray(scores)[0, 0]
    np.testing.assert_allclose(sorted(found[:2].tolist()), [[10, 12], [40, 20]], atol=0.1)
    assert np.isnan(found[2:]).all()
    assert (scores[2:] == 0).all()
