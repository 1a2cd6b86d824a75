"""Line integrals against a slow NumPy twin, and on cases small enough to draw."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseflow.networks.decoding import score_classes, score_edge_candidates

pytestmark = pytest.mark.backend


def score_slowly(fields, peaks, edges, stride, samples, max_length, penalty):
    """One frame, as loops."""
    height, width, _ = fields.shape
    k = peaks.shape[1]
    scores = np.full((len(edges), k, k), np.nan)
    for number, (s, d) in enumerate(edges):
        for i, j in np.ndindex(k, k):
            source, along = peaks[s, i], peaks[d, j] - peaks[s, i]
            if not np.isfinite(along).all():
                continue
            length, total = np.linalg.norm(along), 0.0
            for step in np.linspace(0, 1, samples, dtype=np.float32):
                x, y = np.round((source + along * step) / np.float32(stride)).astype(int)
                vector = fields[min(max(y, 0), height - 1), min(max(x, 0), width - 1), 2 * number : 2 * number + 2]
                total += vector @ along / max(length, 1e-6)
            scores[number, i, j] = total / samples
            if length > max_length:
                scores[number, i, j] -= penalty * (1 - max_length / length)
    return scores


@pytest.mark.slow
@settings(max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from([2, 4]), st.sampled_from([5, 10]), st.sampled_from([10.0, 1e6]))
def test_scores_equal_the_slow_twin(seed, stride, samples, max_length):
    rng = np.random.default_rng(seed)
    edges = [(0, 1), (1, 2), (0, 2)]
    fields = rng.normal(size=(2, 7, 9, 6)).astype(np.float32)
    peaks = (rng.integers(-8, 80, (2, 3, 4, 2)) / 2 + 0.123).astype(np.float32)  # not halfway between cells
    peaks[rng.random((2, 3, 4)) < 0.3] = np.nan
    found = np.asarray(score_edge_candidates(fields, peaks, edges, stride, samples, max_length, 0.7))
    for frame in range(2):
        expected = score_slowly(fields[frame], peaks[frame], edges, stride, samples, max_length, 0.7)
        # A sample that falls halfway between two cells may be read from either.
        close = np.isclose(found[frame], expected, atol=1e-4, equal_nan=True)
        assert close.mean() > 0.95
        np.testing.assert_array_equal(np.isnan(found[frame]), np.isnan(expected))


@pytest.mark.parametrize(
    ("target", "score"),
    [
        ([20, 12], 1.0),
        ([4, 12], -1.0),
        ([12, 20], 0.0),
        ([20, 20], np.sqrt(0.5)),
        ([12, 12], 0),
        ([np.nan] * 2, np.nan),
    ],
    ids=["along", "against", "across", "diagonal", "no length", "missing"],
)
def test_score_is_the_component_of_the_field_along_the_edge(target, score):
    fields = np.zeros((1, 8, 8, 2), np.float32)
    fields[..., 0] = 1
    peaks = np.array([[[[12, 12]], [target]]], np.float32)
    found = np.asarray(score_edge_candidates(fields, peaks, [(0, 1)], 4))
    np.testing.assert_allclose(found, [[[[score]]]], atol=1e-6)


@pytest.mark.parametrize(("length", "loss"), [(9, 0.0), (10, 0.0), (20, 0.5), (40, 0.75)])
def test_edges_beyond_the_maximum_length_lose_score(length, loss):
    fields = np.zeros((1, 8, 16, 2), np.float32)
    fields[..., 0] = 1
    peaks = np.array([[[[8, 8]], [[8 + length, 8]]]], np.float32)
    plain, limited, strict = (
        np.asarray(score_edge_candidates(fields, peaks, [(0, 1)], 4, 10, limit, weight)).item()
        for limit, weight in [(None, 1), (10.0, 1), (10.0, 2)]
    )
    np.testing.assert_allclose([plain - limited, plain - strict], [loss, 2 * loss], atol=1e-6)


def test_classes_are_read_at_the_nearest_cell():
    maps = np.arange(2 * 3 * 4 * 2, dtype=np.float32).reshape(2, 3, 4, 2)
    peaks = np.array([[[[5.1, 2.9]]], [[[-20, 90]]]], np.float32)  # the second lies outside: the nearest cell counts
    scores = np.asarray(score_classes(maps, peaks, 2))
    np.testing.assert_array_equal(scores[0, 0, 0], maps[0, 1, 3])
    np.testing.assert_array_equal(scores[1, 0, 0], maps[1, 2, 0])
