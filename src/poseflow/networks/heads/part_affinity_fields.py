"""Part affinity fields: along every edge of an animal's skeleton, which way it points."""

from collections.abc import Sequence
from typing import Any

from keras import ops

Tensor = Any


def draw_part_affinity_fields(
    points: Tensor, edges: Sequence[tuple[int, int]], height: int, width: int, output_stride: int, sigma_px: float
) -> Tensor:
    """Draw each edge's unit vector x exp(-m^2 / 2 sigma^2); several animals combined by the sum.

    m is the distance of a cell to the edge as a segment: its projection onto the edge is clamped to the ends.

    Args:
        points: (batch, instances, nodes, 2) float32, (x, y) in px of the network's input; NaN where not visible.
        edges: source and destination node of each edge.
        height, width: size of the network's input in px, multiples of `output_stride`.
        output_stride: cell [row, col] of a field is centred on pixel (col, row) * output_stride.
        sigma_px: spread, in px of the network's input.

    Returns: (batch, height / output_stride, width / output_stride, 2 * edges) float32, x and y of each edge in turn;
        zero for an edge that is not visible at both ends, or has no length.
    Source: Pereira et al. 2022, Methods, "Bottom-up multi-animal pose estimation".
    """
    points = ops.cast(points, "float32")
    sources, targets = (ops.take(points, [edge[end] for edge in edges], axis=2) for end in (0, 1))
    visible = ops.all(ops.isfinite(sources) & ops.isfinite(targets), axis=-1, keepdims=True)
    sources, along = ops.where(visible, sources, 0.0), ops.where(visible, targets - sources, 0.0)
    length = ops.sqrt(ops.sum(ops.square(along), axis=-1, keepdims=True))
    unit = along / ops.maximum(length, 1e-6)
    x = _offsets(sources[..., 0], width // output_stride, output_stride)[..., None, :]
    y = _offsets(sources[..., 1], height // output_stride, output_stride)[..., :, None]
    unit_x, unit_y = unit[..., 0, None, None], unit[..., 1, None, None]
    projection = ops.clip(x * unit_x + y * unit_y, 0.0, length[..., None])
    squared = ops.square(x - projection * unit_x) + ops.square(y - projection * unit_y)
    fields = ops.einsum("bkehw,bkec->bhwec", ops.exp(-squared / (2 * sigma_px**2)), unit)
    batch, rows, columns, *_ = ops.shape(fields)
    return ops.reshape(fields, (batch, rows, columns, 2 * len(edges)))


def _offsets(coordinates: Tensor, cells: int, output_stride: int) -> Tensor:
    return ops.arange(0, cells, dtype="float32") * output_stride - coordinates[..., None]
