"""Predictions of DeepLabCut in HDF5, as pandas writes them.

Names of columns are pickles, which pandas would run. They are read here by a reader that knows lists, tuples and text.
"""

import io
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from poseflow.exchange.predictions.columns import Columns, arrange_columns
from poseflow.exchange.predictions.frame_numbers import choose_frames
from poseflow.exchange.predictions.hdf5 import dataset, opened
from poseflow.exchange.predictions.reader import PredictionsFile, PredictionsReader
from poseflow.labels.formats.content import is_hdf5, open_hdf5
from poseflow.tables import Instances

WHAT = "predictions of DeepLabCut (.h5)"
LEVELS = {3: ("scorer", "bodyparts", "coords"), 4: ("scorer", "individuals", "bodyparts", "coords")}
ROWS = 1 << 13


class _PlainUnpickler(pickle.Unpickler):
    """Reads lists, tuples, numbers and text, and looks up nothing."""

    def find_class(self, module: str, name: str) -> Any:
        """Refuse whatever would be run."""
        raise ValueError(f"names of columns must be text, got a pickle that calls {module}.{name}")

    def persistent_load(self, pid: Any) -> Any:
        """Refuse what lies elsewhere."""
        raise ValueError("names of columns must be text, got a pickle that refers to something else")


def recognize(path: Path) -> bool:
    """Whether a file is a table of pandas with a likelihood; labels have none."""
    if not is_hdf5(path):
        return False
    with open_hdf5(path) as file:
        groups = [group for group in file.values() if isinstance(group, h5py.Group) and "pandas_type" in group.attrs]
        return any("likelihood" in str(group.attrs.get("non_index_axes")) for group in groups)


def describe(path: Path) -> PredictionsFile:
    """What a file holds; raises PredictionsError."""
    with opened(path, WHAT) as file:
        table = _table(file)
        columns = _columns(table)
        last = max((int(part["index"].max()) for part in _iter_rows(table)), default=-1)
    return columns.describe(last + 1)


def iter_instances(path: Path, video: int, frames: tuple[int, int]) -> Iterator[Instances]:
    """The animals of each frame."""
    with opened(path, WHAT) as file:
        table = _table(file)
        columns = _columns(table)
        blocks = ((part["index"].astype(np.int64), part["values_block_0"]) for part in _iter_rows(table))
        for numbers, values in choose_frames(blocks, frames):
            yield columns.instances(numbers, values)


def _iter_rows(table: h5py.Dataset) -> Iterator[Any]:
    for begin in range(0, len(table), ROWS):
        yield table[begin : begin + ROWS]


def _table(file: h5py.File) -> h5py.Dataset:
    names = [f"{name}/table" for name, group in file.items() if isinstance(group, h5py.Group) and "table" in group]
    if len(names) != 1:
        raise ValueError(f"there must be one table, got {', '.join(names) or 'none'}")
    table = dataset(file, names[0], 1)
    fields = table.dtype.names or ()
    if set(fields) != {"index", "values_block_0"} or table.dtype["index"].kind not in "iu":
        raise ValueError(f"a row must have a frame's number and one block of numbers, got {', '.join(fields)}")
    return table


def _columns(table: h5py.Dataset) -> Columns:
    stored = table.parent.attrs["non_index_axes"]
    content = stored if isinstance(stored, bytes) else str(stored).encode("latin-1")
    try:
        axes = _PlainUnpickler(io.BytesIO(content)).load()
    except (pickle.UnpicklingError, EOFError) as error:
        raise ValueError(f"names of columns must be a pickle of text, got {error}") from None
    ((_, names),) = axes
    count = int(np.prod(table.dtype["values_block_0"].shape, dtype=np.int64))
    if not isinstance(names, list) or len(names) != count:
        raise ValueError(f"there must be a name for each of {count} columns, got {len(names)}")
    if any(not isinstance(name, tuple) or not all(isinstance(part, str) for part in name) for name in names):
        raise ValueError("a column must be named by scorer, body part and coordinate")
    lengths = {len(name) for name in names}
    if len(lengths) != 1 or not lengths <= LEVELS.keys():
        raise ValueError(f"a column must have 3 or 4 names, got {sorted(lengths)}")
    return arrange_columns([dict(zip(LEVELS[len(name)], name, strict=True)) for name in names])


DEEPLABCUT_HDF5 = PredictionsReader("DeepLabCut .h5", recognize, describe, iter_instances)
