"""Pictures of confidence maps over samples, to see what a network has learned so far."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from poseflow.core.files import replacing
from poseflow.media.channels import convert_channels

TILE_PX = 320  # least side of a tile


def write_map_pictures(
    images: NDArray[np.uint8], predicted: NDArray[np.float32], points: NDArray[np.float32], stride: int, path: Path
) -> None:
    """Write one PNG: a row of samples with predicted maps in red and true points as green circles.

    Args:
        images: (samples, height, width, channels). predicted: (samples, height / stride, width / stride, nodes).
        points: (samples, instances, nodes, 2), (x, y) in px of the images.
    """
    tiles = [_tile(*sample, stride) for sample in zip(images, predicted, points, strict=True)]
    with replacing(path) as temporary:
        temporary.write_bytes(cv2.imencode(".png", np.hstack(tiles))[1].tobytes())


def _tile(
    image: NDArray[np.uint8], maps: NDArray[np.float32], points: NDArray[np.float32], stride: int
) -> NDArray[np.uint8]:
    rgb = convert_channels(image, 3)
    height, width = rgb.shape[:2]
    zoom = max(1, round(TILE_PX / max(height, width)))
    canvas = cv2.resize(rgb[..., ::-1], (width * zoom, height * zoom), interpolation=cv2.INTER_LINEAR)
    # Cell c is centered on pixel c * stride, whose center lies at (c * stride + 0.5) * zoom - 0.5 of the canvas.
    shift = 0.5 * zoom - 0.5
    matrix = np.array([[stride * zoom, 0, shift], [0, stride * zoom, shift]], np.float64)
    heat = cv2.warpAffine(np.clip(maps.max(axis=-1), 0, 1), matrix, (canvas.shape[1], canvas.shape[0]))
    red = np.zeros_like(canvas)
    red[..., 2] = 255
    mixed = (canvas * (1 - 0.7 * heat[..., None]) + red * 0.7 * heat[..., None]).astype(np.uint8)
    for x, y in points.reshape(-1, 2):
        if np.isfinite(x):
            place = (round(((x + 0.5) * zoom - 0.5) * 16), round(((y + 0.5) * zoom - 0.5) * 16))
            cv2.circle(mixed, place, 3 * 16, (0, 255, 0), 1, cv2.LINE_AA, shift=4)
    return mixed
