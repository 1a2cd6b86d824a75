"""Files as DeepLabCut writes them of its predictions: CSV and HDF5, of one animal or of several.

Rows are the frames from 0 to the last that was read, as in DeepLabCut's own files: most programs count rows, and look
at no number. Columns are the scorer, the individuals where there are several, body parts, and x, y and likelihood.
"""

import csv
import io
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from poseflow.core.errors import ConfigError
from poseflow.core.wording import tell_apart
from poseflow.exchange.animal_files import name_files
from poseflow.exchange.dense import FrameGrid, Window, find_individuals, iter_windows, round_for_text
from poseflow.exchange.extras import import_extra
from poseflow.exchange.losses import HIDDEN, OURS, loses
from poseflow.exchange.writer import PoseStream

if TYPE_CHECKING:
    import pandas as pd

SCORER = "poseflow"
COORDS = ("x", "y", "likelihood")
KEY = "df_with_missing"
MAX_COLUMNS = 1500
"""Of an HDF5 file: pandas keeps the names in attributes, which end at 64 KiB."""


@loses("times", "edges", "instance scores", "frame rate", "symmetries", HIDDEN, *OURS)
def write_deeplabcut_csv(poses: PoseStream, path: Path) -> None:
    """Write DeepLabCut's CSV: three lines of names, four where there are several animals."""
    individuals = find_individuals(poses)
    names = _column_names(individuals.names, poses.skeleton.nodes)
    with path.open("wb") as file:
        header = io.StringIO()
        lines = zip(_levels(individuals.names), zip(*names, strict=True), strict=True)
        csv.writer(header, lineterminator="\n").writerows([level, *words] for level, words in lines)
        file.write(header.getvalue().encode())
        for window in iter_windows(poses, individuals, _grid_of(poses)):
            file.write(_csv_lines(window))


def _csv_lines(window: Window) -> bytes:
    """Frames as lines of numbers; what is missing is left empty.

    But not in the first line, where it is all: pandas would take that for a line of names, and lose the frame.
    """
    values = _flatten(window)
    lost = window.start == 0 and len(values) > 0 and bool(np.isnan(values[0]).all())
    first = ",".join([str(window.frame_idx[0]), *["NaN"] * values.shape[1]]) + "\n" if lost else ""
    columns = [pa.array(window.frame_idx[lost:])]
    columns += [pa.array(column, from_pandas=True) for column in np.ascontiguousarray(round_for_text(values[lost:]).T)]
    lines = pa.BufferOutputStream()
    table = pa.table(columns, list(map(str, range(len(columns)))))
    arrow_csv.write_csv(table, lines, arrow_csv.WriteOptions(include_header=False))
    return first.encode() + lines.getvalue().to_pybytes()


@loses("times", "edges", "instance scores", "frame rate", "symmetries", HIDDEN, *OURS)
def write_deeplabcut_h5(poses: PoseStream, path: Path) -> None:
    """Write DeepLabCut's HDF5: a table of pandas under the key `df_with_missing`.

    Raises: ConfigError where there are more animals and nodes than such a file can hold.
    """
    individuals = find_individuals(poses)
    with _FrameTable(poses, path, individuals.names, "deeplabcut_h5") as table:
        for window in iter_windows(poses, individuals, _grid_of(poses)):
            table.append(window.frame_idx, _flatten(window))


@loses("times", "edges", "instance scores", "frame rate", "symmetries", HIDDEN, *OURS)
def write_keypoint_moseq(poses: PoseStream, path: Path) -> None:
    """Write a folder of DeepLabCut's HDF5, one an animal.

    Keypoint-MoSeq reads it in one call, `load_keypoints(folder, "deeplabcut")`, and names recordings after the files.
    Of a file of several animals it would lose the order of the body parts.
    """
    individuals = find_individuals(poses)
    path.mkdir()
    files = name_files(poses.note["video"], individuals.names, ".h5")
    with ExitStack() as stack:
        tables = [stack.enter_context(_FrameTable(poses, path / name, [], "keypoint_moseq")) for name in files]
        for window in iter_windows(poses, individuals, _grid_of(poses)):
            for animal, table in enumerate(tables):
                table.append(window.frame_idx, window.nodes[:, animal].reshape(len(window.frame_idx), -1))


def _grid_of(poses: PoseStream) -> FrameGrid:
    return FrameGrid([(0, stop) for _, stop in poses.note["frames_read"][-1:]])


class _FrameTable:
    """A table of pandas in an HDF5 file, written a piece at a time."""

    def __init__(self, poses: PoseStream, path: Path, individuals: Sequence[str], format: str) -> None:
        import_extra("tables", format)
        import pandas as pd

        names = _column_names(individuals, poses.skeleton.nodes)
        if len(names) > MAX_COLUMNS:
            raise ConfigError(
                f"{poses.table}: a file of the format {format} must have at most {MAX_COLUMNS} columns, got "
                f"{len(names)} of {max(len(individuals), 1)} animals; deeplabcut_csv holds them"
            )
        self._columns = pd.MultiIndex.from_tuples(names, names=_levels(individuals))
        self._store = pd.HDFStore(str(path), mode="w")
        self._is_empty = True

    def __enter__(self) -> "_FrameTable":
        return self

    def append(self, frame_idx: NDArray[np.int64], values: NDArray[np.float32]) -> None:
        """Write rows (frames, columns)."""
        self._store.append(KEY, self._frame(frame_idx, values), format="table", index=False)
        self._is_empty = False

    def _frame(self, frame_idx: NDArray[np.int64], values: NDArray[np.float32]) -> "pd.DataFrame":
        import pandas as pd

        return pd.DataFrame(values.astype(np.float64), index=frame_idx, columns=self._columns)

    def __exit__(self, *_: Any) -> None:
        if self._is_empty:  # pandas writes no table without rows
            nothing = self._frame(np.empty(0, np.int64), np.empty((0, len(self._columns)), np.float32))
            self._store.put(KEY, nothing, format="fixed")
        self._store.close()


def _levels(individuals: Sequence[str]) -> list[str]:
    return ["scorer", *(["individuals"] if len(individuals) > 1 else []), "bodyparts", "coords"]


def _column_names(individuals: Sequence[str], nodes: Sequence[str]) -> list[tuple[str, ...]]:
    """Names of each column, from the scorer to x, y or likelihood; a lone animal has no name of its own.

    `single` is no animal to DeepLabCut: its name for body parts of the arena.
    """
    parts = [(node, coord) for node in nodes for coord in COORDS]
    if len(individuals) < 2:
        return [(SCORER, *part) for part in parts]
    return [(SCORER, name, *part) for name in tell_apart(individuals, reserved=("single",)) for part in parts]


def _flatten(window: Window) -> NDArray[np.float32]:
    """A window's values as DeepLabCut's columns; of no animal at all, those of one that is never there."""
    frames, animals, nodes, _ = window.nodes.shape
    if not animals:
        return np.full((frames, nodes * 3), np.nan, np.float32)
    return window.nodes.reshape(frames, -1)
