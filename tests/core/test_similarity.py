"""Similarity of poses, on cases small enough to draw."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from poseflow.core.similarity import (
    find_box_areas,
    find_centroids,
    find_oks_areas,
    score_centroid_distance,
    score_iou,
    score_oks,
)

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


def test_one_point_alone_counts_as_ten_px_long():
    point = np.full((1, 4, 2), NAN)
    point[0, 0] = 5
    assert score_oks(point, point) == 1
    assert score_oks(point, point + np.array([0.3, 0])) == pytest.approx(np.exp(-(0.3**2) / (2 * 100 * 0.025**2)))


@pytest.mark.parametrize("angle", [0, 90, 180])
def test_an_animal_along_an_axis_is_as_large_as_it_is_long(angle):
    turn = np.deg2rad(angle)
    line = np.array([[0.0, 0], [20, 0], [40, 0], [NAN, NAN]]) @ np.array(
        [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]
    )
    assert find_oks_areas(line) == pytest.approx(1600)
    assert score_oks(line[None], line[None] + 0.3, coco=True) > 0.95


@given(st.floats(0, 1), st.floats(10, 500))
def test_only_thin_boxes_have_another_area_for_oks_and_it_leaps_nowhere(share, length_px):
    def area_of(share):
        return float(find_oks_areas(np.array([[0.0, 0], [length_px, length_px * share]])))

    box = share * length_px**2
    assert box * (1 - 1e-9) <= area_of(share) <= length_px**2 * (1 + 1e-9)
    assert area_of(share) == pytest.approx(box) or share < 0.1
    assert abs(area_of(min(share + 1e-4, 1)) - area_of(share)) <= 2e-3 * length_px**2


@settings(max_examples=30)
@given(poses, poses, st.booleans())
def test_oks_of_all_pairs_equals_pair_by_pair(truth, found, coco):
    scores = score_oks(truth, found, coco=coco)
    for i in range(3):
        for j in range(3):
            area = find_oks_areas(truth[i]) + np.spacing(1)
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
