"""What a runtime of trained models must offer."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

from poseflow.config import Precision
from poseflow.models.trained import TrainedModel

Stage = Callable[..., tuple[Any, ...]]
"""A function of arrays, images first, that is compiled; what it gives NumPy takes as arrays."""


class Runtime(ABC):
    """Opens models and compiles functions of tensors, written in `poseflow.networks.lazy.ops`, that call them."""

    uses_gpu = False
    """Whether there is a GPU that it computes on."""

    @abstractmethod
    def load(self, folder: str | Path, precision: Precision) -> TrainedModel:
        """Open a model folder; raises ModelError."""

    @abstractmethod
    def compile(self, function: Callable[..., Any]) -> Stage:
        """Compile a function of tensors that gives a tuple of them; anew for each new shape of what it is given."""

    def compile_resizing(self, function: Callable[..., Any]) -> Stage:
        """The same for one whose numbers are then rounded, so that the last bit counts."""
        return self.compile(function)

    def put(self, images: Any) -> Any:
        """Hand images over once that several stages see."""
        return images
