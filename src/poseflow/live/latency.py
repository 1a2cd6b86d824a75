"""How long answers take: counted in steps of 0.1 ms, so that memory does not grow with their number."""

from math import sqrt

import numpy as np

STEP_S = 1e-4
LONGEST_S = 10.0


class Latencies:
    """Mean, percentiles and jitter of any number of latencies.

    Percentiles are exact to STEP_S up to LONGEST_S; mean and standard deviation are exact.
    """

    def __init__(self) -> None:
        self._counts = np.zeros(round(LONGEST_S / STEP_S) + 1, np.int64)
        self.count = 0
        self.mean_s = 0.0
        self._squares = 0.0
        self.longest_s = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self._counts[min(max(int(seconds / STEP_S), 0), len(self._counts) - 1)] += 1
        self.count += 1
        # Welford 1962
        off = seconds - self.mean_s
        self.mean_s += off / self.count
        self._squares += off * (seconds - self.mean_s)
        self.longest_s = max(self.longest_s, seconds)

    @property
    def jitter_s(self) -> float:
        """Standard deviation."""
        return sqrt(self._squares / self.count) if self.count else 0.0

    def percentile_s(self, percent: float) -> float:
        """The latency that so many percent do not exceed, to the upper end of its step; 0 where none was counted."""
        if not self.count:
            return 0.0
        place = np.searchsorted(np.cumsum(self._counts), percent / 100 * self.count)
        return min((int(place) + 1) * STEP_S, self.longest_s)

    def describe_ms(self) -> dict[str, float]:
        """All of it in ms, by name."""
        values = {
            "mean": self.mean_s,
            "p95": self.percentile_s(95),
            "p99": self.percentile_s(99),
            "jitter": self.jitter_s,
            "longest": self.longest_s,
        }
        return {name: round(1000 * value, 2) for name, value in values.items()}
