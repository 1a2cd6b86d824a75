"""Which rows of long tables are about which frames, from the tables' footers: what a window needs is read, no more."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from poseflow.core.errors import TableError
from poseflow.tables import open_table

FRAME = "frame_idx"
MANY_GROUPS = 16


@dataclass(frozen=True, eq=False)
class TableGroups:
    """A table's footer, and of each of its groups of rows the first row and the frames."""

    path: Path
    note: dict[str, Any]
    columns: frozenset[str]
    first_row: NDArray[np.int64]
    """(groups + 1,), at last the number of rows."""
    first_frame: NDArray[np.int64]
    last_frame: NDArray[np.int64]
    footer: pq.FileMetaData | None = None
    """Kept of long tables, whose footers take longer to read than a window of them may."""

    @property
    def rows(self) -> int:
        """How many there are."""
        return int(self.first_row[-1])

    def find(self, start: int, stop: int) -> NDArray[np.int64]:
        """Numbers of the groups that may hold rows of frames start to stop - 1."""
        return np.flatnonzero((self.last_frame >= start) & (self.first_frame < stop))

    def read(self, groups: Sequence[int] | NDArray[np.int64], columns: Sequence[str]) -> Iterator[tuple[int, pa.Table]]:
        """Some groups, each with the number of its first row. Raises TableError for a table that changed."""
        if not len(groups):
            return
        try:
            with pq.ParquetFile(self.path, metadata=self.footer) as file:
                for group in groups:
                    yield int(self.first_row[group]), file.read_row_group(int(group), list(columns))
        except (pa.ArrowInvalid, OSError, KeyError) as error:
            raise TableError(
                f"{self.path} must be as it was a moment ago, got: {' '.join(str(error).split())}"
            ) from error


def read_groups(path: Path, kind: str) -> TableGroups:
    """What a table's footer says. Raises TableError as `open_table`."""
    with open_table(path, kind) as (file, note):
        footer = file.metadata
        place = file.schema_arrow.names.index(FRAME) if FRAME in file.schema_arrow.names else -1
        if place < 0:
            raise TableError(f"{path} must have the column {FRAME}, got none")
        groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
        rows = np.cumsum([0, *(group.num_rows for group in groups)])
        frames = np.array([_frames_of(group, place) for group in groups], np.int64).reshape(-1, 2)
        names = frozenset(file.schema_arrow.names)
    kept = footer if len(groups) >= MANY_GROUPS else None
    return TableGroups(path, note, names, rows.astype(np.int64), frames[:, 0], frames[:, 1], kept)


def _frames_of(group: Any, place: int) -> tuple[int, int]:
    """Least and greatest frame of a group; of one that does not say, all."""
    said = group.column(place).statistics
    if said is None or not said.has_min_max:
        return -1, np.iinfo(np.int64).max
    return said.min, said.max
