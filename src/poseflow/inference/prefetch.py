"""Stages of work that overlap: each runs in a thread of its own, a few items ahead of the next."""

from collections.abc import Iterable, Iterator
from queue import Full, Queue
from threading import Event, Thread
from typing import Any, TypeVar

T = TypeVar("T")
POLL_S = 0.1


def prefetch(items: Iterable[T], depth: int) -> Iterator[T]:
    """Iterate over `items` in another thread, at most `depth` of them ahead; its exceptions are raised here.

    When the consumer stops early, the thread stops too.
    """
    queue: Queue[tuple[str, Any]] = Queue(depth)
    stopped = Event()

    def put(kind: str, value: Any = None) -> None:
        while not stopped.is_set():
            try:
                queue.put((kind, value), timeout=POLL_S)
            except Full:
                continue
            return

    def work() -> None:
        try:
            for item in items:
                if stopped.is_set():
                    return
                put("item", item)
        except BaseException as error:  # noqa: BLE001 - handed to the consumer, who raises it
            put("error", error)
        else:
            put("end")

    thread = Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            kind, value = queue.get()
            if kind == "error":
                raise value
            if kind == "end":
                return
            yield value
    finally:
        stopped.set()
        thread.join()
