"""Stages of work that overlap."""

import threading
import time
from itertools import count, islice

import pytest

from poseflow.core.prefetch import Prefetched, map_ahead, prefetch


def test_items_come_in_order_and_end():
    ahead = Prefetched(range(20), 3)
    assert list(ahead) == list(range(20))
    assert list(ahead) == [], "whoever asks again is not left waiting"


def test_the_thread_is_at_most_so_far_ahead():
    taken, waiting = [], threading.Event()

    def items():
        for number in range(10):
            if number == 3:
                waiting.set()
            taken.append(number)
            yield number

    ahead = Prefetched(items(), 3)
    assert waiting.wait(timeout=30), "three wait, and one is at hand"
    assert len(taken) <= 4
    ahead.close()


def test_an_error_is_raised_after_the_items_before_it():
    def items():
        yield 1
        raise ValueError("no second one")

    ahead = prefetch(items(), 4)
    assert next(ahead) == 1
    with pytest.raises(ValueError, match="no second one"):
        next(ahead)


@pytest.mark.parametrize("depth", [1, 5])
def test_a_consumer_that_stops_early_ends_the_thread_and_the_generator(depth):
    ended = threading.Event()

    def items():
        try:
            yield from count()
        finally:
            ended.set()

    before = threading.active_count()
    ahead = prefetch(items(), depth)
    assert list(islice(ahead, 3)) == [0, 1, 2]
    ahead.close()
    assert ended.is_set()
    assert threading.active_count() == before


def test_what_is_made_by_several_threads_comes_in_order_and_not_far_ahead():
    taken = []

    def items():
        for number in range(50):
            taken.append(number)
            yield number

    made = map_ahead(lambda number: (time.sleep(0.001 * (number % 3)), number)[1], items(), threads=4)
    for number in range(20):
        assert next(made) == number
    assert len(taken) <= 20 + 2 * 4 + 1
    assert list(made) == list(range(20, 50))


def test_an_error_in_a_thread_is_raised_where_its_item_is_asked_for():
    made = map_ahead(lambda number: 1 // (2 - number), range(50), threads=2)
    assert [next(made), next(made)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(made)
