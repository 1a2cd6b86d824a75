"""Long regular sequences of integers, kept short."""

import base64
import zlib
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict

_MAX_RUNS = 4096  # more runs than this are stored packed: a JSON list of them would be longer and slower to read


class RunLengths(BaseModel):
    """Integers as their first value and run-length coded differences.

    The timestamps of a recording of constant frame rate, however long, are one run. An irregular sequence is kept
    as zlib-compressed runs in base64. Values are looked up in the runs; the sequence is not unfolded for it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: int = 0
    count: int = 0
    deltas: tuple[tuple[int, int], ...] | str = ()
    """(difference, how many times in a row), ...; or these numbers as little-endian int64, packed."""

    @classmethod
    def of(cls, values: ArrayLike) -> "RunLengths":
        """Code a sequence, shape (n,)."""
        values = np.asarray(values, dtype=np.int64)
        if not len(values):
            return cls()
        differences = np.diff(values)
        begins = np.flatnonzero(np.diff(differences, prepend=differences[:1] + 1))
        lengths = np.diff(begins, append=len(differences))
        runs = np.stack([differences[begins], lengths], axis=1)
        if len(runs) > _MAX_RUNS:
            packed = base64.b64encode(zlib.compress(runs.astype("<i8").tobytes())).decode()
            return cls(first=int(values[0]), count=len(values), deltas=packed)
        return cls(first=int(values[0]), count=len(values), deltas=tuple((int(d), int(n)) for d, n in runs))

    def __len__(self) -> int:
        return self.count

    def values(self, indices: ArrayLike | None = None) -> NDArray[np.int64]:
        """The values at `indices`, any shape, each within 0 to len - 1; None: all of them, shape (n,)."""
        if indices is None:
            first = np.array([self.first] if self.count else [], np.int64)
            return np.concatenate([first, self.first + np.cumsum(np.repeat(*self._runs.T))])
        indices = np.asarray(indices, dtype=np.int64)
        run = np.clip(np.searchsorted(self._run_index, indices) - 1, 0, None)
        if not len(self._runs):
            return np.full(indices.shape, self.first, np.int64)
        return self._run_value[run] + self._runs[run, 0] * (indices - self._run_index[run])

    def find(self, value: int) -> int:
        """Index of the first place that holds `value`, -1 where none does; the sequence must not decrease."""
        if not self.count or value < self.first:
            return -1
        if value == self.first:
            return 0
        run = int(np.searchsorted(self._run_value, value)) - 1
        if run >= len(self._runs):
            return -1
        delta, length = self._runs_list[run]
        steps, rest = divmod(value - int(self._run_value[run]), delta)
        return int(self._run_index[run]) + steps if not rest and steps <= length else -1

    def last_upto(self, value: int) -> int:
        """The greatest member <= `value`, -1 where there is none; the sequence must increase."""
        if not self.count or value < self.first:
            return -1
        run = int(np.searchsorted(self._run_value, value, side="right")) - 1
        if run >= len(self._runs):
            return int(self._run_value[-1])
        delta = self._runs_list[run][0]
        begin = int(self._run_value[run])
        return begin + (value - begin) // delta * delta

    def first_from(self, value: int) -> int | None:
        """The least member >= `value`, None where there is none; the sequence must increase."""
        if not self.count or value <= self.first:
            return self.first if self.count else None
        run = int(np.searchsorted(self._run_value, value)) - 1
        if run >= len(self._runs):
            return None
        delta = self._runs_list[run][0]
        begin = int(self._run_value[run])
        return begin - (begin - value) // delta * delta

    @cached_property
    def _runs(self) -> NDArray[np.int64]:
        """(runs, 2): difference, length."""
        if isinstance(self.deltas, str):
            packed = zlib.decompress(base64.b64decode(self.deltas))
            return np.frombuffer(packed, dtype="<i8").reshape(-1, 2)
        return np.array(self.deltas, dtype=np.int64).reshape(-1, 2)

    @cached_property
    def _runs_list(self) -> list[list[int]]:
        return self._runs.tolist()

    @cached_property
    def _run_index(self) -> NDArray[np.int64]:
        """(runs + 1,): index at which each run begins; last, the index of the last value."""
        return np.concatenate([[0], np.cumsum(self._runs[:, 1])])

    @cached_property
    def _run_value(self) -> NDArray[np.int64]:
        """(runs + 1,): value at which each run begins; last, the last value."""
        return np.concatenate([[self.first], self.first + np.cumsum(self._runs.prod(axis=1))])
