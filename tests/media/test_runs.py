"""Run-length coded sequences agree with the plain ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseflow.media.runs import RunLengths

steps = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 6)), max_size=8)


@given(st.integers(-50, 50), steps)
def test_an_increasing_sequence_is_found_again(first: int, runs: list[tuple[int, int]]) -> None:
    values = np.cumsum([first, *np.repeat(*np.array(runs, int).reshape(-1, 2).T)])
    coded = RunLengths.model_validate_json(RunLengths.of(values).model_dump_json())
    assert len(coded) == len(values)
    np.testing.assert_array_equal(coded.values(), values)
    np.testing.assert_array_equal(coded.values(np.arange(len(values))), values)
    for value in range(values[0] - 3, values[-1] + 4):
        assert coded.find(value) == (np.flatnonzero(values == value).tolist() or [-1])[0]
        assert coded.last_upto(value) == max((v for v in values if v <= value), default=-1)
        assert coded.first_from(value) == min((v for v in values if v >= value), default=None)


@given(st.lists(st.integers(-(2**62), 2**62 - 1)))
def test_any_sequence_is_kept(values: list[int]) -> None:
    coded = RunLengths.of(values)
    assert coded.values().tolist() == values
    assert coded.values(np.arange(len(values))).tolist() == values


def test_repeated_values_are_found_at_their_first_place() -> None:
    coded = RunLengths.of([0, 2, 2, 2, 4, 4, 7])
    assert [coded.find(value) for value in (0, 2, 3, 4, 7)] == [0, 1, -1, 4, 6]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("values", "most_bytes"),
    [
        (np.arange(2_160_000) * 512, 100),
        (np.round(np.arange(1_000_000) * 1000 / 30).astype(int), 100_000),
        (np.cumsum(np.random.default_rng(0).integers(30, 37, 100_000)), 300_000),
    ],
    ids=["a day at 25 Hz", "rounded to milliseconds", "jitter"],
)
def test_it_is_short(values: np.ndarray, most_bytes: int) -> None:
    coded = RunLengths.of(values)
    assert len(coded.model_dump_json()) < most_bytes
    some = np.linspace(0, len(values) - 1, 1000).astype(int)
    np.testing.assert_array_equal(coded.values(some), values[some])
    assert [coded.find(int(value)) for value in values[some]] == some.tolist()
