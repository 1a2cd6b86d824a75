"""The network while it learns: targets are drawn on the device, from points."""

from typing import Any

import keras
from keras import ops

from poseflow.config import ModelConfig
from poseflow.targets import draw_targets

Tensor = Any


class TrainedNetwork(keras.Model):
    """A network with the loss of its profile; fed with uint8 images and points, not with maps."""

    def __init__(self, network: keras.Model, config: ModelConfig) -> None:
        super().__init__()
        self.network = network
        self.profile = config

    def call(self, images: Tensor, training: bool = False) -> dict[str, Tensor]:
        """Maps by head name."""
        return self.network(images, training=training)

    def compute_loss(
        self,
        x: Tensor = None,
        y: Tensor = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """Weighted squared error of all heads; `x` are images, `y` points (batch, instances, nodes, 2)."""
        _, height, width, _ = ops.shape(x)
        targets = draw_targets(self.profile.kind, y, height, width, self.profile.head)
        weight = self.profile.training.foreground_weight
        losses = [score_maps(targets[name], y_pred[name], weight) for name in targets]
        return losses[0] if len(losses) == 1 else ops.sum(ops.stack(losses))


def score_maps(targets: Tensor, maps: Tensor, foreground_weight: float) -> Tensor:
    """Mean squared error in which a cell weighs 1 + foreground_weight x target.

    Maps are nearly empty: without the weight the all-zero answer is a long plateau (docs/benchmarks.md).
    """
    return ops.mean((1 + foreground_weight * targets) * ops.square(maps - targets))
