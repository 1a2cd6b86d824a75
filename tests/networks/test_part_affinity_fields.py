"""Part affinity fields against the paper's formula, and what is drawn is found again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseflow.networks.decoding import score_edge_candidates
from poseflow.networks.heads.part_affinity_fields import draw_part_affinity_fields

pytestmark = pytest.mark.backend

EDGES = [(0, 1), (2, 1)]


def draw_by_the_formula(points, edges, height, width, stride, sigma):
    """The paper's equations, written as loops."""
    fields = np.zeros((len(points), height // stride, width // stride, 2 * len(edges)), np.float64)
    for b, row, column in np.ndindex(fields.shape[:3]):
        cell = np.array([column, row]) * stride
        for animal in points[b].astype(np.float64):
            for number, (s, d) in enumerate(edges):
                source, along = animal[s], animal[d] - animal[s]
                if not np.isfinite(along).all() or not along.any():
                    continue
                r = min(max((cell - source) @ along / (along @ along), 0), 1)
                distance = np.linalg.norm(cell - (source + r * along))
                weight = np.exp(-(distance**2) / (2 * sigma**2))
                fields[b, row, column, 2 * number : 2 * number + 2] += weight * along / np.linalg.norm(along)
    return fields


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_fields_follow_the_formula(stride):
    rng = np.random.default_rng(stride)
    points = rng.uniform(-5, 30, (2, 3, 3, 2)).astype(np.float32)
    points[0, 1, 0] = np.nan
    points[1, 2] = points[1, 2, 0]  # an edge without length
    points[1, 0] = np.nan
    fields = np.asarray(draw_part_affinity_fields(points, EDGES, 24, 32, stride, 5.0))
    np.testing.assert_allclose(fields, draw_by_the_formula(points, EDGES, 24, 32, stride, 5.0), atol=1e-5)


def test_two_animals_that_point_opposite_ways_cancel():
    points = np.array([[[[8, 16], [24, 16]], [[24, 16], [8, 16]]]], np.float32)
    fields = np.asarray(draw_part_affinity_fields(points, [(0, 1)], 32, 32, 2, 4.0))
    np.testing.assert_allclose(fields, 0, atol=1e-6)


def test_no_animal_draws_nothing():
    fields = draw_part_affinity_fields(np.full((1, 2, 3, 2), np.nan, np.float32), EDGES, 16, 16, 4, 4.0)
    assert np.asarray(fields).shape == (1, 4, 4, 4)
    assert (np.asarray(fields) == 0).all()


@pytest.mark.slow
@settings(max_examples=40)
@given(st.floats(0, 2 * np.pi), st.floats(10, 25), st.sampled_from([2, 4]))
def test_the_score_of_a_drawn_edge_is_its_direction(angle, length, stride):
    """1 along the field, -1 against it, 0 to a peak on a line across it."""
    along = length * np.array([np.cos(angle), np.sin(angle)])
    middle = np.array([32.0, 32.0])
    points = np.stack([middle - along / 2, middle + along / 2])[None, None].astype(np.float32)
    fields = draw_part_affinity_fields(points, [(0, 1)], 64, 64, stride, 4.0 * stride)
    ends = points[0, 0]
    across = ends[0] + 0.5 * np.array([-along[1], along[0]])
    peaks = np.stack([[ends[0], ends[1]], [ends[1], ends[0]]])[None].astype(np.float32)
    peaks = np.concatenate([peaks, np.broadcast_to(across, (1, 2, 1, 2))], axis=2).astype(np.float32)
    scores = np.asarray(score_edge_candidates(fields, peaks, [(0, 1)], stride))[0, 0]
    assert scores[0, 0] > 0.95
    assert scores[1, 1] < -0.95
    assert abs(scores[0, 2]) < 1e-4
