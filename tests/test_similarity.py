"""Similarity of poses, on cases small enough to draw."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from poseflow.similarity import find_box_areas, find_centroids, score_centroid_distance, score_iou, score_oks

NAN = np.nan
SQUARE = np.array([[[0.0, 0], [10, 0], [10, 10], [0, 10]]])
"""One pose of four nodes; its box has 100 px²."""

poses = arrays(np.float64, (3, 4, 2), elements=st.floats(-1e3, 1e3)).map(np.round)


def at_distance(distance: float) -> np.ndarray:
    return SQUARE + np.array([distance, 0])


@pytest.mark.parametrize("coco", [False, True])
def test_oks_of_a_pose_with_itself_is_one(coco):
    assert score_oks(SQUARE, SQUARE, coco=coco) == 1


def test_oks_is_the_papers_equation():
    assert score_oks(SQUARE, at_distance(0.3), 0.025) == pytest.approx(np.exp(-(0.3**2) / (2 * 100 * 0.025**2)))


def test_coco_form_has_twice_the_sigma():
    assert score_oks(SQUARE, at_distance(0.6), coco=True) == pytest.approx(score_oks(SQUARE, at_distance(0.3)))


def test_area_can_be_given():
    assert score_oks(SQUARE, at_distance(0.6), area=400) == pytest.approx(score_oks(SQUARE, at_distance(0.3)))
    assert score_oks(SQUARE, at_distance(0.6), area=[400]).shape == (1, 1)


def test_each_node_can_have_its_own_factor():
    found = SQUARE.copy()
    found[0, 0, 0] += 0.5
    wide = score_oks(SQUARE, found, [0.1, 0.025, 0.025, 0.025])
    assert wide == pytest.approx((3 + np.exp(-(0.5**2) / (2 * 100 * 0.1**2))) / 4)


def test_a_visible_node_that_was_not_found_counts_zero():
    found = SQUARE.copy()
    found[0, 1] = NAN
    assert score_oks(SQUARE, found) == pytest.approx(3 / 4)


def test_a_node_that_is_not_visible_does_not_count():
    truth = SQUARE.copy()
    truth[0, 3] = NAN
    assert score_oks(truth, SQUARE) == pytest.approx(1)


def test_a_true_pose_without_nodes_has_no_score():
    assert np.isnan(score_oks(np.full((1, 4, 2), NAN), SQUARE)).all()


def test_a_pose_without_area_is_like_nothing_but_itself():
    point = np.full((1, 4, 2), NAN)
    point[0, 0] = 5
    assert score_oks(point, point) == 1
    assert score_oks(point, point + 0.01) == 0


@settings(max_examples=30)
@given(poses, poses, st.booleans())
def test_oks_of_all_pairs_equals_pair_by_pair(truth, found, coco):
    scores = score_oks(truth, found, coco=coco)
    for i in range(3):
        for j in range(3):
            area = np.prod(truth[i].max(axis=0) - truth[i].min(axis=0)) + np.spacing(1)
            squared = ((truth[i] - found[j]) ** 2).sum(axis=-1)
            sigma = 0.05 if coco else 0.025
            assert scores[i, j] == pytest.approx(np.exp(-squared / (2 * area * sigma**2)).mean())


@pytest.mark.parametrize("score", [score_oks, score_iou, score_centroid_distance])
def test_many_frames_in_one_call_equal_frame_by_frame(score):
    rng = np.random.default_rng(0)
    truth, found = rng.normal(0, 5, (6, 2, 4, 2)), rng.normal(0, 5, (6, 3, 4, 2))
    truth[rng.random((6, 2, 4)) < 0.2] = NAN
    together = score(truth, found)
    assert together.shape == (6, 2, 3)
    for frame in range(6):
        np.testing.assert_allclose(together[frame], score(truth[frame], found[frame]))


@pytest.mark.parametrize(
    ("shift", "overlap"), [((0, 0), 1), ((5, 0), 50 / 150), ((5, 5), 25 / 175), ((10, 0), 0), ((30, 30), 0)]
)
def test_iou_is_intersection_over_union(shift, overlap):
    assert score_iou(SQUARE, SQUARE + np.array(shift)) == pytest.approx(overlap)


def test_iou_of_poses_without_area_or_nodes():
    line = np.array([[[0.0, 0], [10, 0], [NAN, NAN], [NAN, NAN]]])
    assert score_iou(line, line) == 0
    assert np.isnan(score_iou(SQUARE, np.full((1, 4, 2), NAN)))


def test_centroid_is_the_mean_of_the_nodes_there_are():
    pose = np.array([[0.0, 0], [4, 2], [NAN, NAN]])
    assert find_centroids(pose).tolist() == [2, 1]
    assert np.isnan(find_centroids(np.full((3, 2), NAN))).all()
    assert score_centroid_distance([pose], [pose + np.array([3, 4])]) == pytest.approx(5)


def test_area_is_that_of_the_box_of_the_nodes_there_are():
    assert find_box_areas(np.array([[0.0, 0], [4, 2], [NAN, NAN]])) == 8
