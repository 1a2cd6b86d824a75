"""The tracks of a video as stretches of frames: what lanes are drawn from at any zoom, read once in bounded memory."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from poseflow.server.poses.groups import FRAME
from poseflow.server.poses.tables import VideoTables, code_names, iter_links

MOST_STRETCHES = 400_000
"""Names that change from frame to frame make many; from so many on, stretches are joined within blocks of frames."""
FIRST_BLOCK = 64
COLUMNS = (FRAME, "tracklet", "track", "identity", "identity_score")
_END = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class Stretches:
    """(n,) each: frames start to stop - 1 in which a tracklet has one name, by start."""

    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    tracklet: NDArray[np.int32]
    track: NDArray[np.int32]
    code: NDArray[np.int16]
    rows: NDArray[np.int64]
    score: NDArray[np.float32]
    """The least of the name, NaN without."""

    def __len__(self) -> int:
        return len(self.start)

    def take(self, kept: NDArray[np.bool_] | NDArray[np.int64]) -> "Stretches":
        """Some of them."""
        return Stretches(*(getattr(self, name)[kept] for name in _FIELDS))


_FIELDS = ("start", "stop", "tracklet", "track", "code", "rows", "score")


@dataclass(frozen=True, eq=False)
class TrackSummary:
    """All stretches of a video, and where it has no tracked animal."""

    stretches: Stretches
    gaps: NDArray[np.int64]
    """(n, 2), ranges between frames with an animal"""


def summarize_tracks(tables: VideoTables, tell: Callable[[float], None]) -> TrackSummary:
    """Read a video's tracks through, a group of rows at a time.

    Args:
        tell: is called with the part that is done.
    """
    parts: list[Stretches] = []
    gaps = [np.empty((0, 2), np.int64)]
    count, block, last, done = 0, 0, -1, 0
    total = max(tables.track_rows[1] - tables.track_rows[0], 1)
    for table in iter_links(tables, -1, _END, COLUMNS) if tables.tracks is not None else ():
        frame = table.column(FRAME).to_numpy()
        if not len(frame):
            continue
        found = _find_stretches(table, frame, tables.names)
        parts.append(found)
        there = np.unique(frame)
        ahead = np.concatenate([[last], there]) if last >= 0 else there
        (breaks,) = np.nonzero(np.diff(ahead) > 1)
        gaps.append(np.stack([ahead[breaks] + 1, ahead[breaks + 1]], axis=1))
        last, done, count = int(there[-1]), done + len(frame), count + len(found)
        if count > MOST_STRETCHES:
            block = max(2 * block, FIRST_BLOCK)
            parts = [_join(parts, block)]
            count = len(parts[0])
        tell(done / total)
    return TrackSummary(_join(parts, block), np.concatenate(gaps))


def _find_stretches(table: pa.Table, frame: NDArray[np.int64], names: tuple[str, ...]) -> Stretches:
    column = table.column
    tracklet, track = column("tracklet").to_numpy(), column("track").to_numpy()
    code, score = code_names(column("identity"), names), column("identity_score").to_numpy()
    order = np.argsort(tracklet, kind="stable")
    frame, tracklet, track, code, score = frame[order], tracklet[order], track[order], code[order], score[order]
    changed = (np.diff(tracklet) != 0) | (np.diff(code) != 0)
    begin = np.concatenate([[0], np.flatnonzero(changed) + 1])
    end = np.concatenate([begin[1:], [len(frame)]])
    least = np.minimum.reduceat(np.where(np.isnan(score), np.inf, score), begin)
    least = np.where(np.isinf(least), np.nan, least).astype(np.float32)
    return Stretches(frame[begin], frame[end - 1] + 1, tracklet[begin], track[begin], code[begin], end - begin, least)


def _join(parts: list[Stretches], block: int) -> Stretches:
    """Join what goes on from one part to the next, and, with blocks, what of a tracklet and name is in one."""
    if not parts:
        kinds: tuple[Any, ...] = (np.int64, np.int64, np.int32, np.int32, np.int16, np.int64, np.float32)
        return Stretches(*(np.empty(0, kind) for kind in kinds))
    whole = Stretches(*(np.concatenate([getattr(part, name) for part in parts]) for name in _FIELDS))
    if block:
        key = np.lexsort((whole.start, whole.code, whole.start // block, whole.tracklet))
    else:
        key = np.lexsort((whole.start, whole.tracklet))
    own = whole.take(key)
    is_same = (np.diff(own.tracklet) == 0) & (np.diff(own.code) == 0)
    if block:
        is_same &= np.diff(own.start // block) == 0
    begin = np.concatenate([[0], np.flatnonzero(~is_same) + 1])
    least = np.minimum.reduceat(np.where(np.isnan(own.score), np.inf, own.score), begin)
    joined = Stretches(
        own.start[begin],
        np.maximum.reduceat(own.stop, begin),
        own.tracklet[begin],
        own.track[begin],
        own.code[begin],
        np.add.reduceat(own.rows, begin),
        np.where(np.isinf(least), np.nan, least).astype(np.float32),
    )
    return joined.take(np.argsort(joined.start, kind="stable"))
