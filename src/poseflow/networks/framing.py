"""How frames are preprocessed for a network, and how its points come back to them."""

from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseflow.config import GroupingConfig
from poseflow.networks.decoding import (
    PeakRules,
    crop_images,
    crop_images_at_corners,
    crop_images_between_pixels,
    resize_bytes,
    resize_images,
    shrink_images,
)
from poseflow.networks.lazy import ops

Tensor = Any


FrameSize = tuple[int | None, int | None]
LUMA = np.array([0.2989, 0.5870, 0.1140], np.float32)  # of red, green and blue


class Framing:
    """Preprocessing for networks that were trained here: positions are kept exactly, whatever the scale."""

    reads_color = False
    """Whether frames are read in color for a network that sees grey, and go through `make_grey`."""
    peak_rules = PeakRules()
    """What counts as a peak, and in which order peaks are grouped, which decides between equal ones."""
    takes_all_peaks = False
    """Whether more peaks of a node than `count_peaks` are looked at where there are more."""

    def __init__(self, frame_size: FrameSize | None = None) -> None:
        """Frames of another size than `frame_size`, (height, width), are to go through `match_size` before all else."""
        self.frame_size = frame_size

    def count_peaks(self, animals: int) -> int:
        """Peaks of each node that are looked at, where so many animals may be: false ones may be higher than true."""
        return 2 * animals

    def choose_grouping(self, config: GroupingConfig) -> GroupingConfig:
        """How peaks are grouped, with all that the settings leave to the models."""
        return config.resolve(weigh_peaks=True, min_class_score=0.1)

    def make_grey(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """RGB frames (batch, height, width, 3) as (batch, height, width, 1)."""
        # A recording without color is what one of its channels is, to the last bit.
        grey = images[..., :1].copy()
        colored = (images[..., 0] != images[..., 2]).any(axis=(1, 2))
        grey[colored, ..., 0] = self._weigh_colors(images[colored])
        return grey

    def _weigh_colors(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return (images.astype(np.float32) @ LUMA).astype(np.uint8)

    def longest_side_px(self, images: Tensor, maps: Tensor, scale: float, output_stride: int) -> float:
        """Longest side of the image that a network sees, px of its input: long edges are measured by it.

        Args: images as they were before they were preprocessed, and maps that were drawn of them, of that stride.
        """
        return scale * max(images.shape[1:3])

    def match_size(self, images: Tensor) -> tuple[Tensor, float]:
        """Resize frames (batch, height, width, channels) to fit into `frame_size`, and pad them to it.

        Returns: the frames, of whole grey levels, and the factor by which points in them are then to be divided.
        """
        _, *sides, _ = images.shape
        target = self._find_target(sides)
        if tuple(sides) == target:
            return images, 1.0
        factors = [float(np.float32(own) / np.float32(side)) for own, side in zip(target, sides, strict=True)]
        factor = min(factors)
        # The side that has least room is filled, whatever its product rounds to.
        height, width = (
            own if its == factor else self.scaled_px(side, factor)
            for own, its, side in zip(target, factors, sides, strict=True)
        )
        return self._fit(images, (height, width), target), factor

    def _find_target(self, sides: Sequence[int]) -> tuple[int, int]:
        """What frames of these sides are to be brought to."""
        height, width = (None, None) if self.frame_size is None else self.frame_size
        return height or sides[0], width or sides[1]

    def _fit(self, images: Tensor, size: tuple[int, int], target: tuple[int, int]) -> Tensor:
        return ops.floor(resize_images(images, size, *target))

    def preprocess(self, images: Tensor, scale: float, max_stride: int) -> Tensor:
        """Resize images by `scale` and pad them below and at the right to whole maximum strides.

        Args: images (batch, height, width, channels), any number type. Returns: float32, black where it is padded.
        """
        _, *sides, _ = images.shape
        height, width = (ceil(self.scaled_px(side, scale) / max_stride) * max_stride for side in sides)
        return self._resize(images, scale, height, width)

    def unscale(self, points: Tensor, scale: float) -> Tensor:
        """Points (..., 2) of the resized image as (x, y) of the image before."""
        return (points + 0.5) / scale - 0.5

    def crop(self, images: Tensor, frames: Tensor, centers: Tensor, crop_px: int) -> tuple[Tensor, Tensor]:
        """Cut a square round every center; see `decode.crop_images`."""
        return crop_images(images, frames, centers, crop_px)

    def scaled_px(self, side: int, scale: float) -> int:
        """Length of an image's side after resizing, px."""
        return round(side * scale)

    def _resize(self, images: Tensor, scale: float, height: int, width: int) -> Tensor:
        return shrink_images(images, scale, height, width)


class SleapFraming(Framing):
    """How SLEAP (1.0 to 1.4) preprocesses frames, and where it then says that points are.

    Points are where SLEAP's own predictions have them, for its models are run to get these. They are off at two places:
    a resized image's point goes back as x / scale + 0.5, which is where it belongs at half size alone; and a crop's
    origin is taken to be half a pixel up and left of its first pixel, so top-down points are half a pixel too small.
    Source: `sleap.nn.inference` (InferenceLayer, CentroidCrop, FindInstancePeaks) and `sleap.nn.data.resizing`
        (SizeMatcher) of SLEAP 1.3.
    """

    reads_color = True
    peak_rules = PeakRules(signed=True, reading_order=True, plateaus="none", by_axes=True)
    takes_all_peaks = True

    def count_peaks(self, animals: int) -> int:
        """As many as there are in a network that has learnt something; more are looked at where they may not be all."""
        return max(32, 4 * animals)

    def choose_grouping(self, config: GroupingConfig) -> GroupingConfig:
        """As SLEAP does it: edges or classes alone count, and however unlikely a class is."""
        return config.resolve(weigh_peaks=False, min_class_score=0.0)

    def _weigh_colors(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        # TensorFlow goes by numbers from 0 to 1, and back by 255.5.
        return ((images.astype(np.float32) * np.float32(1 / 255)) @ LUMA * np.float32(255.5)).astype(np.uint8)

    def longest_side_px(self, images: Tensor, maps: Tensor, scale: float, output_stride: int) -> float:
        """With what the image is padded by; SLEAP takes the number of channels for a side too."""
        return float(output_stride * max(maps.shape[1:]))

    def unscale(self, points: Tensor, scale: float) -> Tensor:
        """As SLEAP does it."""
        return points if scale == 1 else points / scale + 0.5

    def crop(self, images: Tensor, frames: Tensor, centers: Tensor, crop_px: int) -> tuple[Tensor, Tensor]:
        """Cut squares between the pixels, of whole grey levels like the frames."""
        crops, origins = crop_images_between_pixels(images, frames, centers, crop_px)
        return ops.floor(crops), origins - 0.5

    def scaled_px(self, side: int, scale: float) -> int:
        """Rounded down, in the single precision in which SLEAP does it: 0.29 of 100 px is 29."""
        return int(np.float32(side) * np.float32(scale))

    def _resize(self, images: Tensor, scale: float, height: int, width: int) -> Tensor:
        _, *sides, _ = images.shape
        new_height, new_width = (self.scaled_px(side, scale) for side in sides)
        return resize_images(images, (new_height, new_width), height, width)


class SleapNNFraming(SleapFraming):
    """How today's SLEAP (1.5 on, sleap-nn) preprocesses frames, and where it then says that points are.

    Images are made smaller with averaging, to whole grey levels. A resized image's point goes back as x / scale; a
    crop begins at a whole pixel, and its points are moved by the center's fraction all the same, up to half a pixel.
    Source: `sleap_nn.data.resizing`, `sleap_nn.inference.layers` and `sleap_nn.inference.ops` of sleap-nn 0.3.5.
    """

    peak_rules = PeakRules(signed=True, reading_order=True, plateaus="small", by_axes=True)

    def _weigh_colors(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return Framing._weigh_colors(self, images)

    def unscale(self, points: Tensor, scale: float) -> Tensor:
        """As sleap-nn does it."""
        return points / scale

    def crop(self, images: Tensor, frames: Tensor, centers: Tensor, crop_px: int) -> tuple[Tensor, Tensor]:
        """Cut squares of whole pixels."""
        return crop_images_at_corners(images, frames, centers, crop_px)

    def match_size(self, images: Tensor) -> tuple[Tensor, float]:
        """As `Framing.match_size`, in sleap-nn's numbers."""
        _, *sides, _ = images.shape
        target = self._find_target(sides)
        factor = min(own / side for own, side in zip(target, sides, strict=True))
        if tuple(sides) == target:
            return images, 1.0
        height, width = (round(side * factor) for side in sides)
        return self._fit(images, (height, width), target), float(np.float32(factor))

    def scaled_px(self, side: int, scale: float) -> int:
        """Rounded down, in double precision."""
        return int(side * scale)

    def _fit(self, images: Tensor, size: tuple[int, int], target: tuple[int, int]) -> Tensor:
        return _pad(resize_bytes(images, size), *target)

    def _resize(self, images: Tensor, scale: float, height: int, width: int) -> Tensor:
        _, *sides, _ = images.shape
        new_height, new_width = (self.scaled_px(side, scale) for side in sides)
        return _pad(resize_bytes(images, (new_height, new_width)), height, width)


def _pad(images: Tensor, height: int, width: int) -> Tensor:
    """Black below and at the right."""
    _, own_height, own_width, _ = images.shape
    return ops.pad(images, ((0, 0), (0, height - own_height), (0, width - own_width), (0, 0)))


FRAMINGS: dict[str, type[Framing]] = {"poseflow": Framing, "sleap": SleapFraming, "sleap_nn": SleapNNFraming}
"""By the program that trained a network."""
