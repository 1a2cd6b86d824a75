"""Peaks of confidence maps, refined below the grid by integral regression."""

from typing import Any

from keras import ops

from poseflow.decode.cells import take_cells

Tensor = Any
Place = tuple[Tensor, Tensor, Tensor, Tensor]  # of peaks: image, row, column and channel of the map, all of one shape
PATCH = 5  # side of the patch of integral regression, cells


def find_global_peaks(
    maps: Tensor, output_stride: int, threshold: float = 0.2, offsets: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Find the highest point of every map.

    Args:
        maps: (batch, height, width, nodes) confidence maps.
        output_stride: px per cell; cell [row, col] is centred on pixel (col, row) * output_stride.
        threshold: a lower peak is no point.
        offsets: (batch, height, width, 2 * nodes), for networks that draw them: x and y of each node, in cells, from
            the cell to its point. They then take the place of integral regression.

    Returns: points (batch, nodes, 2), (x, y) in px, NaN below the threshold; scores (batch, nodes), the height of the
        peak, whether or not it passes.
    Source: Pereira et al. 2022, Methods, "Part localization".
    """
    maps = ops.cast(maps, "float32")
    batch, height, width, nodes = ops.shape(maps)
    flat = ops.reshape(maps, (batch, height * width, nodes))
    cells = ops.argmax(flat, axis=1)
    scores = ops.max(flat, axis=1)
    rows, columns = cells // width, cells % width
    place = (_batch_index(batch, nodes), rows, columns, _channel_index(batch, nodes))
    points = _refine(maps, offsets, place) * float(output_stride)
    return ops.where((scores >= threshold)[..., None], points, float("nan")), scores


def find_local_peaks(
    maps: Tensor, output_stride: int, max_peaks: int, threshold: float = 0.2, offsets: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Find cells greater than their eight neighbours, the `max_peaks` highest of each map.

    Of a plateau of equal cells the first in reading order counts, so that a peak between two cells is not lost.

    Args: as `find_global_peaks`.

    Returns: points (batch, nodes, max_peaks, 2), (x, y) in px, highest first, NaN where there are fewer; scores
        (batch, nodes, max_peaks), 0 where there are fewer.
    Source: Pereira et al. 2022, Methods, "Part localization".
    """
    maps = ops.cast(maps, "float32")
    batch, height, width, nodes = ops.shape(maps)
    is_peak = _is_local_maximum(maps) & (maps >= threshold)
    candidates = ops.where(is_peak, maps, 0.0)
    flat = ops.reshape(ops.transpose(candidates, (0, 3, 1, 2)), (batch, nodes, height * width))
    scores, cells = ops.top_k(flat, max_peaks)
    rows, columns = cells // width, cells % width
    shape = (batch, nodes, max_peaks)
    batches = ops.broadcast_to(ops.arange(batch)[:, None, None], shape)
    channels = ops.broadcast_to(ops.arange(nodes)[None, :, None], shape)
    points = _refine(maps, offsets, (batches, rows, columns, channels)) * float(output_stride)
    return ops.where((scores > 0)[..., None], points, float("nan")), scores


def _is_local_maximum(maps: Tensor) -> Tensor:
    _, height, width, _ = ops.shape(maps)
    padded = ops.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-float("inf"))
    result = None
    for row in range(3):
        for column in range(3):
            if (row, column) == (1, 1):
                continue
            neighbour = padded[:, row : row + height, column : column + width]
            # Strictly greater than the neighbours before it, at least equal to those after it.
            greater = maps > neighbour if (row, column) < (1, 1) else maps >= neighbour
            result = greater if result is None else result & greater
    return result


def _batch_index(batch: Any, nodes: int) -> Tensor:
    return ops.broadcast_to(ops.arange(batch)[:, None], (batch, nodes))


def _channel_index(batch: Any, nodes: int) -> Tensor:
    return ops.broadcast_to(ops.arange(nodes)[None, :], (batch, nodes))


def _patches(maps: Tensor, batches: Tensor, rows: Tensor, columns: Tensor, channels: Tensor) -> Tensor:
    """Cut the PATCH x PATCH cells round each peak, zero outside of the map: (..., PATCH, PATCH)."""
    half = PATCH // 2
    padded = ops.pad(maps, ((0, 0), (half, half), (half, half), (0, 0)))
    steps = ops.arange(PATCH, dtype="int32")
    batch, row, column, channel = (
        ops.cast(index, "int32")[..., None, None] for index in (batches, rows, columns, channels)
    )
    return take_cells(padded, (batch, row + steps[:, None], column + steps, channel), depth=1)[..., 0]


def _refine(maps: Tensor, offsets: Tensor | None, place: Place) -> Tensor:
    """Peaks between the cells, (..., 2), (x, y) in cells: by the network's own offsets, or by integral regression."""
    _, rows, columns, _ = place
    cells = ops.stack([ops.cast(columns, "float32"), ops.cast(rows, "float32")], axis=-1)
    return cells + (_integrate(_patches(maps, *place)) if offsets is None else take_cells(offsets, place, depth=2))


def _integrate(patches: Tensor) -> Tensor:
    """From a patch's middle to its centre of mass: integral regression (Sun et al. 2018)."""
    steps = ops.arange(PATCH, dtype="float32") - PATCH // 2
    weights = ops.maximum(patches, 0.0)
    mass = ops.maximum(ops.sum(weights, axis=(-2, -1)), 1e-12)
    x = ops.sum(weights * steps, axis=(-2, -1)) / mass
    y = ops.sum(weights * steps[:, None], axis=(-2, -1)) / mass
    return ops.stack([x, y], axis=-1)
