"""An animal found twice is kept once; two animals side by side are two."""

import numpy as np

from poseflow.networks.decoding import find_duplicates

POSE = np.array([[10, 10], [30, 12], [50, 40]], np.float32)


def test_the_better_of_two_equal_poses_stays():
    points = np.stack([POSE, POSE + 0.5, POSE + 100, POSE, POSE + 60])
    frame = np.array([0, 0, 0, 1, 1])
    np.testing.assert_array_equal(find_duplicates(frame, points, 0.7), [False, True, False, False, False])


def test_a_chain_of_likenesses_does_not_drop_the_last():
    """A dropped instance drops no other: only what is like one that stays goes."""
    points = np.stack([POSE, POSE + 1.2, POSE + 2.4])
    np.testing.assert_array_equal(find_duplicates(np.zeros(3, int), points, 0.6), [False, True, False])


def test_instances_of_one_point_are_compared_too():
    lone = np.full((2, 3, 2), np.nan, np.float32)
    lone[:, 0] = [[5, 5], [5.1, 5]]
    np.testing.assert_array_equal(find_duplicates(np.zeros(2, int), lone, 0.7), [False, True])


def test_no_instance_no_duplicate():
    assert find_duplicates(np.empty(0, int), np.empty((0, 3, 2), np.float32), 0.7).shape == (0,)
