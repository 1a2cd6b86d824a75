"""The tracks table: which instance of the predictions tables belongs to which tracklet, track and identity.

One table holds a whole recording, video after video; tracklets, tracks and identities run on from video to video.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from poseflow.core.errors import TableError
from poseflow.tables.parquet import TableWriter, check_columns, open_table

KIND = "tracks"

SCHEMA = pa.schema(
    [
        pa.field("video", pa.dictionary(pa.int32(), pa.string())),
        pa.field("row", pa.int64()),
        pa.field("frame_idx", pa.int64()),
        pa.field("tracklet", pa.int32()),
        pa.field("track", pa.int32()),
        pa.field("identity", pa.dictionary(pa.int32(), pa.string())),
        pa.field("identity_score", pa.float32()),
    ]
)


@dataclass(frozen=True, eq=False)
class Tracks:
    """Tracked instances of one video; instances that were left out have no row.

    Rows are sorted by `row`, the instance's place in the video's whole predictions table (the union of its shards).
    """

    row: NDArray[np.int64]
    frame_idx: NDArray[np.int64]
    tracklet: NDArray[np.int32]
    """Number of the run without gaps that the instance belongs to."""
    track: NDArray[np.int32]
    """Number of the track: tracklets stitched across gaps."""
    identity_code: NDArray[np.int16]
    """Position in `identity_names`, -1 where the animal is not named."""
    identity_score: NDArray[np.float32]
    """Confidence of the identity, NaN without one."""
    identity_names: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    """How the table was made (JSON-able): settings, version."""

    def __post_init__(self) -> None:
        for name in ("frame_idx", "tracklet", "track", "identity_code", "identity_score"):
            if getattr(self, name).shape != self.row.shape:
                raise TableError(f"{name} must have shape {self.row.shape}, got {getattr(self, name).shape}")
        if (np.diff(self.row) <= 0).any() or (np.diff(self.frame_idx) < 0).any():
            raise TableError("tracks must be sorted by row and frame, each row once")
        codes = self.identity_code
        if codes.size and not -1 <= codes.min() <= codes.max() < len(self.identity_names):
            raise TableError(
                f"identity_code must be -1 to {len(self.identity_names) - 1}, got {codes.min()} to {codes.max()}"
            )

    def __len__(self) -> int:
        return len(self.row)

    @property
    def identity(self) -> list[str | None]:
        """Each row's identity by name, None where the animal is not named."""
        names = [*self.identity_names, None]
        return [names[code] for code in self.identity_code]

    @classmethod
    def without_identities(
        cls,
        row: ArrayLike,
        frame_idx: ArrayLike,
        tracklet: ArrayLike,
        track: ArrayLike,
        metadata: dict[str, Any] | None = None,
    ) -> "Tracks":
        """Build from four columns (n,); nobody is named."""
        rows = np.asarray(row, np.int64)
        return cls(
            row=rows,
            frame_idx=np.asarray(frame_idx, np.int64),
            tracklet=np.asarray(tracklet, np.int32),
            track=np.asarray(track, np.int32),
            identity_code=np.full(len(rows), -1, np.int16),
            identity_score=np.full(len(rows), np.nan, np.float32),
            metadata=metadata or {},
        )


class TracksWriter:
    """Write a recording's tracks in bounded memory, part by part; its videos come in order.

    Args:
        metadata: how the table was made (JSON-able).
    """

    def __init__(self, path: str | Path, identity_names: Sequence[str], metadata: dict[str, Any]) -> None:
        self._names, self._metadata = tuple(identity_names), metadata
        self._rows: dict[str, int] = {}
        self._table = TableWriter(path, SCHEMA)

    def __enter__(self) -> Self:
        self._table.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._table.__exit__(kind, error, trace)

    def append(self, video: str, tracks: Tracks) -> None:
        """Append the next tracks of a video; a video without any is appended too."""
        self._rows[video] = self._rows.get(video, 0) + len(tracks)
        columns = [
            pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(tracks), np.int32)), pa.array([video], pa.string())),
            pa.array(tracks.row),
            pa.array(tracks.frame_idx),
            pa.array(tracks.tracklet),
            pa.array(tracks.track),
            identity_array(tracks),
            pa.array(tracks.identity_score, from_pandas=True),
        ]
        self._table.write(pa.Table.from_arrays(columns, schema=SCHEMA))

    def close(self) -> None:
        """Nothing comes after."""
        self._table.finish(
            {
                "table": KIND,
                "version": 2,
                "identity_names": list(self._names),
                "videos": [{"video": video, "rows": rows} for video, rows in self._rows.items()],
                "metadata": self._metadata,
            }
        )


def write_tracks(tracks: Tracks, path: str | Path, video: str = "") -> None:
    """Write the tracks table of a recording of one video."""
    with TracksWriter(path, tracks.identity_names, tracks.metadata) as writer:
        writer.append(video, tracks)
        writer.close()


def read_tracks(path: str | Path, video: str | None = None) -> Tracks:
    """Read one video's tracks of a recording's table, and no more of the file than needed.

    Args:
        video: its id; None where the table holds only one. A table of one video without a name is anyone's.

    Raises: TableError naming the file and the fault.
    """
    with open_table(path, KIND) as (file, note):
        check_columns(file, SCHEMA, path)
        begin, stop = _find_rows(note, video, path)
        ends = np.cumsum([file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)])
        first, last = np.searchsorted(ends, [begin, stop - 1], side="right")
        groups = list(range(int(first), int(last) + 1)) if stop > begin else []
        skipped = int(ends[first - 1]) if groups and first else 0
        table = file.read_row_groups(groups, SCHEMA.names[1:]).slice(begin - skipped if groups else 0, stop - begin)
    names = tuple(note.get("identity_names", ()))
    try:
        return Tracks(
            row=table.column("row").to_numpy(),
            frame_idx=table.column("frame_idx").to_numpy(),
            tracklet=table.column("tracklet").to_numpy(),
            track=table.column("track").to_numpy(),
            identity_code=_codes(table.column("identity"), names),
            identity_score=table.column("identity_score").to_numpy(),
            identity_names=names,
            metadata=note.get("metadata", {}),
        )
    except TableError as error:
        raise TableError(f"{path}: {error}") from error


def _find_rows(note: dict[str, Any], video: str | None, path: str | Path) -> tuple[int, int]:
    """First row and end of a video's tracks."""
    begin = 0
    videos = note.get("videos", [])
    for known in videos:
        if known["video"] in (video, "") or (video is None and len(videos) == 1):
            return begin, begin + int(known["rows"])
        begin += int(known["rows"])
    names = ", ".join(known["video"] for known in videos)
    raise TableError(f"{path}: video must be one of {names or 'none'}, got {video!r}")


def identity_array(tracks: Tracks) -> pa.DictionaryArray:
    """The identities as a dictionary column; null where the animal is not named."""
    return name_array(tracks.identity_code, tracks.identity_names)


def name_array(codes: NDArray[np.int16], names: Sequence[str]) -> pa.DictionaryArray:
    """Positions in `names` (n,) as a dictionary column; null where they are below 0."""
    known = pa.array(codes.astype(np.int32), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(known, pa.array(names, pa.string()))


def _codes(column: pa.ChunkedArray, names: tuple[str, ...]) -> NDArray[np.int16]:
    """Codes after `names` of a dictionary column; a file's own dictionary may be in another order."""
    encoded = column.combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = (
            pa.concat_arrays(encoded.chunks) if encoded.num_chunks else pa.array([], SCHEMA.field("identity").type)
        )
    place = {name: code for code, name in enumerate(names)}
    stored = encoded.dictionary.to_pylist()
    unknown = [name for name in stored if name not in place]
    if unknown:
        raise TableError(f"identity must be one of {', '.join(names) or 'none'}, got {unknown[0]!r}")
    table = np.array([place[name] for name in stored] + [-1], np.int16)
    codes: NDArray[np.int16] = table[encoded.indices.fill_null(len(stored)).to_numpy(zero_copy_only=False)]
    return codes
