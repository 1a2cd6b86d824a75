"""How frames are preprocessed for a network, and how its points come back to them."""

from math import ceil
from typing import Any

import numpy as np
from keras import ops

from poseflow.networks.decoding import crop_images, crop_images_between_pixels, resize_images, shrink_images

Tensor = Any


class Framing:
    """Preprocessing for networks that were trained here: positions are kept exactly, whatever the scale."""

    def __init__(self, frame_size: tuple[int, int] | None = None) -> None:
        """Frames of another size than `frame_size`, (height, width), are to go through `match_size` before all else."""
        self.frame_size = frame_size

    def match_size(self, images: Tensor) -> tuple[Tensor, float]:
        """Resize frames (batch, height, width, channels) to fit into `frame_size`, and pad them to it.

        Returns: the frames, of whole grey levels, and the factor by which points in them are then to be divided.
        """
        _, *sides, _ = images.shape
        if self.frame_size is None or tuple(sides) == self.frame_size:
            return images, 1.0
        factors = [float(np.float32(own) / np.float32(side)) for own, side in zip(self.frame_size, sides, strict=True)]
        factor = min(factors)
        # The side that has least room is filled, whatever its product rounds to.
        height, width = (
            own if its == factor else self.scaled_px(side, factor)
            for own, its, side in zip(self.frame_size, factors, sides, strict=True)
        )
        return ops.floor(resize_images(images, (height, width), *self.frame_size)), factor

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
