"""Stages of work that overlap: each runs in a thread of its own, a few items ahead of the next."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from queue import Empty, Queue
from threading import Event, Thread
from typing import Any, Generic, TypeVar

T = TypeVar("T")
S = TypeVar("S")


class Prefetched(Iterator[T], Generic[T]):
    """Items of an iterable, which a thread of their own takes, at most `depth` of them ahead; it begins at once.

    Exceptions of the iterable are raised where its items are asked for. Call `close` where not all of them are.
    """

    def __init__(self, items: Iterable[T], depth: int) -> None:
        self._queue: Queue[tuple[str, Any]] = Queue(depth)
        self._stopped = Event()
        self._thread = Thread(target=self._work, args=(iter(items),), daemon=True)
        self._thread.start()

    def __next__(self) -> T:
        kind, value = self._queue.get()
        if kind == "item":
            item: T = value
            return item
        self._queue.put(("end", None))  # for whoever asks again
        if kind == "error":
            raise value
        raise StopIteration

    def close(self) -> None:
        """End the thread, and the iterable where that is a generator."""
        self._stopped.set()
        try:
            while True:  # room for what the thread may be waiting to put; after that it sees that it is to stop
                self._queue.get_nowait()
        except Empty:
            self._thread.join()

    def _work(self, items: Iterator[T]) -> None:
        last: tuple[str, Any] = ("end", None)
        try:
            for item in items:
                self._queue.put(("item", item))
                if self._stopped.is_set():
                    break
        except BaseException as error:  # noqa: BLE001 - handed to the consumer, who raises it
            last = ("error", error)
        finally:
            if hasattr(items, "close"):
                items.close()
        if not self._stopped.is_set():
            self._queue.put(last)


def prefetch(items: Iterable[T], depth: int) -> Iterator[T]:
    """Iterate over `items` in another thread, at most `depth` of them ahead, from the first that is asked for.

    When the consumer stops early, the thread stops too.
    """
    with closing(Prefetched(items, depth)) as ahead:
        yield from ahead


def map_ahead(make: Callable[[S], T], items: Iterable[S], threads: int) -> Iterator[T]:
    """What `make` makes of each item, in their order, by so many threads, each of them at most two items ahead."""
    with ThreadPoolExecutor(threads) as pool:
        made: deque[Future[T]] = deque()
        try:
            for item in items:
                made.append(pool.submit(make, item))
                if len(made) > 2 * threads:
                    yield made.popleft().result()
            while made:
                yield made.popleft().result()
        finally:
            for waiting in made:
                waiting.cancel()
