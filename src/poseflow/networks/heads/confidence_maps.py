"""Confidence maps: a Gaussian round every landmark."""

from typing import Any

from keras import ops

Tensor = Any


def draw_confidence_maps(points: Tensor, height: int, width: int, output_stride: int, sigma_px: float) -> Tensor:
    """Draw exp(-d^2 / 2 sigma^2) round every point; several animals combined by the maximum.

    Args:
        points: (batch, instances, nodes, 2) float32, (x, y) in px of the network's input; NaN where not visible.
        height, width: size of the network's input in px, multiples of `output_stride`.
        output_stride: cell [row, col] of a map is centred on pixel (col, row) * output_stride.
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
