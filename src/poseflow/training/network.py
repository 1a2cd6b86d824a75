"""The network while it learns: targets are drawn on the device, from points."""

from typing import Any

import keras
from keras import ops

from poseflow.config import ModelConfig
from poseflow.core.skeleton import Skeleton
from poseflow.networks.build import draw_targets, prepare_image, standardized_network

Tensor = Any


class TrainedNetwork(keras.Model):
    """A network with the loss of its profile; fed with uint8 images, points and classes, not with maps."""

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

    def call(self, inputs: dict[str, Tensor], training: bool = False) -> dict[str, Tensor]:
        """Outputs by head name, of `images` that are standardized by `intensity` (see `data.Batch`)."""
        prepared = prepare_image(inputs["images"], inputs["intensity"], self.profile)
        return self._standardized(prepared, training=training)

    def compute_loss(
        self,
        x: Tensor = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """Sum of the heads' losses by their weights.

        `x` has images; `y` has points (batch, instances, nodes, 2) and classes (batch, instances). The heads' own
        losses are logged beside the sum.
        """
        batch, height, width, _ = ops.shape(x["images"])
        targets = draw_targets(y["points"], y["classes"], (height, width), self.profile, self.skeleton)
        weighted = []
        for name, head in self.profile.heads.items():
            loss = head.score(targets[name], y_pred[name], self.profile.training.foreground_weight)
            if name in self.terms:
                self.terms[name].update_state(loss, sample_weight=batch)
            weighted.append(head.weight * loss)
        return weighted[0] if len(weighted) == 1 else ops.sum(ops.stack(weighted))
