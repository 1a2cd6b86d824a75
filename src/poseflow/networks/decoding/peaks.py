"""Peaks of confidence maps, refined below the grid by integral regression."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from poseflow.networks.decoding.cells import take_cells
from poseflow.networks.lazy import ops

Tensor = Any
Place = tuple[Tensor, Tensor, Tensor, Tensor]  # of peaks: image, row, column and channel of the map, all of one shape
PATCH = 5  # side of the patch of integral regression, cells


@dataclass(frozen=True)
class PeakRules:
    """What counts as a peak, and where it then lies, as far as programs differ in it."""

    signed: bool = False
    """Cells below 0 count in integral regression."""
    reading_order: bool = False
    """Local peaks are given in reading order, in place of the highest first."""
    plateaus: Literal["first", "small", "none"] = "first"
    """Of equal cells side by side the first in reading order is the peak; so it is only where they lie in 2 x 2 cells,
    and the patch round it begins at the first column of all; or none of them is."""
    by_axes: bool = False
    """Of several highest cells of a map, the global peak has the first row and the first column of any of them."""


OURS = PeakRules()


def find_global_peaks(
    maps: Tensor,
    output_stride: int,
    threshold: float = 0.2,
    offsets: Tensor | None = None,
    rules: PeakRules = OURS,
) -> tuple[Tensor, Tensor]:
    """Find the highest point of every map.

    Args:
        maps: (batch, height, width, nodes) confidence maps.
        output_stride: px per cell; cell [row, col] is centered on pixel (col, row) * output_stride.
        threshold: a lower peak is no point.
        offsets: (batch, height, width, 2 * nodes), for networks that draw them: x and y of each node, in cells, from
            the cell to its point. They then take the place of integral regression.
        rules: what counts as a peak.

    Returns: points (batch, nodes, 2), (x, y) in px, NaN below the threshold; scores (batch, nodes), the height of the
        peak, whether or not it passes.
    Source: Pereira et al. 2022, Methods, "Part localization".
    """
    maps = ops.cast(maps, "float32")
    batch, height, width, nodes = ops.shape(maps)
    shape = (batch, nodes)
    batches = ops.broadcast_to(ops.arange(batch)[:, None], shape)
    channels = ops.broadcast_to(ops.arange(nodes)[None, :], shape)
    if rules.by_axes:
        rows, columns = (ops.argmax(ops.max(maps, axis=other), axis=1) for other in (2, 1))
        scores = ops.max(maps, axis=(1, 2))
    else:
        cells = ops.argmax(ops.reshape(maps, (batch, height * width, nodes)), axis=1)
        rows, columns = cells // width, cells % width
        scores = take_cells(maps, (batches, rows, columns, channels), depth=1)[..., 0]
    points = _refine(maps, offsets, (batches, rows, columns, channels), rules.signed) * float(output_stride)
    return ops.where((scores >= threshold)[..., None], points, float("nan")), scores


def find_local_peaks(
    maps: Tensor,
    output_stride: int,
    max_peaks: int,
    threshold: float = 0.2,
    offsets: Tensor | None = None,
    rules: PeakRules = OURS,
) -> tuple[Tensor, Tensor]:
    """Find cells greater than their eight neighbors, the `max_peaks` highest of each map.

    Of a plateau of equal cells the first in reading order counts, so that a peak between two cells is not lost (or as
    the rules say). Equally high peaks come in reading order of the 2 x 2 cells that they lie in.

    Args: as `find_global_peaks`.

    Returns: points (batch, nodes, max_peaks, 2), (x, y) in px, highest first, NaN where there are fewer; scores
        (batch, nodes, max_peaks), 0 where there are fewer.
    Source: Pereira et al. 2022, Methods, "Part localization".
    """
    maps = ops.cast(maps, "float32")
    candidates = maps * ops.cast(_is_local_maximum(maps, rules), "float32")
    scores, place = _find_highest(candidates, max_peaks)
    if rules.plateaus == "small":
        scores, place = _keep_small_plateaus(maps, scores, place)
    if rules.reading_order:
        scores, place = _sort_by_place(scores, place, maps.shape[2])
    points = _refine(maps, offsets, place, rules.signed) * float(output_stride)
    there = (scores > 0) & (scores >= threshold)
    return ops.where(there[..., None], points, float("nan")), ops.where(there, scores, 0.0)


def _is_local_maximum(maps: Tensor, rules: PeakRules) -> Tensor:
    """Cells strictly greater than the neighbors before them in reading order, and at least equal to those after."""
    beside = ops.full_like(maps[:, :, :1], -float("inf"))
    above = ops.full_like(maps[:, :1], -float("inf"))
    left = ops.concatenate([beside, maps[:, :, :-1]], axis=2)
    in_rows = ops.max_pool(maps, (1, 3), 1, "same")
    row_above = ops.concatenate([above, in_rows[:, :-1]], axis=1)
    is_first = maps > ops.maximum(row_above, left)
    if rules.plateaus != "none":
        return is_first & (maps >= ops.max_pool(maps, 3, 1, "same"))
    right = ops.concatenate([maps[:, :, 1:], beside], axis=2)
    row_below = ops.concatenate([in_rows[:, 1:], above], axis=1)
    return is_first & (maps > ops.maximum(row_below, right))


def _keep_small_plateaus(maps: Tensor, scores: Tensor, place: Place) -> tuple[Tensor, Place]:
    """Leave out peaks whose equal cells do not lie in 2 x 2, or touch an equal or higher cell outside of them.

    Source: sleap-nn 0.3.5, `inference/ops/peaks.py`, `find_local_peaks_rough` and `find_local_peaks`.
    """
    batches, rows, columns, channels = place
    patch = _patches(maps, *place, outside=-float("inf"))
    near = ops.reshape(ops.cast(patch >= scores[..., None, None], "float32"), (*ops.shape(scores), PATCH * PATCH))
    equal = near * np.array(_NEIGHBORS_AFTER, np.float32)
    east, southwest, _, southeast = (equal[..., cell] > 0 for cell in _AFTER)
    fits = ~(southwest & (east | southeast))
    plateau = equal + np.eye(1, PATCH * PATCH, PATCH * PATCH // 2, dtype=np.float32)[0]
    beside = ops.cast(ops.matmul(plateau, np.array(_TOUCH, np.float32)) > 0, "float32") * (1 - plateau)
    kept = fits & (ops.max(beside * near, axis=-1) == 0)
    # The patch of a refined peak lies round the first column of its plateau.
    columns = ops.where(southwest & kept, columns - 1, columns)
    return ops.where(kept, scores, 0.0), (batches, rows, columns, channels)


_MIDDLE = PATCH * PATCH // 2
_AFTER = (_MIDDLE + 1, _MIDDLE + PATCH - 1, _MIDDLE + PATCH, _MIDDLE + PATCH + 1)
"""Cells of a patch that come after its middle, beside it: east, south-west, south and south-east."""
_NEIGHBORS_AFTER = [float(cell in _AFTER) for cell in range(PATCH * PATCH)]
_TOUCH = [
    [float(max(abs(one // PATCH - other // PATCH), abs(one % PATCH - other % PATCH)) <= 1) for other in range(PATCH**2)]
    for one in range(PATCH**2)
]
"""Which cells of a patch touch one another."""


def _find_highest(candidates: Tensor, count: int) -> tuple[Tensor, Place]:
    """The `count` highest candidates of each map, (batch, nodes, count), and their places; 0 where there are fewer.

    Of 2 x 2 cells at most one is a peak, so it is enough to search the highest of each such block.
    """
    batch, height, width, nodes = ops.shape(candidates)
    blocks = ops.transpose(ops.max_pool(candidates, 2, 2, "same"), (0, 3, 1, 2))
    *_, rows, columns = ops.shape(blocks)
    known = min(count, rows * columns)
    scores, block = ops.top_k(ops.reshape(blocks, (batch, nodes, rows * columns)), known)
    lacking = ((0, 0), (0, 0), (0, count - known))  # small maps have no room for so many
    scores, block = ops.pad(scores, lacking), ops.cast(ops.pad(block, lacking), "int32")
    shape = (batch, nodes, count)
    batches = ops.broadcast_to(ops.arange(batch)[:, None, None], shape)
    channels = ops.broadcast_to(ops.arange(nodes)[None, :, None], shape)
    row = ops.minimum(2 * (block // columns)[..., None] + np.array([0, 0, 1, 1]), height - 1)
    column = ops.minimum(2 * (block % columns)[..., None] + np.array([0, 1, 0, 1]), width - 1)
    cells = take_cells(candidates, (batches[..., None], row, column, channels[..., None]), depth=1)[..., 0]
    which = ops.argmax(cells, axis=-1)[..., None]
    row, column = (ops.take_along_axis(index, which, axis=-1)[..., 0] for index in (row, column))
    return scores, (batches, row, column, channels)


def _sort_by_place(scores: Tensor, place: Place, width: int) -> tuple[Tensor, Place]:
    """The same peaks row by row, from left to right; those that are none come last."""
    batches, rows, columns, channels = place
    # A power of two: OpenVINO sorts whole numbers as float32, in which the greatest int32 would be one too many.
    order = ops.argsort(ops.where(scores > 0, rows * width + columns, 2**30), axis=-1)
    scores, rows, columns = (ops.take_along_axis(part, order, axis=-1) for part in (scores, rows, columns))
    return scores, (batches, rows, columns, channels)


def _patches(
    maps: Tensor, batches: Tensor, rows: Tensor, columns: Tensor, channels: Tensor, outside: float = 0.0
) -> Tensor:
    """Cut the PATCH x PATCH cells round each peak: (..., PATCH, PATCH); `outside` is what lies outside of the map."""
    _, height, width, _ = ops.shape(maps)
    steps = ops.arange(PATCH, dtype="int32") - PATCH // 2
    batch, row, column, channel = (
        ops.cast(index, "int32")[..., None, None] for index in (batches, rows, columns, channels)
    )
    row, column = row + steps[:, None], column + steps
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    place = (batch, ops.clip(row, 0, height - 1), ops.clip(column, 0, width - 1), channel)
    return ops.where(inside, take_cells(maps, place, depth=1)[..., 0], outside)


def _refine(maps: Tensor, offsets: Tensor | None, place: Place, signed: bool) -> Tensor:
    """Peaks between the cells, (..., 2), (x, y) in cells: by the network's own offsets, or by integral regression."""
    _, rows, columns, _ = place
    cells = ops.stack([ops.cast(columns, "float32"), ops.cast(rows, "float32")], axis=-1)
    if offsets is not None:
        return cells + take_cells(offsets, place, depth=2)
    return cells + _integrate(_patches(maps, *place), signed)


def _integrate(patches: Tensor, signed: bool) -> Tensor:
    """From a patch's middle to its center of mass: integral regression (Sun et al. 2018)."""
    steps = ops.arange(PATCH, dtype="float32") - PATCH // 2
    weights = patches if signed else ops.maximum(patches, 0.0)
    mass = ops.sum(weights, axis=(-2, -1))
    mass = ops.where(ops.abs(mass) < 1e-12, 1e-12, mass)
    x = ops.sum(weights * steps, axis=(-2, -1)) / mass
    y = ops.sum(weights * steps[:, None], axis=(-2, -1)) / mass
    return ops.stack([x, y], axis=-1)
