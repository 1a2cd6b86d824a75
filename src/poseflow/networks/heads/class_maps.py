"""Class maps: where each of the animals that are known by name is."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from poseflow.config import GroupingConfig
from poseflow.config.parts import Stride, Subject
from poseflow.networks.heads.classes import CLIP, ClassWeights, known_weights, one_hot, weigh_classes
from poseflow.networks.heads.maps import DiscHead, Floats, GroupingHead, square_offsets
from poseflow.networks.lazy import ops

if TYPE_CHECKING:
    from poseflow.networks.decoding import Assembled

Tensor = Any


class ClassMaps(DiscHead, GroupingHead):
    """multi_class_bottom_up: class maps, which say whose part it is."""

    needs: ClassVar[str] = "head.identities"
    names_animals: ClassVar[bool] = True
    activation: ClassVar[str | None] = "sigmoid"
    most_peaks: ClassVar[int] = 1 << 15

    output_stride: Stride = Field(
        8, description="As of the confidence maps; coarser ones are learned from what is seen of the whole animal."
    )
    radius_px: float = Field(8.0, gt=0, description="Of the disc round each landmark, in px of the network's input.")
    weight: float = Field(0.02, ge=0, description="Of the cross-entropy beside the confidence maps' squared error.")
    class_weights: ClassWeights = None

    def count_channels(self, subject: Subject) -> int:
        """A map an animal."""
        return len(subject.identities)

    def draw_targets(self, points: Tensor, classes: Tensor, size: tuple[Any, Any], subject: Subject) -> Tensor:
        """See `draw_class_maps`."""
        return draw_class_maps(points, classes, len(subject.identities), *size, self.output_stride, self.radius_px)

    def score(self, targets: Tensor, outputs: Tensor, foreground_weight: float) -> Tensor:
        """See `score_class_maps`."""
        return score_class_maps(targets, outputs, foreground_weight, known_weights(self.class_weights))

    def baseline(self, channels: int) -> float:
        """Each class may be there or not."""
        return 0.5

    def score_peaks(
        self, maps: Tensor, peaks: Tensor, subject: Subject, config: GroupingConfig, longest_side_px: float
    ) -> Tensor:
        """Classes of peaks (batch, points, k, classes); see `decoding.score_classes`."""
        from poseflow.networks.decoding import score_classes  # with SciPy

        return score_classes(maps, peaks, self.output_stride)

    def group_peaks(
        self, peaks: Floats, peak_scores: Floats, evidence: Floats, subject: Subject, config: GroupingConfig
    ) -> "Assembled":
        """See `decoding.group_peaks_by_class`."""
        from poseflow.networks.decoding import group_peaks_by_class

        return group_peaks_by_class(
            peaks, peak_scores, evidence, config.min_class_score or 0.0, bool(config.weigh_peaks)
        )


def draw_class_maps(
    points: Tensor, classes: Tensor, class_count: int, height: int, width: int, output_stride: int, radius_px: float
) -> Tensor:
    """Draw a disc round every landmark, into the channel of its animal's class.

    Args:
        points: (batch, instances, nodes, 2) float32, (x, y) in px of the network's input; NaN where not visible.
        classes: (batch, instances) whole numbers below `class_count`, -1 for an animal without a name.
        height, width: size of the network's input in px, multiples of `output_stride`.
        output_stride: cell [row, col] of a map is centered on pixel (col, row) * output_stride.
        radius_px: a cell no farther than this from a landmark is 1, in px of the network's input.

    Returns: (batch, height / output_stride, width / output_stride, class_count) float32 of 0 and 1; where only an
        animal without a name is, it could be anyone: NaN.
    Source: Pereira et al. 2022, Methods, "Appearance-based ID models".
    """
    points = ops.cast(points, "float32")
    rows = square_offsets(points[..., 1], height // output_stride, output_stride)
    columns = square_offsets(points[..., 0], width // output_stride, output_stride)
    near = ops.any(rows[..., :, None] + columns[..., None, :] <= radius_px**2, axis=2)
    masks = ops.cast(near, "float32")
    drawn = ops.einsum("bkhw,bkc->bhwc", masks, one_hot(classes, class_count)) > 0
    unnamed = ops.cast(ops.cast(classes, "int32") < 0, "float32")
    unknown = ops.einsum("bkhw,bk->bhw", masks, unnamed)[..., None] > 0
    return ops.where(drawn, 1.0, ops.where(unknown, float("nan"), 0.0))


def score_class_maps(
    targets: Tensor, maps: Tensor, foreground_weight: float, weights: Sequence[float] | None = None
) -> Tensor:
    """Binary cross-entropy, averaged over cells; where an animal is, a cell weighs 1 + foreground_weight in each class.

    Cells whose class is not known (NaN) do not count. Of `weights` of the classes, the error in an animal's own map is
    multiplied by its.
    """
    known = ops.logical_not(ops.isnan(targets))
    wanted = ops.where(known, targets, 0.0)
    probability = ops.clip(maps, CLIP, 1 - CLIP)
    entropy = -(wanted * ops.log(probability) + (1 - wanted) * ops.log(1 - probability))
    if weights is not None:
        entropy *= weigh_classes(wanted, weights)
    weight = (1 + foreground_weight * ops.max(wanted, axis=-1, keepdims=True)) * ops.cast(known, "float32")
    return ops.sum(weight * entropy) / ops.maximum(ops.sum(weight), 1.0)
