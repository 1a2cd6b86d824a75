"""The network while it learns: targets are drawn on the device, from points."""

from typing import Any

import keras
from keras import ops

from poseflow.config import HEADS, ModelConfig
from poseflow.skeleton import Skeleton
from poseflow.targets import draw_targets
from poseflow.training.losses import score_heads

Tensor = Any


class TrainedNetwork(keras.Model):
    """A network with the loss of its profile; fed with uint8 images, points and classes, not with maps."""

    def __init__(self, network: keras.Model, config: ModelConfig, skeleton: Skeleton) -> None:
        super().__init__()
        self.network = network
        self.profile = config
        self.skeleton = skeleton
        heads = HEADS[config.kind]
        # Of one head the loss is its own.
        self.terms = {name: keras.metrics.Mean(f"{name}_loss") for name in heads} if len(heads) > 1 else {}

    def call(self, images: Tensor, training: bool = False) -> dict[str, Tensor]:
        """Outputs by head name."""
        return self.network(images, training=training)

    def compute_loss(
        self,
        x: Tensor = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """Sum of the heads' losses by their weights.

        `x` are images; `y` has points (batch, instances, nodes, 2) and classes (batch, instances). The heads' own
        losses are logged beside the sum.
        """
        _, height, width, _ = ops.shape(x)
        targets = draw_targets(y["points"], y["classes"], (height, width), self.profile, self.skeleton)
        losses = score_heads(targets, y_pred, self.profile.training)
        for name, tracker in self.terms.items():
            tracker.update_state(losses[name], sample_weight=ops.shape(x)[0])
        weighted = [self.profile.head.weight(name) * loss for name, loss in losses.items()]
        return weighted[0] if len(weighted) == 1 else ops.sum(ops.stack(weighted))
