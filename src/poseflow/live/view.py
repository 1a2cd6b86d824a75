"""What a live run shows of itself: in the terminal while it goes on, and in the end."""

import logging
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread

from poseflow.live.loop import LiveLoop
from poseflow.live.outputs import Delivery
from poseflow.live.triggers import Trigger

logger = logging.getLogger("poseflow")
REFRESH_S, LOG_EVERY_S = 0.5, 30.0


class LiveView:
    """Figures of a run."""

    def __init__(self, name: str, loop: LiveLoop, triggers: Sequence[Trigger], deliveries: Sequence[Delivery]) -> None:
        self._name, self._loop, self._triggers, self._deliveries = name, loop, triggers, deliveries
        self._begin, self._end = time.monotonic(), math.inf

    def lines(self) -> list[str]:
        """All that is to be said, a line each."""
        loop = self._loop
        seconds = max(min(time.monotonic(), self._end) - self._begin, 1e-9)
        whole, inside = loop.latencies.describe_ms(), loop.network.describe_ms()
        lines = [
            f"{self._name}: {loop.answered:,} frames answered in {seconds:.1f} s, {loop.answered / seconds:.1f}/s; "
            f"{loop.skipped:,} skipped for newer ones, {loop.too_old:,} passed over as too old",
            "latency, ms: mean {mean:.1f}, 95 % {p95:.1f}, 99 % {p99:.1f}, jitter {jitter:.1f}, longest {longest:.1f}; "
            "of it networks and tracking".format(**whole)
            + " {mean:.1f}, 99 % {p99:.1f}".format(**inside),
        ]
        for trigger in self._triggers:
            failed = f", failed {trigger.failures:,} times" if trigger.failures else ""
            lines.append(f"trigger {trigger.name}: met {trigger.met:,} of {trigger.evaluations:,} times{failed}")
        for one in self._deliveries:
            state = f"failed: {one.error}" if one.error else f"{one.dropped:,} dropped"
            lines.append(f"output {one.name}: {one.sent:,} sent, {state}")
        return lines

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show it as long as the body runs: on a terminal in place, elsewhere a log line now and then."""
        self._begin = time.monotonic()
        try:
            with self._shown():
                yield
        finally:
            self._end = time.monotonic()

    @contextmanager
    def _shown(self) -> Iterator[None]:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            show = Live(console=Console(stderr=True), auto_refresh=False, transient=True)
            with show, _every(REFRESH_S, lambda: show.update("\n".join(self.lines()), refresh=True)):
                yield
        else:
            with _every(LOG_EVERY_S, lambda: logger.info("%s", "; ".join(self.lines()[:2]))):
                yield


@contextmanager
def _every(seconds: float, show: Callable[[], None]) -> Iterator[None]:
    """Call a function again and again in a thread of its own."""
    stopped = Event()

    def work() -> None:
        while not stopped.wait(seconds):
            show()

    thread = Thread(target=work, name="live-view", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(timeout=2)
