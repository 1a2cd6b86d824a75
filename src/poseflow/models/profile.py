"""What a model folder says, and which models can run together."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from poseflow.config import KINDS, ModelConfig, find_heading_fault, find_pipeline_fault
from poseflow.core.errors import ModelError, SkeletonError
from poseflow.core.skeleton import Skeleton


@dataclass(frozen=True)
class ModelFolder:
    """What a model folder says of its network, in poseflow's terms whoever wrote it.

    Of a SLEAP model, `config` has what a profile can say of it: the backbone is a UNet with the same maximum stride,
    whatever the network is, since the network itself stands in the weights file.
    """

    path: Path
    config: ModelConfig
    skeleton: Skeleton
    text: str
    """Its settings, of SLEAP's architecture and preprocessing; YAML, to be read by people."""
    frame_size: tuple[int | None, int | None] | None = None
    """(height, width) that SLEAP brings frames of any other size to, before all else; None: they stay as they are."""


class DescribedModel(Protocol):
    """A model, open (`poseflow.models.TrainedModel`) or not (`ModelFolder`)."""

    @property
    def path(self) -> Path:
        """Its folder."""

    @property
    def config(self) -> ModelConfig:
        """Its profile."""

    @property
    def skeleton(self) -> Skeleton:
        """Of the animals that it finds."""


def check_together(models: Sequence[DescribedModel]) -> None:
    """Check that models can run together as one pipeline.

    Raises: ModelError for kinds that make no pipeline, SkeletonError where nodes differ.
    """
    if fault := find_pipeline_fault([model.config.kind for model in models]):
        raise ModelError(f"models {fault} in {', '.join(str(model.path) for model in models)}")
    first, *others = models
    for other in others:
        # Their order may differ: of two models one alone has anything to say of single nodes.
        if set(other.skeleton.nodes) != set(first.skeleton.nodes):
            got = ", ".join(other.skeleton.nodes)
            raise SkeletonError(f"{other.path}: nodes must be those of {first.path}, got {got}")
    if fault := find_heading_fault([model.config for model in models]):
        raise ModelError(f"models {fault} in {', '.join(str(model.path) for model in models)}")


def find_skeleton(models: Sequence[DescribedModel]) -> Skeleton:
    """The skeleton of models that run together: that of the model that predicts the nodes, whichever is named first."""
    return next(model.skeleton for model in models if KINDS[model.config.kind].sampler != "anchors")
