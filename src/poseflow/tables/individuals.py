"""Which animals a pose table holds, one column each for programs that ask for that: found in one pass over its rows."""

from collections.abc import Iterable
from heapq import heappop, heappush
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from poseflow.core.wording import tell_apart

COLUMNS = ("frame_idx", "track", "identity")
"""Of the pose table, what individuals are told apart by."""


class Individuals:
    """The animals of a pose table: those that have a name, then the tracks of those that have none.

    A name that is given twice in one frame is the first row's; the other row counts as its track. No two individuals
    have the same name.
    """

    def __init__(self, blocks: Iterable[pa.Table], share_slots: bool = False) -> None:
        """Go through the rows once.

        Args:
            blocks: tables of whole frames, in order, with `COLUMNS`.
            share_slots: let tracks without a name that follow one another, never without a frame between them, be one
                individual: `slot_0`, …; so their number grows with the animals at once, not with that of the tracks.
        """
        named: set[str] = set()
        spans: dict[int, tuple[int, int]] = {}
        self.rows, self.frames, self.last_frame = 0, 0, -1
        for block in blocks:
            frame_idx, track, identity = _columns(block)
            named |= set(identity.dictionary.take(identity.indices.unique().drop_null()).to_pylist())
            self._add_spans(spans, frame_idx, track, _unnamed(frame_idx, identity))
            self.rows += len(frame_idx)
            self.frames += len(np.unique(frame_idx))
            self.last_frame = int(frame_idx[-1]) if len(frame_idx) else self.last_frame
        self._codes = {name: code for code, name in enumerate(sorted(named))}
        tracks = np.array(sorted(spans), np.int64)
        first, last = np.array([spans[track] for track in tracks.tolist()], np.int64).reshape(-1, 2).T
        slots, slot = _share_slots(tracks, first, last) if share_slots else _own_slots(tracks)
        self._tracks, self._slot = tracks, slot + len(named)
        self.names: list[str] = tell_apart([*self._codes, *slots])
        self.shared = len(slots) < len(tracks)

    def __len__(self) -> int:
        """How many there are."""
        return len(self.names)

    @staticmethod
    def _add_spans(spans: dict[int, tuple[int, int]], frame_idx: Any, track: Any, unnamed: Any) -> None:
        tracks, codes = np.unique(track[unnamed], return_inverse=True)
        first, last = np.full(len(tracks), np.iinfo(np.int64).max), np.full(len(tracks), -1)
        np.minimum.at(first, codes, frame_idx[unnamed])
        np.maximum.at(last, codes, frame_idx[unnamed])
        for number, begin, end in zip(tracks.tolist(), first.tolist(), last.tolist(), strict=True):
            known = spans.get(number)
            spans[number] = (min(begin, known[0]), max(end, known[1])) if known else (begin, end)

    def find(self, block: pa.Table) -> NDArray[np.int64]:
        """Each row's individual, as its place in `names`; `block` is one of whole frames, of the same table."""
        frame_idx, track, identity = _columns(block)
        unnamed = _unnamed(frame_idx, identity)
        codes = np.array([self._codes.get(name, -1) for name in identity.dictionary.to_pylist()] or [-1], np.int64)
        individual: NDArray[np.int64] = codes[pc.fill_null(identity.indices, 0).to_numpy(zero_copy_only=False)]
        individual[unnamed] = self._slot[np.searchsorted(self._tracks, track[unnamed])]
        return individual


def _columns(block: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64], pa.DictionaryArray]:
    identity = block.column("identity").combine_chunks()
    if isinstance(identity, pa.ChunkedArray):
        identity = identity.unify_dictionaries().combine_chunks()
    if isinstance(identity, pa.ChunkedArray):  # of no rows
        identity = pa.array([], pa.dictionary(pa.int32(), pa.string()))
    track = block.column("track").to_numpy().astype(np.int64)
    return block.column("frame_idx").to_numpy(), track, identity


def _unnamed(frame_idx: NDArray[np.int64], identity: pa.DictionaryArray) -> NDArray[np.bool_]:
    """Which rows have no name of their own: none at all, or one that an earlier row of the frame has."""
    codes = pc.fill_null(identity.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    unnamed: NDArray[np.bool_] = np.ones(len(codes), np.bool_)
    named = np.flatnonzero(codes >= 0)
    _, first = np.unique(frame_idx[named] * max(len(identity.dictionary), 1) + codes[named], return_index=True)
    unnamed[named[first]] = False
    return unnamed


def _own_slots(tracks: NDArray[np.int64]) -> tuple[list[str], NDArray[np.int64]]:
    return [f"track_{track}" for track in tracks.tolist()], np.arange(len(tracks))


def _share_slots(
    tracks: NDArray[np.int64], first: NDArray[np.int64], last: NDArray[np.int64]
) -> tuple[list[str], NDArray[np.int64]]:
    """Names of as few slots as hold all tracks, a frame apart at least, and each track's slot."""
    slot_of, held, free = np.zeros(len(tracks), np.int64), list[list[int]](), list[tuple[int, int]]()
    for code in np.lexsort((tracks, first)).tolist():
        if free and free[0][0] + 1 < first[code]:
            slot = heappop(free)[1]
        else:
            slot = len(held)
            held.append([])
        held[slot].append(int(tracks[code]))
        slot_of[code] = slot
        heappush(free, (int(last[code]), slot))
    names = [f"track_{own[0]}" if len(own) == 1 else f"slot_{slot}" for slot, own in enumerate(held)]
    return names, slot_of
