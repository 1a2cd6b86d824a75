"""Squares cut from full-resolution frames, and frames made smaller, in the graph."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseflow.networks.lazy import is_tracing, ops

Tensor = Any

MOST_STRETCHED = 0.01
"""Of a pixel, at an image's far side: what resizing may move."""


def crop_images(images: Tensor, frames: Tensor, centers: Tensor, crop_px: int) -> tuple[Tensor, Tensor]:
    """Cut a square of whole pixels round every center; outside of the frame it is black.

    Args:
        images: (batch, height, width, channels).
        frames: (crops,) int32, which image each crop is cut from.
        centers: (crops, 2), (x, y) in px; NaN gives a crop at the corner, so that shapes stay the same.
        crop_px: side of the square; the center falls on its pixel [crop_px // 2, crop_px // 2].

    Returns: crops (crops, crop_px, crop_px, channels) of the images' type, and the (x, y) of each crop's first pixel
        in its image, (crops, 2) float32: image point = crop point + origin.
    """
    centers = ops.where(ops.isfinite(centers), centers, 0.0)
    origins = ops.cast(ops.round(centers), "int32") - crop_px // 2
    return _cut(images, frames, origins, crop_px), ops.cast(origins, "float32")


def crop_images_at_corners(images: Tensor, frames: Tensor, centers: Tensor, crop_px: int) -> tuple[Tensor, Tensor]:
    """Cut a square of whole pixels that begins at the corner of one round the very center, rounded down.

    Args: as `crop_images`.

    Returns: crops as of `crop_images`, and the (x, y) of that corner, (crops, 2) float32, up to half a pixel from the
        crop's first pixel.
    """
    centers = ops.cast(ops.where(ops.isfinite(centers), centers, 0.0), "float32")
    corners = centers - crop_px / 2 + 0.5
    origins = ops.cast(corners + crop_px // 2, "int32") - crop_px // 2
    return _cut(images, frames, origins, crop_px), corners


def _cut(images: Tensor, frames: Tensor, origins: Tensor, crop_px: int) -> Tensor:
    """Squares whose first pixels are `origins`, (crops, 2) int32; black outside of the frame."""
    if is_tracing() or not isinstance(ops.shape(frames)[0], int):
        return _gather(images, frames, origins, crop_px)
    images = _pad_to_side(images, crop_px)
    _, height, width, channels = ops.shape(images)
    # Whole blocks are copied, those at the frame's edge rolled into place and blacked out beyond it: on a processor
    # this takes a sixth of the time of gathering pixel by pixel.
    starts = ops.clip(origins, 0, np.array([width - crop_px, height - crop_px], np.int32))
    frames = ops.cast(frames, "int32")
    blocks = []
    for number in range(ops.shape(frames)[0]):
        begin = ops.stack([frames[number], starts[number, 1], starts[number, 0], 0])
        block = ops.slice(images, begin, (1, crop_px, crop_px, channels))
        blocks.append(ops.roll(block, (starts - origins)[number, ::-1], (1, 2)))
    steps = ops.arange(crop_px, dtype="int32")
    columns, rows = origins[:, 0, None] + steps, origins[:, 1, None] + steps
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    return ops.concatenate(blocks) * ops.cast(inside[..., None], images.dtype)


def _gather(images: Tensor, frames: Tensor, origins: Tensor, crop_px: int) -> Tensor:
    """As `_cut`, pixel by pixel, of any number of crops."""
    _, height, width, channels = ops.shape(images)
    steps = ops.arange(crop_px, dtype="int32")
    columns, rows = origins[:, 0, None] + steps, origins[:, 1, None] + steps
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    row, column = ops.clip(rows, 0, height - 1)[:, :, None], ops.clip(columns, 0, width - 1)[:, None, :]
    first = (ops.cast(frames, "int32") * height)[:, None, None]
    pixels = ops.take(ops.reshape(images, (-1, channels)), (first + row) * width + column, axis=0)
    return ops.where(inside[..., None], pixels, ops.cast(0, images.dtype))


def _pad_to_side(images: Tensor, side: int) -> Tensor:
    """Black below and at the right of images that are smaller than a square of `side`."""
    _, height, width, _ = ops.shape(images)
    lacking = [max(side - height, 0), max(side - width, 0)]
    return ops.pad(images, ((0, 0), (0, lacking[0]), (0, lacking[1]), (0, 0))) if any(lacking) else images


def crop_images_between_pixels(images: Tensor, frames: Tensor, centers: Tensor, crop_px: int) -> tuple[Tensor, Tensor]:
    """Cut a square whose middle is the very center, by bilinear interpolation; outside of the frame it is black.

    Args: as `crop_images`.

    Returns: crops (crops, crop_px, crop_px, channels) float32, and the (x, y) of each crop's first pixel in its image,
        (crops, 2) float32, which lies between pixels: image point = crop point + origin.
    """
    origins = ops.where(ops.isfinite(centers), centers, 0.0) - (crop_px - 1) / 2
    steps = ops.arange(crop_px, dtype="float32")
    columns, rows = origins[:, 0, None] + steps, origins[:, 1, None] + steps
    return _interpolate(images, frames, rows[:, :, None], columns[:, None, :]), origins


def crop_images_turned(images: Tensor, frames: Tensor, centers: Tensor, headings: Tensor, crop_px: int) -> Tensor:
    """Cut a square round every center, turned so that the heading is up, by bilinear interpolation.

    Args: as `crop_images`, and headings (crops, 2), vectors (x, y) of any length but 0.

    Returns: crops (crops, crop_px, crop_px, channels) float32, black outside of the frame; the center falls on pixel
        [crop_px // 2, crop_px // 2]. `turn_back` takes their points to the frame.
    """
    steps = ops.arange(crop_px, dtype="float32") - crop_px // 2
    across, down = steps[None, None, :], steps[None, :, None]
    up_x, up_y, center_x, center_y = (
        ops.reshape(ops.where(ops.isfinite(part), part, 0.0), (-1, 1, 1))
        for part in (*_find_up(headings), *_split(centers))
    )
    return _interpolate(images, frames, center_y + across * up_x - down * up_y, center_x - across * up_y - down * up_x)


def turn_back(points: Tensor, centers: Tensor, headings: Tensor, crop_px: int) -> Tensor:
    """Points (crops, points, 2) of crops of `crop_images_turned` as (x, y) of the frames."""
    right, below = _split(points - crop_px // 2)
    up_x, up_y, center_x, center_y = (part[:, None] for part in (*_find_up(headings), *_split(centers)))
    return ops.stack([center_x - right * up_y - below * up_x, center_y + right * up_x - below * up_y], axis=-1)


def _find_up(headings: Tensor) -> tuple[Tensor, Tensor]:
    """X and y of unit vectors (crops,), which way a turned crop's upper side lies in the frame; to its right: -y, x."""
    headings = ops.cast(headings, "float32")
    length = ops.sqrt(ops.sum(ops.square(headings), axis=-1, keepdims=True))
    return _split(headings / ops.maximum(length, 1e-6))


def _split(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """X and y of vectors (..., 2)."""
    return vectors[..., 0], vectors[..., 1]


def _interpolate(images: Tensor, frames: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """What frames show between their pixels, bilinearly; black outside of them.

    Args: rows, columns: (crops, side, side), or 1 in the place of a side along which they are all alike.
    """
    _, height, width, channels = ops.shape(images)
    inside = (rows >= 0) & (rows <= height - 1) & (columns >= 0) & (columns <= width - 1)
    tops, lefts = (
        ops.clip(ops.floor(rows), 0, max(height - 2, 0)),
        ops.clip(ops.floor(columns), 0, max(width - 2, 0)),
    )
    down, right = (rows - tops)[..., None], (columns - lefts)[..., None]
    flat = ops.reshape(images, (-1, channels))
    first = (ops.cast(frames, "int32") * height)[:, None, None]

    def take(below: int, beside: int) -> Tensor:
        row = ops.minimum(ops.cast(tops, "int32") + below, height - 1)
        column = ops.minimum(ops.cast(lefts, "int32") + beside, width - 1)
        return ops.cast(ops.take(flat, (first + row) * width + column, axis=0), "float32")

    above = take(0, 0) + (take(0, 1) - take(0, 0)) * right
    below = take(1, 0) + (take(1, 1) - take(1, 0)) * right
    return ops.where(inside[..., None], above + (below - above) * down, 0.0)


def resize_images(images: Tensor, size: tuple[int, int], height: int, width: int) -> Tensor:
    """Resize images to `size` (height, width) bilinearly, without averaging, and pad them to `height` x `width`.

    Pixels that the two nearest neighbors of a new one do not include are passed over: `shrink_images` sees more, and
    this is what networks see that were trained so.

    Args: images (batch, h, w, channels), any number type. Returns: (batch, height, width, channels) float32.
    """
    images = ops.cast(images, "float32")
    if size != tuple(images.shape[1:3]):
        images = ops.image.resize(images, size, interpolation="bilinear", antialias=False)
    return ops.pad(images, ((0, 0), (0, height - size[0]), (0, width - size[1]), (0, 0)))


def resize_bytes(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize images of whole grey levels to `size` (height, width) bilinearly, with averaging where they shrink.

    To the last bit what Pillow and torchvision give: first along rows, then along columns, with weights in whole
    numbers, and each time rounded to a grey level.

    Args: images (batch, h, w, channels), any number type. Returns: (batch, *size, channels) float32.
    Source: PyTorch, `aten/src/ATen/native/cpu/UpSampleKernelAVXAntialias.h`.
    """
    images = ops.cast(images, "float32")
    for sides, axis in (("bhwc,wo->bhoc", 2), ("bhwc,ho->bowc", 1)):
        old, new = images.shape[axis], size[axis - 1]
        if old != new:
            weights, one = _weigh_pixels(old, new)
            images = ops.floor(ops.einsum(sides, images, weights) / one + 0.5)
    return images


def _weigh_pixels(old: int, new: int) -> tuple[NDArray[np.float32], float]:
    """What each of `old` pixels in a row gives to each of `new`, (old, new) whole numbers, and what they add up to."""
    step = old / new
    reach = max(step, 1.0)
    middles = step * (np.arange(new) + 0.5)
    pixels = np.arange(old)[:, None]
    first, stop = np.floor(np.maximum(middles - reach + 0.5, 0)), np.floor(np.minimum(middles + reach + 0.5, old))
    weights = np.maximum(1 - np.abs((pixels - middles + 0.5) / reach), 0) * ((pixels >= first) & (pixels < stop))
    weights /= weights.sum(axis=0)
    one = 1.0
    while one < 2**22 and int(0.5 + weights.max() * one * 2) < 2**15:
        one *= 2
    return np.floor(0.5 + weights * one).astype(np.float32), one


def shrink_images(images: Tensor, scale: float, height: int, width: int) -> Tensor:
    """Resize images by `scale` (area average) and pad them below and at the right to `height` x `width`.

    Args: images (batch, h, w, channels), any number type.
    Returns: (batch, height, width, channels) float32. Pixel x of the input lies at (x + 0.5) * scale - 0.5.
    """
    images = ops.cast(images, "float32")
    _, *sides, _ = ops.shape(images)
    if scale != 1:
        # A side that became no whole number of pixels would be stretched to one, and points with it.
        whole = [_find_whole_side(side, scale) for side in sides]
        images = _pad_images(images, sides, whole)
        sides = [round(side * scale) for side in whole]
        factor = round(1 / scale)
        if factor > 1 and abs(factor * scale - 1) < 1e-9:
            images = ops.average_pool(images, factor, factor)
        else:
            images = ops.image.resize(images, tuple(sides), interpolation="bilinear", antialias=True)
        images = images[:, :height, :width]
    return _pad_images(images, [min(sides[0], height), min(sides[1], width)], (height, width))


def _find_whole_side(side: int, scale: float) -> int:
    """The least side from this one on that is a whole number of pixels after resizing by `scale`."""
    while abs(side * scale - round(side * scale)) > MOST_STRETCHED:
        side += 1
    return side


def _pad_images(images: Tensor, sides: Sequence[int], whole: Sequence[int]) -> Tensor:
    """Black below and at the right, from sides (height, width) to those of the whole."""
    below, right = (new - old for old, new in zip(sides, whole, strict=True))
    return ops.pad(images, ((0, 0), (0, below), (0, right), (0, 0)))
