"""Lanes of the seek bar: of each animal the stretches in which it is followed, at any zoom."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from poseflow.exchange.slp import UNNAMED
from poseflow.server.errors import RefusedError, not_ready
from poseflow.server.messages.poses import Lane, Run, Span
from poseflow.server.poses.overlay import Override
from poseflow.server.poses.stretches import Stretches, TrackSummary, summarize_tracks
from poseflow.server.poses.tables import VideoTables

MOST_LANES = 24
"""Of tracks without a name, the longest."""
MOST_BINS = 4096
MOST_GAPS = 4096
PATIENCE_S = 2.0
MOST_KEPT = 8


@dataclass
class _Reading:
    done: threading.Event = field(default_factory=threading.Event)
    part: float = 0.0
    summary: TrackSummary | None = None
    error: Exception | None = None


class Summaries:
    """Summaries of videos' tracks, each read once as long as its table stays the same, in a thread of its own."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most, self._lock = most, threading.Lock()
        self._readings: OrderedDict[str, _Reading] = OrderedDict()

    def find(self, key: str, tables: VideoTables) -> TrackSummary:
        """Raises RefusedError while a long table is being read, TableError for a damaged one."""
        with self._lock:
            reading = self._readings.get(key)
            if reading is None:
                reading = self._readings[key] = _Reading()
                threading.Thread(target=self._read, args=(reading, tables), name="lanes", daemon=True).start()
            self._readings.move_to_end(key)
            while len(self._readings) > self._most:
                self._readings.popitem(last=False)
        reading.done.wait(PATIENCE_S)
        if reading.error is not None:
            with self._lock:
                self._readings.pop(key, None)
            raise reading.error
        if reading.summary is None:
            raise not_ready("the tracks are being read for the first time", reading.part)
        return reading.summary

    @staticmethod
    def _read(reading: _Reading, tables: VideoTables) -> None:
        def tell(part: float) -> None:
            reading.part = part

        try:
            reading.summary = summarize_tracks(tables, tell)
        except Exception as error:  # noqa: BLE001 - raised again where somebody waits for it
            reading.error = error
        finally:
            reading.done.set()


def rename_stretches(
    stretches: Stretches, names: Sequence[str], place: int, overrides: Sequence[Override]
) -> tuple[Stretches, tuple[str, ...]]:
    """Stretches as they are with what was said of names, cut where a name begins to act; and all names."""
    every = tuple(dict.fromkeys([*names, *(one.name for one in overrides if one.number is None)]))
    track, code = stretches.track, stretches.code  # as in the tables: what is said is about these
    for one in overrides:
        if one.place > place:
            break
        begin = one.frame if one.place == place else -1
        own = (track == one.track) & (code == one.code)
        cut = own & (stretches.start < begin) & (stretches.stop > begin)
        if cut.any():
            stretches, track, code = _cut(stretches, (track, code), cut, begin)
            own = (track == one.track) & (code == one.code)
        own &= stretches.start >= begin
        shown_track, shown_code = stretches.track.copy(), stretches.code.copy()
        if one.number is None:
            shown_code[own] = every.index(one.name)
            shown_track[own] = track[own]
        else:
            shown_track[own], shown_code[own] = one.number, -1
        stretches = replace(stretches, track=shown_track, code=shown_code)
    return stretches, every


def _cut(
    stretches: Stretches, said: tuple[NDArray[np.int32], NDArray[np.int16]], cut: NDArray[np.bool_], frame: int
) -> tuple[Stretches, NDArray[np.int32], NDArray[np.int16]]:
    """Some stretches in two at a frame; rows are shared by length."""
    order = np.concatenate([np.arange(len(stretches)), np.flatnonzero(cut)])
    both = stretches.take(order)
    late = np.arange(len(order)) >= len(stretches)
    early = np.concatenate([cut, np.zeros(int(cut.sum()), np.bool_)])
    length = both.stop - both.start
    share = np.where(late, both.stop - frame, np.where(early, frame - both.start, length)) / length
    rows = np.maximum(np.round(both.rows * share), 1).astype(np.int64)
    start, stop = np.where(late, frame, both.start), np.where(early, frame, both.stop)
    cut_up = replace(both, start=start, stop=stop, rows=rows)
    return cut_up, said[0][order], said[1][order]


def draw_lanes(stretches: Stretches, names: Sequence[str], start: int, stop: int, bins: int) -> tuple[list[Lane], int]:
    """Lanes of some frames, and how many tracks without a name have none.

    Stretches that are shorter than a bin are folded together with their neighbors.
    """
    if not 1 <= bins <= MOST_BINS:
        raise RefusedError(422, "invalid", f"bins must be 1 to {MOST_BINS}, got {bins}")
    near = stretches.take((stretches.stop > start) & (stretches.start < stop))
    width = max((stop - start) / bins, 1.0)
    lanes = []
    for code, name in enumerate(names):
        own = near.take(near.code == code)
        lanes.append(Lane(kind="name", name=name, index=code, track=None, runs=_fold(own, width)))
    unnamed = near.take(near.code < 0)
    tracks, inverse = np.unique(unnamed.track, return_inverse=True)
    rows = np.bincount(inverse, unnamed.rows, len(tracks)) if len(tracks) else np.empty(0)
    longest = np.sort(tracks[np.argsort(-rows, kind="stable")[:MOST_LANES]])
    for number in longest.tolist():
        own = unnamed.take(unnamed.track == number)
        lanes.append(Lane(kind="track", name=f"{UNNAMED}{number}", index=-1, track=number, runs=_fold(own, width)))
    return lanes, len(tracks) - len(longest)


def _fold(own: Stretches, width: float) -> list[Run]:
    """Runs of one lane. One that is at least a bin long is itself; shorter ones are one as long as they are near."""
    if not len(own):
        return []
    order = np.argsort(own.start, kind="stable")
    own = own.take(order)
    length = own.stop - own.start
    is_long = length >= width
    near = own.start[1:] - np.maximum.accumulate(own.stop)[:-1] < width
    joined = near & ~is_long[1:] & ~is_long[:-1] if width > 1 else np.zeros(len(own) - 1, np.bool_)
    # A folded run is at most some bins long, so that its coverage says where it is.
    block = (own.start // max(4 * width, 1)).astype(np.int64)
    joined &= np.diff(block) == 0
    begin = np.concatenate([[0], np.flatnonzero(~joined) + 1])
    counts = np.diff(np.concatenate([begin, [len(own)]]))
    stops = np.maximum.reduceat(own.stop, begin)
    rows = np.add.reduceat(own.rows, begin)
    least = np.minimum.reduceat(np.where(np.isnan(own.score), np.inf, own.score), begin)
    return [
        Run(
            start=int(first),
            stop=int(stop),
            coverage=min(float(count) / max(int(stop - first), 1), 1.0),
            count=int(folded),
            tracklet=int(own.tracklet[place]) if folded == 1 else None,
            track=int(own.track[place]) if folded == 1 else None,
            score=None if np.isinf(score) else float(score),
        )
        for place, first, stop, count, folded, score in zip(
            begin, own.start[begin], stops, rows, counts, least, strict=True
        )
    ]


def find_spans(ranges: NDArray[np.int64], start: int, stop: int, bins: int) -> list[Span]:
    """Ranges (n, 2) within some frames; those too short for the zoom only where there are few in all."""
    near = ranges[(ranges[:, 1] > start) & (ranges[:, 0] < stop)]
    if len(near) > MOST_GAPS:
        length = near[:, 1] - near[:, 0]
        near = near[np.sort(np.argsort(-length, kind="stable")[:MOST_GAPS])]
    return [Span(start=max(first, start), stop=min(last, stop)) for first, last in near.tolist()]
