"""Squares cut from full-resolution frames, and frames made smaller, in the graph."""

from typing import Any

from keras import ops

Tensor = Any


def crop_images(images: Tensor, frames: Tensor, centers: Tensor, crop_px: int) -> tuple[Tensor, Tensor]:
    """Cut a square of whole pixels round every centre; outside of the frame it is black.

    Args:
        images: (batch, height, width, channels).
        frames: (crops,) int32, which image each crop is cut from.
        centers: (crops, 2), (x, y) in px; NaN gives a crop at the corner, so that shapes stay the same.
        crop_px: side of the square; the centre falls on its pixel [crop_px // 2, crop_px // 2].

    Returns: crops (crops, crop_px, crop_px, channels) of the images' type, and the (x, y) of each crop's first pixel
        in its image, (crops, 2) float32: image point = crop point + origin.
    """
    _, height, width, channels = ops.shape(images)
    centers = ops.where(ops.isfinite(centers), centers, 0.0)
    origins = ops.cast(ops.round(centers), "int32") - crop_px // 2
    steps = ops.arange(crop_px, dtype="int32")
    columns = origins[:, 0, None] + steps
    rows = origins[:, 1, None] + steps
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    row = ops.clip(rows, 0, height - 1)[:, :, None]
    column = ops.clip(columns, 0, width - 1)[:, None, :]
    index = (ops.cast(frames, "int32")[:, None, None] * height + row) * width + column
    crops = ops.take(ops.reshape(images, (-1, channels)), index, axis=0)
    return ops.where(inside[..., None], crops, ops.zeros_like(crops)), ops.cast(origins, "float32")


def shrink_images(images: Tensor, scale: float, height: int, width: int) -> Tensor:
    """Resize images by `scale` (area average) and pad them below and at the right to `height` x `width`.

    Args: images (batch, h, w, channels), any number type.
    Returns: (batch, height, width, channels) float32. Pixel x of the input lies at (x + 0.5) * scale - 0.5.
    """
    images = ops.cast(images, "float32")
    factor = round(1 / scale)
    _, old_height, old_width, _ = ops.shape(images)
    if factor > 1 and abs(factor * scale - 1) < 1e-9 and old_height % factor == old_width % factor == 0:
        images = ops.average_pool(images, factor, factor)
    elif scale != 1:
        size = (round(old_height * scale), round(old_width * scale))
        images = ops.image.resize(images, size, interpolation="bilinear", antialias=True)
    _, new_height, new_width, _ = ops.shape(images)
    return ops.pad(images, ((0, 0), (0, height - new_height), (0, width - new_width), (0, 0)))
