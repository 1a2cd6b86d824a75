"""Grey and RGB: the one conversion between them."""

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


def convert_channels(image: Image, channels: int) -> Image:
    """Turn grey into RGB (repeated) or RGB into grey (luma).

    Args:
        image: (height, width) or (height, width, 1) grey, or (height, width, 3) RGB.
        channels: 1 or 3.

    Returns: (height, width, channels), contiguous; the image itself where it is that already.
    """
    if image.ndim == 2:
        image = image[..., None]
    if image.shape[2] == channels:
        return np.ascontiguousarray(image)
    if channels == 3:
        return np.repeat(image, 3, axis=2)
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY), np.uint8)[..., None]
