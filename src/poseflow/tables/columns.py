"""Columns of the tables: their names and types, and the way from arrays to Arrow and back."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from poseflow.core.skeleton import Skeleton
from poseflow.tables.displacements import decode_displacements, encode_displacements
from poseflow.tables.instances import Instances


def node_columns(skeleton: Skeleton) -> list[str]:
    """Names of the nodes' columns: x, y and score of each node in turn."""
    return [f"{node}.{part}" for node in skeleton.nodes for part in ("x", "y", "score")]


def edited_columns(skeleton: Skeleton) -> list[str]:
    """Names of the pose table's columns that say of each node whether a person set it."""
    return [f"{node}.edited" for node in skeleton.nodes]


def hidden_columns(skeleton: Skeleton) -> list[str]:
    """Names of the columns that say of each node how likely it is hidden, in tables of models that tell it."""
    return [f"{node}.hidden" for node in skeleton.nodes]


def class_columns(class_names: Sequence[str]) -> list[str]:
    """Names of the columns of class probabilities."""
    return [f"class.{name}" for name in class_names]


def predictions_schema(
    skeleton: Skeleton, lags: int, class_names: Sequence[str], tells_hidden: bool = False
) -> pa.Schema:
    """Schema of a predictions table; without lags there is no column `displacements`."""
    fields = [pa.field("frame_idx", pa.int64()), pa.field("instance_score", pa.float32())]
    fields += [pa.field(name, pa.float32()) for name in (*node_columns(skeleton), *class_columns(class_names))]
    fields += [pa.field(name, pa.float32()) for name in (hidden_columns(skeleton) if tells_hidden else ())]
    if lags:
        fields.append(pa.field("displacements", pa.list_(pa.float32(), lags * len(skeleton.nodes) * 2)))
    return pa.schema(fields)


def node_arrays(points: NDArray[Any], scores: NDArray[Any], missing_as_null: bool = False) -> list[pa.Array]:
    """The nodes' columns in the order of `node_columns`, from points (n, nodes, 2) and scores (n, nodes)."""
    values = np.concatenate([points, scores[:, :, None]], axis=2).astype(np.float32)
    flat = np.ascontiguousarray(values.reshape(len(values), 3 * points.shape[1]).T)
    return [pa.array(column, pa.float32(), from_pandas=missing_as_null) for column in flat]


def instance_arrays(instances: Instances) -> list[pa.Array]:
    """The columns of `predictions_schema`."""
    displacements = []
    if instances.lags:
        steps = encode_displacements(instances.points, instances.shifted)
        displacements = [pa.FixedSizeListArray.from_arrays(pa.array(steps.reshape(-1)), int(np.prod(steps.shape[1:])))]
    return [
        pa.array(instances.frame_idx),
        pa.array(instances.score),
        *node_arrays(instances.points, instances.point_scores),
        *(pa.array(column) for column in np.ascontiguousarray(instances.class_scores.T)),
        *(pa.array(column) for column in np.ascontiguousarray(instances.hidden.T)),
        *displacements,
    ]


def instances_from(
    table: pa.Table, skeleton: Skeleton, lags: int, class_names: Sequence[str], tells_hidden: bool = False
) -> Instances:
    """Instances from the columns of `predictions_schema`; null is NaN."""
    nodes = len(skeleton.nodes)
    values = stack_columns(table, node_columns(skeleton)).reshape(-1, nodes, 3)
    points = values[:, :, :2]
    shifted = np.empty((table.num_rows, lags, nodes, 2), np.float32)
    if lags and table.num_rows:
        steps = table.column("displacements").combine_chunks().flatten().to_numpy().reshape(shifted.shape)
        shifted = decode_displacements(points, steps)
    return Instances(
        frame_idx=table.column("frame_idx").to_numpy(),
        score=table.column("instance_score").to_numpy(),
        points=points,
        point_scores=values[:, :, 2],
        class_scores=stack_columns(table, class_columns(class_names)),
        shifted=shifted,
        hidden=stack_columns(table, hidden_columns(skeleton) if tells_hidden else ()),
    )


def stack_columns(table: pa.Table, names: Sequence[str]) -> NDArray[np.float32]:
    """Columns by name as one array (n, columns); null is NaN."""
    values = np.empty((len(names), table.num_rows), np.float32)
    for row, name in enumerate(names):
        values[row] = table.column(name).to_numpy()
    return np.ascontiguousarray(values.T)


def stack_marks(table: pa.Table, names: Sequence[str]) -> NDArray[np.bool_]:
    """Columns of true and false by name as one array (n, columns)."""
    values = np.empty((len(names), table.num_rows), np.bool_)
    for row, name in enumerate(names):
        values[row] = table.column(name).to_numpy()
    return np.ascontiguousarray(values.T)
