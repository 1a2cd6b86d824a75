"""What readers of HDF5 files have in common."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from poseflow.core.errors import LabelsError, PoseflowError
from poseflow.labels.formats.content import DAMAGED, one_line, open_hdf5, raise_if_machine_failed

MOST_PACKED = 2000
"""Bytes that one byte of a file can stand for; gzip reaches 1,032."""


@contextmanager
def opened(path: Path, what: str, fault: type[PoseflowError] = LabelsError) -> Iterator[h5py.File]:
    """Open a file; whatever goes wrong with its content is told as a `fault` that names it."""
    try:
        with open_hdf5(path, what, fault) as file:
            yield file
    except fault:
        raise
    except (*DAMAGED, RuntimeError, MemoryError, OverflowError) as error:
        raise_if_machine_failed(error, path)
        raise fault(f"{path} must be {what}, got a damaged one: {one_line(error)}") from error


def dataset(file: h5py.Group, name: str, dimensions: int) -> h5py.Dataset:
    """A dataset of so many dimensions; raises ValueError for none, and for one that says it holds more than it can."""
    found = file.get(name)
    if not isinstance(found, h5py.Dataset) or found.ndim != dimensions:
        got = f"shape {found.shape}" if isinstance(found, h5py.Dataset) else "none"
        raise ValueError(f"{name} must be a dataset of {dimensions} dimensions, got {got}")
    stored = found.id.get_storage_size()
    if found.size * found.dtype.itemsize > MOST_PACKED * stored + (1 << 20):
        raise ValueError(f"{name} must hold the {found.size:,} values that it says, got {stored:,} bytes")
    return found


def text(value: Any) -> str:
    """Text of a dataset or attribute, whatever it is stored as."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
