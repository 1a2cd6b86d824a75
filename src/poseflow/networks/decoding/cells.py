"""What maps hold at chosen cells, in the graph."""

from typing import Any

from poseflow.networks.lazy import ops

Tensor = Any


def take_cells(maps: Tensor, place: tuple[Tensor, Tensor, Tensor, Tensor | int], depth: int) -> Tensor:
    """Read the `depth` numbers that stand side by side at each place.

    Args:
        maps: (batch, height, width, channels * depth).
        place: whole numbers: image, row, column and channel, of shapes that broadcast to (...).

    Returns: (..., depth) float32.
    """
    _, height, width, numbers = ops.shape(maps)
    images, rows, columns, channels = (ops.cast(index, "int32") for index in place)
    index = ((images * height + rows) * width + columns) * (numbers // depth) + channels
    return ops.take(ops.reshape(ops.cast(maps, "float32"), (-1, depth)), index, axis=0)
