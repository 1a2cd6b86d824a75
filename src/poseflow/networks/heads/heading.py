"""Heading: round the anchor of each animal, which way it heads."""

from typing import Any, ClassVar

from pydantic import Field

from poseflow.config.parts import Stride, Subject
from poseflow.core.geometry import SHORTEST_PX
from poseflow.networks.heads.maps import DiscHead, square_offsets
from poseflow.networks.lazy import ops

Tensor = Any


class Heading(DiscHead):
    """Which way each animal heads (input.heading), so that its crop can be turned by it."""

    needs: ClassVar[str] = "input.heading"

    output_stride: Stride = Field(4, description="As of the confidence maps.")
    radius_px: float = Field(6.0, gt=0, description="Of the disc round each anchor, in px of the network's input.")
    weight: float = Field(
        0.01, ge=0, description="Of the squared error of the heading, a vector of length 1; 0: it is not learned."
    )

    def is_wanted(self, given: Any) -> bool:
        """Where a node is named."""
        return self.weight > 0 and given.heading is not None

    def count_channels(self, subject: Subject) -> int:
        """X and y."""
        return 2

    def draw_targets(self, points: Tensor, classes: Tensor, size: tuple[Any, Any], subject: Subject) -> Tensor:
        """See `draw_headings`."""
        return draw_headings(points[:, :, 0], points[:, :, 1], *size, self.output_stride, self.radius_px)

    def score(self, targets: Tensor, outputs: Tensor, foreground_weight: float) -> Tensor:
        """See `score_headings`."""
        return score_headings(targets, outputs)


def draw_headings(
    anchors: Tensor, ahead: Tensor, height: int, width: int, output_stride: int, radius_px: float
) -> Tensor:
    """Draw a disc round every anchor, of the unit vector from it to the point ahead of it.

    Args:
        anchors, ahead: (batch, instances, 2) float32, (x, y) in px of the network's input; NaN where missing.
        height, width: size of the network's input in px, multiples of `output_stride`.
        output_stride: cell [row, col] of a map is centered on pixel (col, row) * output_stride.
        radius_px: a cell no farther than this from an anchor tells of it, in px of the network's input; of several the
            nearest, of equally near ones the first.

    Returns: (batch, height / output_stride, width / output_stride, 2) float32, x and y; NaN far from all anchors, and
        where it is not known which way the animal heads.
    """
    anchors, ahead = ops.cast(anchors, "float32"), ops.cast(ahead, "float32")
    rows = square_offsets(anchors[..., 1], height // output_stride, output_stride)
    columns = square_offsets(anchors[..., 0], width // output_stride, output_stride)
    squared = rows[..., :, None] + columns[..., None, :]
    nearest = ops.argmin(squared, axis=1)
    way = ahead - anchors
    length = ops.sqrt(ops.sum(ops.square(way), axis=-1, keepdims=True))
    known = length > SHORTEST_PX  # not of NaN
    unit = ops.where(known, way / ops.where(known, length, 1.0), float("nan"))
    batch, cells_down, cells_across = ops.shape(nearest)
    flat = ops.reshape(nearest, (batch, cells_down * cells_across, 1))
    vectors = ops.take_along_axis(unit, ops.broadcast_to(flat, (batch, cells_down * cells_across, 2)), axis=1)
    near = ops.min(squared, axis=1)[..., None] <= radius_px**2
    return ops.where(near, ops.reshape(vectors, (batch, cells_down, cells_across, 2)), float("nan"))


def score_headings(targets: Tensor, maps: Tensor) -> Tensor:
    """Squared length of the error, averaged over the cells whose heading is known; 0 where there are none."""
    known = ops.logical_not(ops.isnan(targets))
    errors = ops.square(maps - ops.where(known, targets, 0.0))
    count = ops.sum(ops.cast(known, "float32")) / 2
    return ops.sum(ops.where(known, errors, 0.0)) / ops.maximum(count, 1.0)
