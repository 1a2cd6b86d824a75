"""Losses of the heads, on cases small enough to reckon by hand."""

import numpy as np
import pytest

from poseflow.networks.heads.class_maps import score_class_maps
from poseflow.networks.heads.class_vector import score_class_vectors
from poseflow.networks.heads.classes import balance_classes
from poseflow.networks.heads.confidence_maps import score_confidence_maps
from poseflow.networks.heads.part_affinity_fields import score_fields

pytestmark = pytest.mark.backend


def test_an_error_weighs_more_where_something_is():
    targets = np.array([0, 1], np.float32).reshape(1, 1, 2, 1)
    assert float(score_confidence_maps(targets, targets + 0.5, 20.0)) == pytest.approx((0.25 + 21 * 0.25) / 2)


def test_a_field_weighs_by_its_length_in_x_as_in_y():
    targets = np.array([0.6, 0.8, 0, 0], np.float32).reshape(1, 1, 1, 4)
    off = np.array([0.1, 0, 0, 0], np.float32).reshape(1, 1, 1, 4)
    expected = 11 * 0.01 / 4
    assert float(score_fields(targets, targets + off, 10.0)) == pytest.approx(expected)
    assert float(score_fields(targets, targets + off[..., [1, 0, 2, 3]], 10.0)) == pytest.approx(expected)
    assert float(score_fields(targets, targets + off[..., [1, 2, 0, 3]], 10.0)) == pytest.approx(0.01 / 4)


def test_cells_of_an_animal_weigh_more_in_every_class_and_unknown_ones_nothing():
    targets = np.array([[1, 0], [0, 0], [np.nan, np.nan]], np.float32).reshape(1, 1, 3, 2)
    maps = np.array([[0.5, 0.25], [0.1, 0.1], [0.9, 0.1]], np.float32).reshape(1, 1, 3, 2)
    entropy = 3 * (-np.log(0.5) - np.log(0.75)) - 2 * np.log(0.9)
    assert float(score_class_maps(targets, maps, 2.0)) == pytest.approx(entropy / (2 * 3 + 2), rel=1e-5)


def test_vectors_without_a_name_do_not_count():
    targets = np.array([[0, 1], [np.nan, np.nan]], np.float32)
    vectors = np.array([[0.3, 0.7], [0.9, 0.1]], np.float32)
    assert float(score_class_vectors(targets, vectors)) == pytest.approx(-np.log(0.7), rel=1e-5)
    assert float(score_class_vectors(targets[1:], vectors[1:])) == 0


def test_the_error_of_an_animal_counts_by_its_weight():
    targets = np.array([[1, 0], [0, 1], [0, 1], [np.nan, np.nan]], np.float32)
    vectors = np.array([[0.6, 0.4], [0.3, 0.7], [0.2, 0.8], [0.5, 0.5]], np.float32)
    weights = balance_classes([1, 2])
    assert weights == (1.5, 0.75)
    expected = -(1.5 * np.log(0.6) + 0.75 * (np.log(0.7) + np.log(0.8))) / 3
    assert float(score_class_vectors(targets, vectors, weights)) == pytest.approx(expected, rel=1e-5)
    maps, cells = vectors.reshape(1, 1, 4, 2), targets.reshape(1, 1, 4, 2)
    expected = -(1.5 * np.log(0.6) + 0.75 * (np.log(0.7) + np.log(0.8)) + np.log(0.6) + np.log(0.7) + np.log(0.8)) / 6
    assert float(score_class_maps(cells, maps, 0.0, weights)) == pytest.approx(expected, rel=1e-5)
    assert float(score_class_maps(cells, maps, 3.0, (1, 1))) == pytest.approx(float(score_class_maps(cells, maps, 3.0)))


def test_certainty_that_is_wrong_costs_much_and_not_infinitely():
    targets = np.array([[1, 0]], np.float32)
    assert np.isfinite(float(score_class_vectors(targets, 1 - targets)))
    assert np.isfinite(float(score_class_maps(targets.reshape(1, 1, 1, 2), 1 - targets.reshape(1, 1, 1, 2), 1.0)))
