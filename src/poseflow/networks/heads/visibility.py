"""Visibility maps: round each landmark, whether it is hidden."""

from typing import Any, ClassVar

from pydantic import Field

from poseflow.config.parts import Stride, Subject
from poseflow.networks.heads.class_maps import score_class_maps
from poseflow.networks.heads.maps import DiscHead, square_offsets
from poseflow.networks.lazy import ops

Tensor = Any


class Visibility(DiscHead):
    """Which nodes are hidden: labeled, and found, though nobody can see them (labels.keep_hidden)."""

    needs: ClassVar[str] = "nodes in the skeleton"
    learns_hidden: ClassVar[bool] = True
    activation: ClassVar[str | None] = "sigmoid"

    output_stride: Stride = Field(
        8, description="As of the confidence maps; coarser ones are learned from what is seen of the whole animal."
    )
    radius_px: float = Field(8.0, gt=0, description="Of the disc round each landmark, in px of the network's input.")
    weight: float = Field(
        0.0,
        ge=0,
        description="Of the cross-entropy beside the confidence maps' squared error, 0.02 for instance; 0: the network "
        "does not learn it.",
    )

    def count_channels(self, subject: Subject) -> int:
        """A map a point."""
        return subject.points

    def draw_targets(self, points: Tensor, classes: Tensor, size: tuple[Any, Any], subject: Subject) -> Tensor:
        """Of points that all are visible."""
        return self.draw_with_hidden(points, ops.zeros_like(points[..., 0], dtype="bool"), classes, size, subject)

    def draw_with_hidden(
        self, points: Tensor, hidden: Tensor, classes: Tensor, size: tuple[Any, Any], subject: Subject
    ) -> Tensor:
        """See `draw_visibility_maps`."""
        return draw_visibility_maps(points, hidden, *size, self.output_stride, self.radius_px)

    def score(self, targets: Tensor, outputs: Tensor, foreground_weight: float) -> Tensor:
        """Binary cross-entropy, averaged over the cells near landmarks: so an output is the probability of hidden."""
        return score_class_maps(targets, outputs, foreground_weight=0.0)

    def baseline(self, channels: int) -> float:
        """A landmark may be hidden or not."""
        return 0.5


def draw_visibility_maps(
    points: Tensor, hidden: Tensor, height: int, width: int, output_stride: int, radius_px: float
) -> Tensor:
    """Draw a disc round every landmark, of 1 where it is hidden and of 0 where it is not.

    Args:
        points: (batch, instances, nodes, 2) float32, (x, y) in px of the network's input; NaN where missing.
        hidden: (batch, instances, nodes), which of them are hidden.
        height, width: size of the network's input in px, multiples of `output_stride`.
        output_stride: cell [row, col] of a map is centered on pixel (col, row) * output_stride.
        radius_px: a cell no farther than this from a landmark tells of it, in px of the network's input; of the same
            node of several animals the nearest counts, and of equally near ones one that is visible.

    Returns: (batch, height / output_stride, width / output_stride, nodes) float32 of 0 and 1; far from all, NaN.
    """
    points, hidden = ops.cast(points, "float32"), ops.cast(hidden, "bool")[..., None, None]
    rows = square_offsets(points[..., 1], height // output_stride, output_stride)
    columns = square_offsets(points[..., 0], width // output_stride, output_stride)
    squared = rows[..., :, None] + columns[..., None, :]
    to_hidden = ops.min(ops.where(hidden, squared, float("inf")), axis=1)
    to_visible = ops.min(ops.where(hidden, float("inf"), squared), axis=1)
    near = ops.minimum(to_hidden, to_visible) <= radius_px**2
    maps = ops.where(near, ops.cast(to_hidden < to_visible, "float32"), float("nan"))
    return ops.transpose(maps, (0, 2, 3, 1))
