"""HDF5 files of predictions."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from poseflow.core.errors import PredictionsError
from poseflow.labels.formats import hdf5_file
from poseflow.labels.formats.hdf5_file import dataset, text

__all__ = ["dataset", "opened", "read_rows", "text"]

_NEAR = 64


def opened(path: Path, what: str) -> AbstractContextManager[h5py.File]:
    """Open a file; whatever goes wrong with its content is told as a PredictionsError that names it."""
    return hdf5_file.opened(path, what, PredictionsError)


def read_rows(table: h5py.Dataset, rows: NDArray[np.int64]) -> NDArray[Any]:
    """Rows of a table at any positions, in few reads; raises ValueError for positions outside."""
    found = np.empty(len(rows), table.dtype)
    if not len(rows):
        return found
    order = np.argsort(rows, kind="stable")
    ascending = rows[order]
    if ascending[0] < 0 or ascending[-1] >= len(table):
        raise ValueError(f"{table.name} must have the rows that are referred to, got {len(table):,} rows only")
    for part in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(ascending) > _NEAR) + 1):
        first = ascending[part[0]]
        found[order[part]] = table[first : ascending[part[-1]] + 1][ascending[part] - first]
    return found
