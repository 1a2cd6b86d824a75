"""Columns of the tables: their names and types, and the way from arrays to Arrow and back."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from poseflow.core.errors import TableError
from poseflow.core.skeleton import Skeleton


def node_columns(skeleton: Skeleton) -> list[str]:
    """Names of the nodes' columns: x, y and score of each node in turn."""
    return [f"{node}.{part}" for node in skeleton.nodes for part in ("x", "y", "score")]


def class_columns(class_names: Sequence[str]) -> list[str]:
    """Names of the columns of class probabilities."""
    return [f"class.{name}" for name in class_names]


def predictions_schema(skeleton: Skeleton, lags: int, class_names: Sequence[str]) -> pa.Schema:
    """Schema of a predictions table; without lags there is no column `shifted`."""
    fields = [pa.field("frame_idx", pa.int64()), pa.field("instance_score", pa.float32())]
    fields += [pa.field(name, pa.float32()) for name in (*node_columns(skeleton), *class_columns(class_names))]
    if lags:
        fields.append(pa.field("shifted", pa.list_(pa.float32(), lags * len(skeleton.nodes) * 2)))
    return pa.schema(fields)


def node_arrays(points: NDArray[Any], scores: NDArray[Any], missing_as_null: bool = False) -> list[pa.Array]:
    """The nodes' columns in the order of `node_columns`, from points (n, nodes, 2) and scores (n, nodes)."""
    values = np.concatenate([points, scores[:, :, None]], axis=2).astype(np.float32)
    flat = np.ascontiguousarray(values.reshape(len(values), 3 * points.shape[1]).T)
    return [pa.array(column, pa.float32(), from_pandas=missing_as_null) for column in flat]


def class_arrays(class_scores: NDArray[np.float32]) -> list[pa.Array]:
    """One column per class from (n, classes)."""
    return [pa.array(column) for column in np.ascontiguousarray(class_scores.T)]


def shifted_arrays(shifted: NDArray[np.float32]) -> list[pa.Array]:
    """The column `shifted` from (n, lags, nodes, 2), or none without lags."""
    if not shifted.shape[1]:
        return []
    flat = pa.array(np.ascontiguousarray(shifted).reshape(-1))
    return [pa.FixedSizeListArray.from_arrays(flat, int(np.prod(shifted.shape[1:])))]


def shifted_from(table: pa.Table, lags: int, nodes: int) -> NDArray[np.float32]:
    """The array (n, lags, nodes, 2) of the column `shifted`."""
    if not lags or not table.num_rows:
        return np.empty((table.num_rows, lags, nodes, 2), np.float32)
    flat = table.column("shifted").combine_chunks().flatten()
    shifted: NDArray[np.float32] = flat.to_numpy().reshape(table.num_rows, lags, nodes, 2)
    return shifted


def stack_columns(table: pa.Table, names: Sequence[str]) -> NDArray[np.float32]:
    """Columns by name as one array (n, columns); null is NaN."""
    values = np.empty((len(names), table.num_rows), np.float32)
    for row, name in enumerate(names):
        values[row] = table.column(name).to_numpy()
    return np.ascontiguousarray(values.T)


def floats_of_shape(values: ArrayLike | None, shape: tuple[int, ...], what: str) -> NDArray[np.float32]:
    """`values` as float32; None will do where there is nothing to hold. Raises TableError for another shape."""
    if values is None and 0 in shape:
        return np.empty(shape, np.float32)
    array = np.asarray(values, np.float32)
    if array.shape != shape:
        raise TableError(f"{what} must have shape {shape}, got {array.shape}")
    return array
