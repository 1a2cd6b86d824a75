"""Heads that draw maps, and heads whose maps say which peaks are one animal's."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from poseflow.config import GroupingConfig
from poseflow.config.parts import Head, Stride, Subject
from poseflow.networks.lazy import keras, layers, ops

if TYPE_CHECKING:  # it imports SciPy
    from poseflow.networks.decoding import Assembled

Tensor = Any
Floats = NDArray[np.float32]
HEAD_STDDEV = 1e-3


class MapHead(Head):
    """A head that draws a map a channel: a convolution of the decoder's features at its stride."""

    activation: ClassVar[str | None] = None

    output_stride: Stride = Field(8, description="Pixels of the network's input per cell of its maps; a power of 2.")

    @property
    def stride(self) -> int:
        """The setting."""
        return self.output_stride

    def connect(self, features: Mapping[int, Tensor], name: str, channels: int) -> Tensor:
        """A convolution of 1 x 1."""
        # A head of ordinary weights first of all learns to draw nothing, and its ReLUs die of it.
        nearly_zero = keras.initializers.RandomNormal(stddev=HEAD_STDDEV)
        convolution = layers.Conv2D(
            channels, 1, activation=self.activation, kernel_initializer=nearly_zero, dtype="float32", name=name
        )
        return convolution(features[self.output_stride])


class DiscHead(MapHead):
    """A head that learns what it draws in a disc round each point, and is read at the cell nearest to it."""

    radius_px: float

    @model_validator(mode="after")
    def _check_radius(self) -> "DiscHead":
        # The nearest cell must lie in the disc.
        if self.radius_px < self.output_stride:
            raise ValueError(f"radius_px must be at least output_stride ({self.output_stride}), got {self.radius_px}")
        return self


def square_offsets(coordinates: Tensor, cells: int, output_stride: int) -> Tensor:
    """Squared distances of the cells of a row, or column, from coordinates (...), px² (..., cells).

    Infinite for a point that is missing.
    """
    grid = ops.arange(0, cells, dtype="float32") * output_stride
    return ops.square(grid - ops.where(ops.isfinite(coordinates), coordinates, float("inf"))[..., None])


class GroupingHead(MapHead):
    """A head of bottom-up models: what its maps say of peaks makes animals of them."""

    most_peaks: ClassVar[int] = 128
    """Of a node; where pairs of peaks are compared, memory grows with the square."""

    @abstractmethod
    def score_peaks(
        self, maps: Tensor, peaks: Tensor, subject: Subject, config: GroupingConfig, longest_side_px: float
    ) -> Tensor:
        """Read the maps at peaks; compiled with the network, for all frames of a batch.

        Args:
            maps: (batch, height, width, channels), the head's output.
            peaks: (batch, points, k, 2), (x, y) in px of the network's input, NaN where there are fewer than k.
            longest_side_px: of the image in the network's input.

        Returns: (batch, ...), what `group_peaks` needs; NaN where a peak is missing.
        """

    @abstractmethod
    def group_peaks(
        self, peaks: Floats, peak_scores: Floats, evidence: Floats, subject: Subject, config: GroupingConfig
    ) -> "Assembled":
        """Put animals together, on the host.

        Args:
            peaks: (batch, points, k, 2) in px of any frame. peak_scores: (batch, points, k).
            evidence: of `score_peaks`.
            config: with no value left to the model (`GroupingConfig.resolve`).
        """
