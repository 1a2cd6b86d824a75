"""What the maps say of peaks: which of them belong together, and to whom; in the graph, for all of them at once."""

from collections.abc import Sequence
from typing import Any

from poseflow.networks.decoding.cells import take_cells
from poseflow.networks.lazy import ops

Tensor = Any


def score_edge_candidates(
    fields: Tensor,
    peaks: Tensor,
    edges: Sequence[tuple[int, int]],
    output_stride: int,
    samples: int = 10,
    max_length_px: float | None = None,
    length_penalty: float = 1.0,
) -> Tensor:
    """Score every pair of a source and a destination peak of each edge by the field's line integral.

    The mean, over `samples` evenly spaced points of the segment, of the field's component along it: 1 when the field
    points from source to destination all the way, -1 when it points back, 0 for a segment without length. Fields are
    read at the nearest cell. A pair farther apart than `max_length_px` loses length_penalty * (1 - max_length_px /
    length).

    Args:
        fields: (batch, height, width, 2 * edges), (x, y) components of each edge in turn; cell [row, col] is centered
            on pixel (col, row) * output_stride.
        peaks: (batch, nodes, k, 2), (x, y) in px of the network's input, NaN where there are fewer than k.
        edges: source and destination node of each edge.

    Returns: (batch, edges, k, k) float32, [source, destination]; NaN where a peak is missing.
    Source: Pereira et al. 2022, Methods, "Bottom-up multi-animal pose estimation"; nearest cell and penalty as in
        SLEAP 1.x, `sleap/nn/paf_grouping.py`, `make_line_subs` and `compute_distance_penalty`.
    """
    batch, height, width, _ = ops.shape(fields)
    missing = ops.logical_not(ops.all(ops.isfinite(peaks), axis=-1))
    present = ops.where(missing[..., None], 0.0, peaks)
    source_nodes, target_nodes = ([edge[end] for edge in edges] for end in (0, 1))
    sources = ops.take(present, source_nodes, axis=1)[:, :, :, None]
    along = ops.take(present, target_nodes, axis=1)[:, :, None] - sources
    length = ops.sqrt(ops.sum(ops.square(along), axis=-1))
    steps = ops.linspace(0.0, 1.0, samples)[:, None]
    line = sources[..., None, :] + along[..., None, :] * steps  # (batch, edges, k, k, samples, 2)
    rows, columns = _nearest_cells(line, output_stride, height, width)
    frame = ops.reshape(ops.arange(batch, dtype="int32"), (-1, 1, 1, 1, 1))
    edge = ops.reshape(ops.arange(len(edges), dtype="int32"), (1, -1, 1, 1, 1))
    vectors = take_cells(fields, (frame, rows, columns, edge), depth=2)
    unit = along / ops.maximum(length, 1e-6)[..., None]
    scores = ops.mean(ops.sum(vectors * unit[..., None, :], axis=-1), axis=-1)
    if max_length_px is not None:
        scores += length_penalty * ops.minimum(max_length_px / ops.maximum(length, 1e-6) - 1.0, 0.0)
    lacking = ops.take(missing, source_nodes, axis=1)[..., None] | ops.take(missing, target_nodes, axis=1)[:, :, None]
    return ops.where(lacking, float("nan"), scores)


def score_classes(maps: Tensor, peaks: Tensor, output_stride: int) -> Tensor:
    """Read class maps at peaks, at the nearest cell.

    Args:
        maps: (batch, height, width, classes) probabilities.
        peaks: (batch, nodes, k, 2), (x, y) in px of the network's input, NaN where there are fewer than k.
        output_stride: px per cell.

    Returns: (batch, nodes, k, classes) float32, NaN for a missing peak.
    Source: Pereira et al. 2022, Methods, "Appearance-based ID models".
    """
    batch, height, width, classes = ops.shape(maps)
    found = ops.all(ops.isfinite(peaks), axis=-1, keepdims=True)
    rows, columns = _nearest_cells(ops.where(found, peaks, 0.0), output_stride, height, width)
    frame = ops.reshape(ops.arange(batch, dtype="int32"), (-1, 1, 1))
    scores = take_cells(maps, (frame, rows, columns, 0), depth=classes)
    return ops.where(found, scores, float("nan"))


def score_hidden(maps: Tensor, points: Tensor, output_stride: int) -> Tensor:
    """Read visibility maps at points, at the nearest cell.

    Args:
        maps: (batch, height, width, nodes) probabilities that a node is hidden.
        points: (batch, nodes, 2), or (batch, nodes, k, 2), (x, y) in px of the network's input, NaN where missing.
        output_stride: px per cell.

    Returns: (batch, nodes), or (batch, nodes, k), float32, NaN for a missing point.
    """
    batch, height, width, nodes = ops.shape(maps)
    beyond = [1] * (len(points.shape) - 3)
    found = ops.all(ops.isfinite(points), axis=-1)
    rows, columns = _nearest_cells(ops.where(found[..., None], points, 0.0), output_stride, height, width)
    frame = ops.reshape(ops.arange(batch, dtype="int32"), (-1, 1, *beyond))
    node = ops.reshape(ops.arange(nodes, dtype="int32"), (1, -1, *beyond))
    return ops.where(found, take_cells(maps, (frame, rows, columns, node), depth=1)[..., 0], float("nan"))


def read_headings(maps: Tensor, anchors: Tensor, output_stride: int) -> Tensor:
    """Read heading maps at anchors, at the nearest cell.

    Args:
        maps: (batch, height, width, 2), x and y of the heading.
        anchors: (batch, k, 2), (x, y) in px of the network's input, NaN where there are fewer than k.
        output_stride: px per cell.

    Returns: (batch, k, 2) float32, vectors of about length 1, NaN for a missing anchor.
    """
    return score_classes(maps, anchors[:, None], output_stride)[:, 0]


def _nearest_cells(points: Tensor, output_stride: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Rows and columns of the cells nearest to points (..., 2), within the map."""
    cells = ops.cast(ops.round(points / output_stride), "int32")
    return ops.clip(cells[..., 1], 0, height - 1), ops.clip(cells[..., 0], 0, width - 1)
