"""Class maps and class vectors: which animal is where."""

from typing import Any

from keras import ops

Tensor = Any


def draw_class_maps(
    points: Tensor, classes: Tensor, class_count: int, height: int, width: int, output_stride: int, radius_px: float
) -> Tensor:
    """Draw a disc round every landmark, into the channel of its animal's class.

    Args:
        points: (batch, instances, nodes, 2) float32, (x, y) in px of the network's input; NaN where not visible.
        classes: (batch, instances) whole numbers below `class_count`, -1 for an animal without a name.
        height, width: size of the network's input in px, multiples of `output_stride`.
        output_stride: cell [row, col] of a map is centred on pixel (col, row) * output_stride.
        radius_px: a cell no farther than this from a landmark is 1, in px of the network's input.

    Returns: (batch, height / output_stride, width / output_stride, class_count) float32 of 0 and 1; where only an
        animal without a name is, it could be anyone: NaN.
    Source: Pereira et al. 2022, Methods, "Appearance-based ID models".
    """
    points = ops.cast(points, "float32")
    rows = _squared_offsets(points[..., 1], height // output_stride, output_stride)
    columns = _squared_offsets(points[..., 0], width // output_stride, output_stride)
    near = ops.any(rows[..., :, None] + columns[..., None, :] <= radius_px**2, axis=2)
    masks = ops.cast(near, "float32")
    drawn = ops.einsum("bkhw,bkc->bhwc", masks, _one_hot(classes, class_count)) > 0
    unnamed = ops.cast(ops.cast(classes, "int32") < 0, "float32")
    unknown = ops.einsum("bkhw,bk->bhw", masks, unnamed)[..., None] > 0
    return ops.where(drawn, 1.0, ops.where(unknown, float("nan"), 0.0))


def draw_class_vectors(classes: Tensor, class_count: int) -> Tensor:
    """One-hot vectors (batch, class_count) float32 of classes (batch, 1), all NaN for an animal without a name."""
    classes = ops.cast(classes, "int32")
    return ops.where(classes < 0, float("nan"), _one_hot(classes, class_count)[:, 0])


def _one_hot(classes: Tensor, class_count: int) -> Tensor:
    return ops.cast(ops.cast(classes, "int32")[..., None] == ops.arange(class_count, dtype="int32"), "float32")


def _squared_offsets(coordinates: Tensor, cells: int, output_stride: int) -> Tensor:
    """(..., cells) px², infinite for a point that is not visible."""
    grid = ops.arange(0, cells, dtype="float32") * output_stride
    return ops.square(grid - ops.where(ops.isfinite(coordinates), coordinates, float("inf"))[..., None])
