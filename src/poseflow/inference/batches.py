"""Frames in batches that are the same whatever the sharding, with what flow sees of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from poseflow.config import PredictConfig
from poseflow.inference.flow import shrink_image
from poseflow.inference.pipeline import Outputs
from poseflow.inference.profile import Profile
from poseflow.media import Video
from poseflow.tables import Instances

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class FrameBatch:
    """Neighboring frames from `first` on."""

    first: int
    readable: list[bool]
    """Which of them could be decoded."""
    images: Image | None
    """(batch size, height, width, channels), zeros for a frame that is not readable or not there; None for look-ahead,
    and where none is readable."""
    shrunk: list[Image | None] = field(default_factory=list)
    """Of each frame what flow sees (`shrink_image`), None for one that is not readable; empty without flow."""

    def __len__(self) -> int:
        return len(self.readable)

    def without_images(self) -> Self:
        """What is needed of it once the networks have seen it."""
        return type(self)(self.first, self.readable, None, self.shrunk)


@dataclass(frozen=True)
class SeenBatch:
    """A batch and what the networks said of its frames, or the instances these became; None for look-ahead.

    Instances have the frames' numbers in the video.
    """

    batch: FrameBatch
    outputs: Outputs | None = None
    found: Instances | None = None


def read_batches(
    video: Video, channels: int, frames: tuple[int, int], config: PredictConfig, profile: Profile
) -> Iterator[FrameBatch]:
    """Read aligned batches that cover the frames [start, stop), and after them what flow looks ahead.

    Args:
        profile: takes what decoding takes, and copying and shrinking (`copy`).
    """
    size, window = config.batch_size, config.flow.window_frames
    start, stop = frames
    if start == stop:
        return
    begin = start // size * size
    end = min(max(-(-stop // size) * size, stop + window), video.index.frames)
    images: list[Image | None] = []
    shrunk: list[Image | None] = []
    for number, image in profile.measure_each("decode", video.read(begin, end, channels)):
        images.append(image)
        if window:
            with profile.measure("copy"):
                shrunk.append(None if image is None else shrink_image(image, config.flow))
        if len(images) == size or number == end - 1:
            first = number + 1 - len(images)
            with profile.measure("copy"):
                seen = _stack(images, size) if first < stop else None
            yield FrameBatch(first, [own is not None for own in images], seen, shrunk)
            images, shrunk = [], []


def _stack(images: list[Image | None], size: int) -> Image | None:
    """Images of a batch, (size, height, width, channels), zeros where there is none; None where there is not one."""
    known = next((image for image in images if image is not None), None)
    if known is None:
        return None
    stacked = np.empty((size, *known.shape), np.uint8)
    for place in range(size):
        own = images[place] if place < len(images) else None
        stacked[place] = 0 if own is None else own
    return stacked
