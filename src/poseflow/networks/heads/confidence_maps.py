"""Confidence maps: a Gaussian round every landmark."""

from typing import Any, ClassVar

from poseflow.config.parts import Stride, Subject
from poseflow.networks.heads.maps import MapHead
from poseflow.networks.lazy import ops

Tensor = Any


class ConfidenceMaps(MapHead):
    """Where the landmarks are; its settings stand in a profile's `head` itself, which has their defaults."""

    needs: ClassVar[str] = "nodes in the skeleton"

    output_stride: Stride
    sigma_px: float

    def count_channels(self, subject: Subject) -> int:
        """A map a point."""
        return subject.points

    def draw_targets(self, points: Tensor, classes: Tensor, size: tuple[Any, Any], subject: Subject) -> Tensor:
        """See `draw_confidence_maps`."""
        return draw_confidence_maps(points[:, :, : subject.points], *size, self.output_stride, self.sigma_px)

    def score(self, targets: Tensor, outputs: Tensor, foreground_weight: float) -> Tensor:
        """See `score_confidence_maps`."""
        return score_confidence_maps(targets, outputs, foreground_weight)


def draw_confidence_maps(points: Tensor, height: int, width: int, output_stride: int, sigma_px: float) -> Tensor:
    """Draw exp(-d^2 / 2 sigma^2) round every point; several animals combined by the maximum.

    Args:
        points: (batch, instances, nodes, 2) float32, (x, y) in px of the network's input; NaN where not visible.
        height, width: size of the network's input in px, multiples of `output_stride`.
        output_stride: cell [row, col] of a map is centered on pixel (col, row) * output_stride.
        sigma_px: spread, in px of the network's input.

    Returns: (batch, height / output_stride, width / output_stride, nodes) float32; zero where no point is visible.
    Source: Pereira et al. 2022, Methods, "Part localization".
    """
    points = ops.cast(points, "float32")
    # The Gaussian is separable: two profiles and an outer product instead of a distance per cell.
    rows = _gaussian_profiles(points[..., 1], height // output_stride, output_stride, sigma_px)
    columns = _gaussian_profiles(points[..., 0], width // output_stride, output_stride, sigma_px)
    return ops.max(ops.einsum("bknh,bknw->bkhwn", rows, columns), axis=1)


def _gaussian_profiles(coordinates: Tensor, cells: int, output_stride: int, sigma_px: float) -> Tensor:
    grid = ops.arange(0, cells, dtype="float32") * output_stride
    visible = ops.isfinite(coordinates)
    offsets = grid - ops.where(visible, coordinates, 0.0)[..., None]
    profiles = ops.exp(-ops.square(offsets) / (2 * sigma_px**2))
    return profiles * ops.cast(visible, "float32")[..., None]


def score_confidence_maps(targets: Tensor, maps: Tensor, foreground_weight: float) -> Tensor:
    """Mean squared error in which a cell weighs 1 + foreground_weight x target.

    Maps are nearly empty: without the weight the all-zero answer is a long plateau (docs/benchmarks.md).
    """
    return ops.mean((1 + foreground_weight * targets) * ops.square(maps - targets))
