"""What finds animals in frames, whatever runs its networks; no framework is imported before models are loaded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseflow.config import PredictConfig
from poseflow.config.predict import RUNTIMES
from poseflow.core.errors import ConfigError
from poseflow.core.skeleton import Skeleton
from poseflow.tables import Instances

Images = NDArray[np.uint8]
Outputs = tuple[NDArray[Any], ...]
Run = Callable[[Images], Outputs]
Assemble = Callable[[Outputs], Instances]


@dataclass(frozen=True)
class Pipeline:
    """What finds animals in frames of one size, in two steps that may overlap from batch to batch.

    channels: what the networks see: 1, grey, or 3, RGB.
    run: (batch, height, width, channels) uint8 -> what the networks say, small arrays; on the accelerator.
    assemble: that -> instances, by image of the batch, each image's best first; on the host, in NumPy.
    """

    skeleton: Skeleton
    channels: int
    models: tuple[Path, ...]
    identities: tuple[str, ...]
    run: Run
    assemble: Assemble
    run_networks: Callable[[Images, Outputs], None] | None = None
    """Runs the networks alone on frames for which `run` gave these outputs, to measure them; None: cannot be told."""
    reads_color: bool = False
    """Networks of one channel want frames in color, where there is any, and make them grey themselves."""
    tells_hidden: bool = False
    """Whether instances say of each node that was found whether it is hidden."""
    uses_gpu: bool = False
    """Whether `run` has a GPU to compute on."""

    def choose_channels(self, has_color: bool) -> int:
        """Channels of the frames that are handed over, of a source with or without color."""
        return 3 if self.channels == 3 or (self.reads_color and has_color) else 1

    def find(self, images: Images) -> Instances:
        """The animals in (batch, height, width, channels) uint8 frames."""
        return self.assemble(self.run(images))

    def find_nothing(self) -> Instances:
        """No animal."""
        return Instances.empty(len(self.skeleton.nodes), len(self.identities), tells_hidden=self.tells_hidden)


def load_pipeline(folders: Sequence[str | Path], config: PredictConfig) -> Pipeline:
    """Load trained models that work together, by the runtime that the settings name.

    A runtime is a function of the same arguments; another package adds one by an entry point `poseflow.runtimes`.

    Raises ModelError for folders that are no models or do not go together, SkeletonError where skeletons differ,
    ConfigError where a package is missing that the runtime needs.
    """
    try:
        load = RUNTIMES[config.runtime]
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"runtime {config.runtime} must have the package {error.name}, as in pip install 'poseflow[runtimes]'"
        ) from None
    pipeline: Pipeline = load(folders, config)
    return pipeline
