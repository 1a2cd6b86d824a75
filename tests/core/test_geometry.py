"""Anchors and scaled points."""

import numpy as np

from poseflow.core.geometry import find_anchors, scale_points

POINTS = np.array([[[0, 0], [10, 4], [4, 20]], [[np.nan, np.nan], [6, 6], [8, 2]], [[np.nan, np.nan]] * 3], np.float32)


def test_the_anchor_is_the_node_or_the_middle_of_the_box():
    np.testing.assert_array_equal(find_anchors(POINTS, 0)[:2], [[0, 0], [7, 4]])
    np.testing.assert_array_equal(find_anchors(POINTS, None)[:2], [[5, 10], [7, 4]])


def test_an_animal_without_points_has_no_anchor():
    assert np.isnan(find_anchors(POINTS, 0)[2]).all()


def test_scaling_keeps_the_corner_of_the_image():
    np.testing.assert_allclose(scale_points(np.array([-0.5, 99.5], np.float32), 0.25), [-0.5, 24.5])
