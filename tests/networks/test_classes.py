"""Class maps against their definition, and what is drawn is found again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseflow.networks.decoding import score_classes
from poseflow.networks.heads.class_maps import draw_class_maps
from poseflow.networks.heads.class_vector import draw_class_vectors

pytestmark = pytest.mark.backend


def draw_by_the_definition(points, classes, count, height, width, stride, radius):
    maps = np.zeros((len(points), height // stride, width // stride, count))
    for b, row, column in np.ndindex(maps.shape[:3]):
        near = {
            int(name)
            for animal, name in zip(points[b], classes[b], strict=True)
            for point in animal
            if np.linalg.norm(point - np.array([column, row]) * stride) <= radius
        }
        if -1 in near:
            maps[b, row, column] = np.nan
        maps[b, row, column, sorted(near - {-1})] = 1
    return maps


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_maps_follow_the_definition(stride):
    rng = np.random.default_rng(stride)
    points = rng.uniform(-5, 35, (2, 3, 2, 2)).astype(np.float32)
    points[0, 0, 1] = np.nan
    points[1, 2] = np.nan
    classes = np.array([[1, 0, -1], [2, -1, 0]], np.int32)
    maps = np.asarray(draw_class_maps(points, classes, 3, 24, 32, stride, 6.3))
    np.testing.assert_array_equal(maps, draw_by_the_definition(points, classes, 3, 24, 32, stride, 6.3))


def test_where_two_animals_overlap_both_are_there():
    points = np.full((1, 2, 1, 2), 8, np.float32)
    maps = np.asarray(draw_class_maps(points, np.array([[0, 2]], np.int32), 3, 16, 16, 2, 4.0))
    np.testing.assert_array_equal(maps[0, 4, 4], [1, 0, 1])


def test_an_animal_without_a_name_is_unknown_not_nobody():
    points = np.array([[[[8, 8]]]], np.float32)
    maps = np.asarray(draw_class_maps(points, np.array([[-1]], np.int32), 2, 32, 32, 2, 4.0))
    assert np.isnan(maps[0, 4, 4]).all()
    assert (maps[0, 10:] == 0).all()


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(2, 60), st.floats(2, 60)), min_size=1, max_size=3), st.sampled_from([2, 4]))
def test_a_landmark_finds_its_own_class(places, stride):
    """A radius of one stride is enough: the nearest cell is never farther than that."""
    points = np.array(places, np.float32)[None, :, None]
    classes = np.arange(len(places), dtype=np.int32)[None]
    maps = draw_class_maps(points, classes, 3, 64, 64, stride, float(stride))
    scores = np.asarray(score_classes(maps, np.array(places, np.float32)[None, None], stride))[0, 0]
    assert (scores[np.arange(len(places)), classes[0]] == 1).all()


def test_a_peak_that_is_missing_has_no_class():
    scores = np.asarray(score_classes(np.ones((1, 4, 4, 2), np.float32), np.full((1, 3, 2, 2), np.nan, np.float32), 4))
    assert scores.shape == (1, 3, 2, 2)
    assert np.isnan(scores).all()


def test_vectors_are_one_hot_and_unknown_without_a_name():
    vectors = np.asarray(draw_class_vectors(np.array([[1], [-1], [0]], np.int32), 3))
    np.testing.assert_array_equal(vectors, [[0, 1, 0], [np.nan] * 3, [1, 0, 0]])
