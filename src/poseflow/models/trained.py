"""A model that is open: its network can be called."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from poseflow.config import ModelConfig
from poseflow.core.skeleton import Skeleton
from poseflow.networks.framing import Framing


@dataclass(frozen=True)
class TrainedModel:
    """A network with its weights, its profile and its skeleton."""

    path: Path
    config: ModelConfig
    skeleton: Skeleton
    network: Callable[..., dict[str, Any]]
    """Of Keras, or a part of graphs (`networks.onnx.network.StoredNetwork`)."""
    framing: Framing = field(default_factory=Framing)
    """How frames are preprocessed for the network."""

    @property
    def identities(self) -> tuple[str, ...]:
        """Names of the animals that it tells apart, in the order of its classes."""
        return self.config.head.identities or ()
