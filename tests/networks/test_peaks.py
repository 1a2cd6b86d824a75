"""Peak finding against slow NumPy twins."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from poseflow.networks.decoding import PeakRules, find_global_peaks, find_local_peaks

pytestmark = pytest.mark.backend

# Few levels, so that plateaus and ties are common.
LEVELS = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0])
MAPS = arrays(np.float32, (1, 7, 9, 2), elements=LEVELS)
SMALL_MAPS = st.tuples(st.integers(1, 3), st.integers(1, 3)).flatmap(
    lambda size: arrays(np.float32, (1, *size, 2), elements=LEVELS)
)


def refine_slowly(values, row, column):
    total = x = y = 0.0
    for i in range(-2, 3):
        for j in range(-2, 3):
            if 0 <= row + i < values.shape[0] and 0 <= column + j < values.shape[1]:
                weight = float(values[row + i, column + j])
                total, x, y = total + weight, x + weight * j, y + weight * i
    return [column + x / max(total, 1e-12), row + y / max(total, 1e-12)]


def local_peaks_slowly(values, threshold):
    peaks = []
    for row, column in np.ndindex(values.shape):
        value = values[row, column]
        others = [
            (values[r, c], (r, c) < (row, column))
            for r in range(max(row - 1, 0), min(row + 2, values.shape[0]))
            for c in range(max(column - 1, 0), min(column + 2, values.shape[1]))
            if (r, c) != (row, column)
        ]
        if value >= threshold and all(value > other if before else value >= other for other, before in others):
            peaks.append((-value, row // 2, column // 2, row, column))
    return [(-value, refine_slowly(values, *cell)) for value, _, _, *cell in sorted(peaks)]


@pytest.mark.slow
@settings(max_examples=60)
@given(MAPS | SMALL_MAPS)
def test_local_peaks_equal_the_slow_twin_also_where_a_map_has_fewer_cells_than_asked_for(maps):
    points, scores = (np.asarray(output) for output in find_local_peaks(maps, 4, max_peaks=6))
    assert points.shape == (1, 2, 6, 2)
    for node in range(2):
        expected = local_peaks_slowly(maps[0, :, :, node], 0.2)[:6]
        count = np.isfinite(points[0, node, :, 0]).sum()
        assert count == len(expected)
        np.testing.assert_allclose(scores[0, node], [score for score, _ in expected] + [0] * (6 - count))
        found = np.array([point for _, point in expected]).reshape(-1, 2) * 4
        np.testing.assert_allclose(points[0, node, :count], found, atol=1e-3)


@settings(max_examples=60)
@given(MAPS)
def test_global_peaks_equal_the_slow_twin(maps):
    points, scores = (np.asarray(output) for output in find_global_peaks(maps, 2))
    for node in range(2):
        values = maps[0, :, :, node]
        row, column = np.unravel_index(values.argmax(), values.shape)
        assert scores[0, node] == values.max()
        if values.max() < 0.2:
            assert np.isnan(points[0, node]).all()
        else:
            expected = np.array(refine_slowly(values, row, column)) * 2
            np.testing.assert_allclose(points[0, node], expected, atol=1e-3)


def test_no_peak_below_the_threshold():
    maps = np.zeros((2, 8, 8, 3), np.float32)
    points, scores = find_local_peaks(maps, 4, max_peaks=2)
    assert np.isnan(np.asarray(points)).all()
    assert (np.asarray(scores) == 0).all()


@settings(max_examples=40)
@given(MAPS, arrays(np.float32, (1, 7, 9, 4), elements=st.floats(-2, 2, width=16)))
def test_offsets_are_taken_at_the_peaks_cell_in_place_of_integral_regression(maps, offsets):
    points, _ = (np.asarray(output) for output in find_global_peaks(maps, 2, 0.0, offsets))
    local, scores = (np.asarray(output) for output in find_local_peaks(maps, 4, 3, 0.2, offsets))
    for node in range(2):
        values = maps[0, :, :, node]
        row, column = np.unravel_index(values.argmax(), values.shape)
        offset = offsets[0, row, column, 2 * node : 2 * node + 2]
        np.testing.assert_allclose(points[0, node], 2 * (np.array([column, row]) + offset), atol=1e-4)
        if scores[0, node, 0] > 0:
            cells = [np.array([c, r]) + offsets[0, r, c, 2 * node : 2 * node + 2] for r, c in np.ndindex(7, 9)]
            assert np.abs(4 * np.array(cells) - local[0, node, 0]).max(axis=1).min() < 1e-3


def test_peaks_come_in_reading_order_where_it_is_asked_for():
    maps = np.zeros((1, 20, 20, 1), np.float32)
    for row, column, height in ((15, 3, 0.9), (4, 12, 0.5), (4, 5, 0.7)):
        maps[0, row, column] = height
    _, scores = find_local_peaks(maps, 2, 4, rules=PeakRules(reading_order=True))
    np.testing.assert_allclose(np.asarray(scores)[0, 0], [0.7, 0.5, 0.9, 0])


def test_cells_below_0_count_where_it_is_asked_for():
    maps = np.zeros((1, 9, 9, 1), np.float32)
    maps[0, 4, 4:6, 0] = 1.0, -0.5
    (own,), (signed,) = (
        np.asarray(find_global_peaks(maps, 2, rules=PeakRules(signed=signed))[0])[0] for signed in (False, True)
    )
    np.testing.assert_allclose(own, [8, 8])
    np.testing.assert_allclose(signed, [6, 8])


def plateaus_slowly(values, largest):
    """Height, first row, first column of plateaus of at most so many rows and columns that nothing beside reaches."""
    found, seen = [], set()
    for start in np.ndindex(values.shape):
        plateau, front = {start}, [start]
        while front:
            row, column = front.pop()
            for cell in touched((row, column), values.shape) - plateau:
                if values[cell] == values[start]:
                    plateau.add(cell)
                    front.append(cell)
        around = set().union(*(touched(cell, values.shape) for cell in plateau)) - plateau
        rows, columns = ([cell[axis] for cell in plateau] for axis in (0, 1))
        size = max(max(rows) - min(rows), max(columns) - min(columns)) + 1
        is_top = size <= largest and all(values[cell] < values[start] for cell in around)
        if start not in seen and values[start] >= 0.2 and is_top:
            found.append((float(values[start]), min(rows), min(columns)))
        seen |= plateau
    return found


def touched(cell, shape):
    row, column = cell
    near = {(row + down, column + right) for down in (-1, 0, 1) for right in (-1, 0, 1)}
    return {(r, c) for r, c in near if 0 <= r < shape[0] and 0 <= c < shape[1]} - {cell}


@pytest.mark.slow
@pytest.mark.parametrize(("plateaus", "largest"), [("small", 2), ("none", 1)])
@settings(max_examples=25)
@given(MAPS)
def test_plateaus_count_as_the_rules_say(plateaus, largest, maps):
    points, scores = find_local_peaks(maps, 1, max_peaks=20, rules=PeakRules(plateaus=plateaus))
    for node in range(2):
        values = maps[0, :, :, node]
        expected = [(*refine_slowly(values, *cell), height) for height, *cell in plateaus_slowly(values, largest)]
        found = np.concatenate([np.asarray(points)[0, node], np.asarray(scores)[0, node, :, None]], axis=1)
        found = found[np.isfinite(found[:, 0])]
        assert len(found) == len(expected)
        for peak in expected:
            assert np.abs(found - peak).max(axis=1).min() < 1e-3


@settings(max_examples=25)
@given(MAPS)
def test_global_peaks_by_axes_have_the_first_row_and_the_first_column_of_all_highest_cells(maps):
    points, scores = find_global_peaks(maps, 1, threshold=0.2, rules=PeakRules(by_axes=True))
    for node in range(2):
        values = maps[0, :, :, node]
        rows, columns = np.nonzero(values == values.max())
        assert scores[0, node] == values.max()
        if values.max() >= 0.2:
            expected = refine_slowly(values, rows.min(), columns.min())
            np.testing.assert_allclose(points[0, node], expected, atol=1e-3)
