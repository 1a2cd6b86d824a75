"""The network while it learns: targets are drawn on the device, from points."""

from typing import Any

import keras
from keras import ops

from poseflow.config import KINDS, ModelConfig
from poseflow.config.model import CONFIDENCE_MAPS
from poseflow.core.similarity import EYE_FACTOR, LEAST_LENGTH_PX, THIN
from poseflow.core.skeleton import Skeleton
from poseflow.networks.build import draw_targets, prepare_image, standardized_network
from poseflow.networks.decoding import find_global_peaks
from poseflow.training.devices import apply_to_share, gather_batch, share_loss

Tensor = Any
HARD_RATIO, LEAST_HARD = 2.0, 2


class TrainedNetwork(keras.Model):
    """A network with the loss of its profile; fed with uint8 images, points, classes and hidden ones, not with maps."""

    def __init__(self, network: keras.Model, config: ModelConfig, skeleton: Skeleton) -> None:
        super().__init__()
        self.network = network
        self._standardized = standardized_network(network)
        self.profile = config
        self.skeleton = skeleton
        # Of one head the loss is its own.
        self.terms = (
            {name: keras.metrics.Mean(f"{name}_loss") for name in config.heads} if len(config.heads) > 1 else {}
        )
        kind = KINDS[config.kind]
        # Where a sample is one animal's: of several animals' peaks it is not known yet which belong together.
        self.oks = keras.metrics.Mean("oks") if kind.sampler == "crops" or kind.pipeline == "single_animal" else None
        self.built = True  # as the network is; to build it, Keras would take a batch from those of the training

    def call(self, inputs: dict[str, Tensor], training: bool = False) -> dict[str, Tensor]:
        """Outputs by head name, of `images` that are standardized by `intensity` (see `data.Batch`)."""
        prepared = prepare_image(inputs["images"], inputs["intensity"], self.profile)
        if training:
            return self._standardized(prepared, training=True)
        return apply_to_share(self._standardized, prepared)

    def compute_loss(
        self,
        x: Tensor = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """Sum of the heads' losses by their weights.

        `x` has images; `y` has points (batch, instances, nodes, 2), classes (batch, instances), and, of the points,
        which are hidden (batch, instances, nodes). The heads' own
        losses are logged beside the sum, and so is the OKS of the points, where each sample shows one animal.

        Where several devices share the batch, all of them compute the loss of the whole, which is no mean of the losses
        of shares, since cells and names that are not known do not count.
        """
        batch, height, width, _ = ops.shape(x["images"])
        size, hidden = (height, width), y.get("hidden")
        targets = draw_targets(y["points"], y["classes"], size, self.profile, self.skeleton, hidden)
        targets, points = gather_batch((targets, y["points"]))
        y_pred = gather_batch(y_pred)
        weighted = []
        training_config = self.profile.training
        for name, head in self.profile.heads.items():
            loss = head.score(targets[name], y_pred[name], training_config.foreground_weight)
            if name == CONFIDENCE_MAPS and training_config.hard_nodes and targets[name].shape[-1] > 1:
                hard = score_hard_nodes(targets[name], y_pred[name], training_config.foreground_weight)
                loss += training_config.hard_nodes * hard
            if name in self.terms:
                self.terms[name].update_state(loss, sample_weight=batch)
            weighted.append(head.weight * loss)
        if self.oks is not None:
            maps = y_pred[CONFIDENCE_MAPS]
            oks, is_labeled = score_oks_of_peaks(points[:, 0], maps, self.profile.head.output_stride)
            self.oks.update_state(oks, sample_weight=is_labeled)
        return share_loss(weighted[0] if len(weighted) == 1 else ops.sum(ops.stack(weighted)))

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        """Nothing: it is built. Keras asks for batches here even then, where several devices train on TensorFlow."""


def score_hard_nodes(targets: Tensor, maps: Tensor, foreground_weight: float) -> Tensor:
    """Mean error of the nodes that are hard to find in this batch: all far above the easiest, and at least LEAST_HARD.

    Args:
        targets, maps: (batch, rows, columns, nodes). foreground_weight: as in `score_confidence_maps`.

    Source: SLEAP's online hard keypoint mining (`sleap/nn/losses.py`), by its documented settings.
    """
    targets = ops.cast(targets, "float32")
    errors = (1 + foreground_weight * targets) * ops.square(ops.cast(maps, "float32") - targets)
    by_node = ops.mean(errors, axis=(0, 1, 2))
    hardest = ops.flip(ops.sort(by_node))
    bound = ops.minimum(HARD_RATIO * ops.min(by_node), hardest[LEAST_HARD - 1])
    is_hard = ops.stop_gradient(ops.cast(by_node >= bound, "float32"))
    return ops.sum(by_node * is_hard) / ops.sum(is_hard)


def score_oks_of_peaks(points: Tensor, maps: Tensor, output_stride: int) -> tuple[Tensor, Tensor]:
    """OKS of the highest peaks, however low they are: `core.similarity.score_oks` (COCO's form) on the device.

    Args:
        points: (batch, nodes, 2) of the animal, (x, y) in px of the network's input, NaN where not labeled.
        maps: (batch, rows, columns, nodes) confidence maps. output_stride: px per cell.

    Returns: (batch,) from 0 to 1, and whether any node is labeled; 0 where none is.
    """
    found, _ = find_global_peaks(maps, output_stride, threshold=-float("inf"))
    points = ops.cast(points, "float32")
    is_labeled = ops.all(ops.isfinite(points), axis=-1)
    low = ops.min(ops.where(is_labeled[..., None], points, float("inf")), axis=1)
    high = ops.max(ops.where(is_labeled[..., None], points, -float("inf")), axis=1)
    sides = ops.maximum(high - low, 0.0)
    long, short = ops.max(sides, axis=-1), ops.min(sides, axis=-1)
    thin = short / ops.maximum(long, 1e-6)
    areas = ops.maximum(long * short, ops.square(ops.maximum(long, LEAST_LENGTH_PX)) * (1 - thin / THIN))
    squared = ops.sum(ops.square(found - ops.where(is_labeled[..., None], points, 0.0)), axis=-1)
    by_node = ops.exp(-squared / (2 * (2 * EYE_FACTOR) ** 2 * areas[:, None]))
    labeled = ops.cast(is_labeled, "float32")
    count = ops.sum(labeled, axis=-1)
    return ops.sum(by_node * labeled, axis=-1) / ops.maximum(count, 1.0), count > 0
