"""Visibility maps against their definition, and what is drawn is found again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseflow.networks.decoding import score_hidden
from poseflow.networks.heads.visibility import Visibility, draw_visibility_maps

pytestmark = pytest.mark.backend


def draw_by_the_definition(points, hidden, height, width, stride, radius):
    maps = np.full((len(points), height // stride, width // stride, points.shape[2]), np.nan)
    for b, row, column, node in np.ndindex(maps.shape):
        away = np.linalg.norm(points[b, :, node] - np.array([column, row]) * stride, axis=-1)
        near = [(own, is_hidden) for own, is_hidden in zip(away, hidden[b, :, node], strict=True) if own <= radius]
        if near:
            maps[b, row, column, node] = min(near)[1]
    return maps


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_maps_follow_the_definition(stride):
    rng = np.random.default_rng(stride)
    points = rng.uniform(-5, 35, (2, 4, 2, 2)).astype(np.float32)
    points[0, 0, 1] = np.nan
    points[1, 2] = np.nan
    hidden = rng.random((2, 4, 2)) < 0.5
    maps = np.asarray(draw_visibility_maps(points, hidden, 24, 32, stride, 6.3))
    np.testing.assert_array_equal(maps, draw_by_the_definition(points, hidden, 24, 32, stride, 6.3))
    assert np.isnan(maps).any() and (maps == 1).any() and (maps == 0).any()


def test_far_from_all_nodes_nothing_is_learned():
    head = Visibility(weight=1, output_stride=2, radius_px=4)
    points = np.array([[[[8, 8]]]], np.float32)
    targets = head.draw_with_hidden(points, np.array([[[True]]]), None, (32, 32), None)
    sure = np.asarray(np.where(np.isnan(targets), 0.3, targets), np.float32)
    assert float(head.score(targets, sure, 20.0)) == pytest.approx(0, abs=1e-5)
    np.testing.assert_array_equal(
        np.nan_to_num(head.draw_targets(points, None, (32, 32), None), nan=-1), np.where(np.isnan(targets), -1, 0)
    )
    nobody = head.draw_targets(np.full((1, 2, 1, 2), np.nan, np.float32), None, (32, 32), None)
    assert float(head.score(nobody, np.full((1, 16, 16, 1), 0.5, np.float32), 20.0)) == 0


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.floats(2, 60), st.floats(2, 60), st.booleans()), min_size=1, max_size=3),
    st.sampled_from([2, 4]),
)
def test_a_landmark_finds_whether_it_is_hidden(places, stride):
    """A radius of one stride is enough: the nearest cell is never farther than that."""
    points = np.array([place[:2] for place in places], np.float32)[None, None]
    hidden = np.array([place[2] for place in places])[None, None]
    maps = draw_visibility_maps(points, hidden, 64, 64, stride, float(stride))
    points[0, 0, 0] = np.nan
    found = np.asarray(score_hidden(np.nan_to_num(maps), points.transpose(0, 2, 1, 3), stride))[0, :, 0]
    assert np.isnan(found[0])
    np.testing.assert_array_equal(found[1:], hidden[0, 0, 1:])


def test_a_point_must_lie_in_its_own_disc():
    with pytest.raises(ValueError, match="radius_px must be at least output_stride"):
        Visibility(output_stride=8, radius_px=4)
