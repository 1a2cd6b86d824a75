"""Peaks become animals: against brute force, and on cases small enough to draw."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseflow.core.skeleton import Skeleton
from poseflow.networks.decoding import (
    find_local_peaks,
    group_peaks_by_class,
    link_peaks,
    score_classes,
    score_edge_candidates,
)
from poseflow.networks.heads.class_maps import draw_class_maps
from poseflow.networks.heads.confidence_maps import draw_confidence_maps
from poseflow.networks.heads.part_affinity_fields import draw_part_affinity_fields

pytestmark = pytest.mark.backend

CHAIN = Skeleton(nodes=("a", "b", "c"), edges=((0, 1), (1, 2)))
FORK = Skeleton(nodes=("hub", "left", "right", "tip"), edges=((2, 3), (0, 1), (0, 2)))
AGAINST = Skeleton(nodes=("a", "b", "c"), edges=((0, 1), (2, 1)))  # two edges point to b


def peaks_at(shape):
    """Peaks (frames, nodes, k, 2) that tell by their coordinates who they are, and scores of 1."""
    _, nodes, k = shape
    points = np.stack(np.broadcast_arrays(np.arange(nodes)[:, None], np.arange(k)), axis=-1)
    return np.broadcast_to(points, (*shape, 2)).astype(np.float32), np.ones(shape, np.float32)


def poses(found, frame=0):
    """Each animal as a tuple of peak numbers, -1 for a missing node."""
    own = found.points[found.frame == frame]
    return sorted(tuple(int(x) if np.isfinite(x) else -1 for x in animal[:, 1]) for animal in own)


def link_by_brute_force(edge_scores, skeleton, least):
    """Try every matching of each edge; connected peaks are an animal."""
    k = edge_scores.shape[-1]
    group = {}
    for scores, (s, d) in zip(edge_scores, skeleton.edges, strict=True):
        ways = [way for way in product([-1, *range(k)], repeat=k) if len({*way} - {-1}) == sum(j >= 0 for j in way)]
        totals = {
            way: sum(scores[i, j] for i, j in enumerate(way) if j >= 0)
            for way in ways
            if all(j < 0 or scores[i, j] >= least for i, j in enumerate(way))
        }
        for i, j in enumerate(max(totals, key=totals.get)):
            if j >= 0:
                joined = group.get((s, i), {(s, i)}) | group.get((d, j), {(d, j)})
                group.update(dict.fromkeys(joined, frozenset(joined)))
    return sorted(
        tuple(next((i for node, i in animal if node == number), -1) for number in range(len(skeleton.nodes)))
        for animal in set(group.values())
    )


@pytest.mark.slow
@settings(max_examples=60)
@given(st.integers(0, 100_000), st.sampled_from([CHAIN, FORK, AGAINST]))
def test_animals_are_those_of_brute_force(seed, skeleton):
    rng = np.random.default_rng(seed)
    scores = rng.uniform(-1, 1, (2, len(skeleton.edges), 3, 3)).astype(np.float32)
    scores[rng.random(scores.shape) < 0.3] = np.nan
    peaks, heights = peaks_at((2, len(skeleton.nodes), 3))
    found = link_peaks(peaks, heights, scores, skeleton, 0.25)
    for frame in range(2):
        assert poses(found, frame) == link_by_brute_force(np.nan_to_num(scores[frame], nan=-9), skeleton, 0.25)
    assert (np.diff(found.frame) >= 0).all()


def test_a_missed_middle_leaves_two_halves():
    scores = np.full((1, 2, 1, 1), 0.9, np.float32)
    scores[0, 0] = 0.1
    found = link_peaks(*peaks_at((1, 3, 1)), scores, CHAIN, 0.25)
    assert poses(found) == [(-1, 0, 0)]
    np.testing.assert_array_equal(found.point_scores, [[0, 1, 1]])


def test_an_edge_that_closes_a_ring_is_not_used():
    ring = Skeleton(nodes=("a", "b", "c"), edges=((0, 1), (1, 2), (2, 0)))
    scores = np.full((1, 3, 2, 2), -1, np.float32)
    scores[0, 0] = scores[0, 2] = np.eye(2)
    scores[0, 1] = 1 - np.eye(2)  # would join the two animals
    assert poses(link_peaks(*peaks_at((1, 3, 2)), scores, ring, 0.25)) in (
        [(0, 0, 0), (1, 1, 1)],
        [(0, 0, 1), (1, 1, 0)],
    )


def test_a_node_without_an_edge_stays_missing():
    lonely = Skeleton(nodes=("a", "b", "lonely"), edges=((0, 1),))
    assert poses(link_peaks(*peaks_at((1, 3, 1)), np.ones((1, 1, 1, 1), np.float32), lonely, 0.25)) == [(0, 0, -1)]


def test_no_peaks_no_animals():
    peaks = np.full((2, 3, 4, 2), np.nan, np.float32)
    found = link_peaks(peaks, np.zeros((2, 3, 4), np.float32), np.full((2, 2, 4, 4), np.nan, np.float32), CHAIN, 0.25)
    assert found.points.shape == (0, 3, 2)
    classes = np.full((2, 3, 4, 2), np.nan, np.float32)
    grouped = group_peaks_by_class(peaks, np.zeros((2, 3, 4), np.float32), classes, 0.1)
    assert (grouped.points.shape, grouped.class_scores.shape) == ((0, 3, 2), (0, 2))


def group_by_brute_force(scores, least):
    """One frame: class -> peak of each node, -1 for none."""
    nodes, k, classes = scores.shape
    result = np.full((classes, nodes), -1)
    for node in range(nodes):
        ways = [
            way for way in product([-1, *range(classes)], repeat=k) if len({*way} - {-1}) == sum(c >= 0 for c in way)
        ]
        allowed = [way for way in ways if all(c < 0 or scores[node, i, c] >= least for i, c in enumerate(way))]
        best = max(allowed, key=lambda way: sum(scores[node, i, c] for i, c in enumerate(way) if c >= 0))
        for i, c in enumerate(best):
            if c >= 0 and scores[node, i, c] == scores[node, i].max():
                result[c, node] = i
    return sorted(tuple(own) for own in result.tolist() if max(own) >= 0)


@settings(max_examples=60)
@given(st.integers(0, 100_000))
def test_classes_get_the_peaks_of_brute_force(seed):
    rng = np.random.default_rng(seed)
    scores = rng.uniform(0, 1, (2, 2, 3, 2)).astype(np.float32)
    scores[rng.random((2, 2, 3)) < 0.3] = np.nan
    found = group_peaks_by_class(*peaks_at((2, 2, 3)), scores, 0.2)
    for frame in range(2):
        assert poses(found, frame) == group_by_brute_force(np.nan_to_num(scores[frame], nan=-9), 0.2)


def test_of_two_peaks_that_are_surely_the_same_animals_the_higher_one_counts():
    scores = np.array([[[[0.99], [1.0]]]], np.float32)
    peaks, _ = peaks_at((1, 1, 2))
    heights = np.array([[[0.9, 0.3]]], np.float32)
    assert poses(group_peaks_by_class(peaks, heights, scores, 0.1)) == [(0,)]
    assert poses(group_peaks_by_class(peaks, heights, scores, 0.1, weigh_peaks=False)) == [(1,)]


def test_of_two_peaks_along_the_same_field_the_higher_one_counts():
    peaks, heights = peaks_at((1, 3, 2))
    scores = np.array([[[[0.8, 1.0], [0, 0]], [[0.9, 0], [0, 0.9]]]], np.float32)
    heights = heights * np.array([[[1, 1], [0.9, 0.3], [1, 1]]], np.float32)
    assert (0, 0, 0) in poses(link_peaks(peaks, heights, scores, CHAIN, 0.25))
    assert (0, 1, 1) in poses(link_peaks(peaks, heights, scores, CHAIN, 0.25, weigh_peaks=False))


def test_class_scores_are_the_mean_over_the_animals_peaks():
    scores = np.array([[[[0.9, 0.1]], [[0.7, 0.2]], [[0.05, 0.04]]]], np.float32)
    found = group_peaks_by_class(*peaks_at((1, 3, 1)), scores, 0.1)
    assert poses(found) == [(0, 0, -1)], "a peak that is nobody's is left out"
    np.testing.assert_allclose(found.class_scores, [[0.8, 0.15]])


def make_animals(seed, count=3):
    """Animals (count, 3 nodes, 2) bent at random.

    Their parts are at least 9 px apart from one another's, and those of one map 12: nearer peaks move each other.
    """
    rng = np.random.default_rng(seed)
    while True:
        angles = rng.uniform(0, 2 * np.pi, count)
        bends = angles + rng.uniform(-1, 1, count)
        middle = rng.uniform(20, 76, (count, 2))
        reach = 14 * np.stack([np.cos([angles, bends]), np.sin([angles, bends])], axis=-1)
        animals = np.stack([middle - reach[0], middle, middle + reach[1]], axis=1).astype(np.float32)
        flat = animals.reshape(-1, 2)
        apart = np.linalg.norm(flat[:, None] - flat, axis=-1) + 99 * np.eye(len(flat))
        alike = np.linalg.norm(animals[:, None] - animals, axis=-1) + 99 * np.eye(count)[..., None]
        if apart.min() > 9 and alike.min() > 12 and flat.min() > 2 and flat.max() < 93:
            return animals


@pytest.mark.slow
@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_animals_that_are_drawn_are_found_again(seed):
    animals = make_animals(seed)
    maps = draw_confidence_maps(animals[None], 96, 96, 2, 2.0)
    fields = draw_part_affinity_fields(animals[None], CHAIN.edges, 96, 96, 4, 4.0)
    peaks, heights = find_local_peaks(maps, 2, max_peaks=5)
    scores = score_edge_candidates(fields, peaks, CHAIN.edges, 4)
    found = link_peaks(*(np.asarray(one) for one in (peaks, heights, scores)), CHAIN, 0.25)
    assert len(found.points) == 3
    errors = np.linalg.norm(animals[:, None] - found.points[None], axis=-1).max(axis=-1)
    assert (errors.min(axis=1) < 0.5).all()


@pytest.mark.slow
@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_named_animals_that_are_drawn_are_found_again(seed):
    animals = make_animals(seed)
    names = np.random.default_rng(seed).permutation(4)[:3].astype(np.int32)
    peaks, heights = find_local_peaks(draw_confidence_maps(animals[None], 96, 96, 2, 2.0), 2, max_peaks=5)
    classes = score_classes(draw_class_maps(animals[None], names[None], 4, 96, 96, 2, 4.0), peaks, 2)
    found = group_peaks_by_class(*(np.asarray(one) for one in (peaks, heights, classes)), 0.1)
    order = np.argsort(names)
    np.testing.assert_array_equal(found.class_scores.argmax(axis=1), names[order])
    np.testing.assert_allclose(found.points, animals[order], atol=0.5)


def test_two_animals_that_overlap_entirely_are_one():
    animal = make_animals(0, count=1)
    both = np.concatenate([animal, animal])
    peaks, heights = find_local_peaks(draw_confidence_maps(both[None], 96, 96, 2, 2.0), 2, max_peaks=5)
    fields = draw_part_affinity_fields(both[None], CHAIN.edges, 96, 96, 4, 4.0)
    scores = score_edge_candidates(fields, peaks, CHAIN.edges, 4)
    linked = link_peaks(*(np.asarray(one) for one in (peaks, heights, scores)), CHAIN, 0.25)
    maps = draw_class_maps(both[None], np.array([[0, 1]], np.int32), 2, 96, 96, 2, 4.0)
    classes = score_classes(maps, peaks, 2)
    grouped = group_peaks_by_class(*(np.asarray(one) for one in (peaks, heights, classes)), 0.1)
    assert (len(linked.points), len(grouped.points)) == (1, 1)


@pytest.mark.parametrize(
    ("edges", "order"),
    [
        (((0, 1), (1, 2), (1, 3)), [(0, 0, 1), (1, 1, 2), (2, 1, 3)]),
        (((1, 3), (0, 1), (1, 2)), [(1, 0, 1), (0, 1, 3), (2, 1, 2)]),
        (((0, 1), (2, 1)), [(0, 0, 1), (1, 1, 2)]),
        (((0, 1), (1, 0), (2, 3)), [(2, 2, 3), (0, 0, 1)]),
    ],
    ids=["tree", "root last in the list", "two roots", "ring and a second piece"],
)
def test_growth_follows_the_tree(edges, order):
    assert Skeleton(nodes=("a", "b", "c", "d"), edges=edges).growth_order() == order
