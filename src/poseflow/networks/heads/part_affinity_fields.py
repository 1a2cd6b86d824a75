"""Part affinity fields: along every edge of an animal's skeleton, which way it points."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from poseflow.config import GroupingConfig
from poseflow.config.parts import Stride, Subject
from poseflow.networks.heads.maps import Floats, GroupingHead
from poseflow.networks.lazy import ops

if TYPE_CHECKING:
    from poseflow.networks.decoding import Assembled

Tensor = Any


class PartAffinityFields(GroupingHead):
    """bottom_up: part affinity fields, which say what parts belong together."""

    needs: ClassVar[str] = "edges in the skeleton"
    needs_connected_skeleton: ClassVar[bool] = True

    output_stride: Stride = Field(8, description="As of the confidence maps; fields may be coarser.")
    sigma_px: float = Field(15.0, gt=0, description="Spread of a field to either side of its edge, input px.")
    weight: float = Field(1.0, ge=0, description="Of the fields' squared error beside that of the confidence maps.")

    def count_channels(self, subject: Subject) -> int:
        """X and y of each edge."""
        return 2 * len(subject.skeleton.edges)

    def draw_targets(self, points: Tensor, classes: Tensor, size: tuple[Any, Any], subject: Subject) -> Tensor:
        """See `draw_part_affinity_fields`."""
        return draw_part_affinity_fields(points, subject.skeleton.edges, *size, self.output_stride, self.sigma_px)

    def score(self, targets: Tensor, outputs: Tensor, foreground_weight: float) -> Tensor:
        """See `score_fields`."""
        return score_fields(targets, outputs, foreground_weight)

    def score_peaks(
        self, maps: Tensor, peaks: Tensor, subject: Subject, config: GroupingConfig, longest_side_px: float
    ) -> Tensor:
        """Scores of edges (batch, edges, k, k); see `decoding.score_edge_candidates`."""
        from poseflow.networks.decoding import score_edge_candidates  # with SciPy

        longest = None if config.max_edge_length is None else config.max_edge_length * longest_side_px
        return score_edge_candidates(
            maps, peaks, subject.skeleton.edges, self.output_stride, config.edge_samples, longest, config.length_penalty
        )

    def group_peaks(
        self, peaks: Floats, peak_scores: Floats, evidence: Floats, subject: Subject, config: GroupingConfig
    ) -> "Assembled":
        """See `decoding.link_peaks`."""
        from poseflow.networks.decoding import link_peaks

        return link_peaks(
            peaks, peak_scores, evidence, subject.skeleton, config.min_edge_score, bool(config.weigh_peaks)
        )


def draw_part_affinity_fields(
    points: Tensor, edges: Sequence[tuple[int, int]], height: int, width: int, output_stride: int, sigma_px: float
) -> Tensor:
    """Draw each edge's unit vector x exp(-m^2 / 2 sigma^2); several animals combined by the sum.

    m is the distance of a cell to the edge as a segment: its projection onto the edge is clamped to the ends.

    Args:
        points: (batch, instances, nodes, 2) float32, (x, y) in px of the network's input; NaN where not visible.
        edges: source and destination node of each edge.
        height, width: size of the network's input in px, multiples of `output_stride`.
        output_stride: cell [row, col] of a field is centered on pixel (col, row) * output_stride.
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


def score_fields(targets: Tensor, fields: Tensor, foreground_weight: float) -> Tensor:
    """As `score_confidence_maps`; a cell of an edge weighs by the length of the edge's vector there, in x as in y."""
    batch, height, width, channels = ops.shape(targets)
    vectors = ops.reshape(targets, (batch, height, width, channels // 2, 2))
    errors = ops.square(ops.reshape(fields, (batch, height, width, channels // 2, 2)) - vectors)
    lengths = ops.sqrt(ops.sum(ops.square(vectors), axis=-1, keepdims=True))
    return ops.mean((1 + foreground_weight * lengths) * errors)
