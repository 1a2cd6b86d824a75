"""Random changes of a sample: image and points move together."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from poseflow.config import AugmentationConfig

ANIMALS_SHARE = 0.9
LEAST_BLUR_PX = 0.2  # a narrower Gaussian changes nothing


def draw_window(
    source: tuple[int, int], side: int, points: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw the center (x, y) of a square of `side` px in a source image of (height, width).

    Nine of ten hold an animal of `points` (instances, nodes, 2), the others may show what is none.
    """
    size = np.array(source[::-1], float)
    center = rng.uniform(0, size)
    animals = points[np.isfinite(points[..., 0]).any(axis=1)]
    if len(animals) and rng.random() < ANIMALS_SHARE:
        center = np.nanmean(rng.choice(animals), axis=0) + rng.uniform(-side / 4, side / 4, 2)
    return np.clip(center, (side - 1) / 2, np.maximum(size - (side + 1) / 2, (side - 1) / 2))


def draw_transform(
    source: tuple[int, int],
    target: tuple[int, int],
    config: AugmentationConfig | None,
    rng: np.random.Generator,
    center: NDArray[np.float64] | None = None,
    *,
    is_upright: bool = False,
) -> NDArray[np.float64]:
    """Draw the affine matrix (2, 3) that takes (x, y) of a source image of (height, width) to the network's input.

    The target's center shows the source's center, or `center`, turned, resized and shifted at random; without `config`,
    only moved. A source that is turned already (`is_upright`) is turned by no more than a detector's heading is off.
    """
    source_center = (np.array(source[::-1]) - 1) / 2
    center = source_center if center is None else center
    if config is None:
        linear, shift = np.eye(2), np.zeros(2)
    else:
        turn = config.most_turned_deg(are_upright=is_upright)
        angle = np.deg2rad(rng.uniform(-turn, turn))
        size = np.exp(rng.uniform(*np.log(config.scale)))
        linear = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        if config.flip and rng.random() < 0.5:
            linear = linear @ np.diag([-1.0, 1.0])
        shift = rng.uniform(-config.shift_px, config.shift_px, 2)
    # Source and target are even in size or both frames: the whole-pixel middle keeps unaugmented samples unblurred.
    middle = source_center + (np.array(target[::-1]) - np.array(source[::-1])) // 2
    return np.column_stack([linear, middle - linear @ (center + shift)])


def apply_transform(
    image: NDArray[np.uint8],
    points: NDArray[np.float32],
    matrix: NDArray[np.float64],
    size: tuple[int, int],
    flip_order: list[int],
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Warp an image and move its points.

    Args:
        image: (height, width, channels) uint8. points: (instances, nodes, 2).
        matrix: (2, 3) from `draw_transform`; a mirror image exchanges symmetric nodes.
        size: (height, width) of the result; black where the source does not reach.
        flip_order: node order after a mirror flip, from `Skeleton.flip_order`.
    """
    height, width = size
    warped = np.asarray(cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR), np.uint8)
    moved = (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    if is_mirrored(matrix):
        moved = moved[:, flip_order]
    outside = (moved < -0.5).any(-1) | (moved[..., 0] > width - 0.5) | (moved[..., 1] > height - 0.5)
    moved[outside] = np.nan
    return warped.reshape(height, width, -1), moved


def is_mirrored(matrix: NDArray[np.float64]) -> bool:
    """Whether a transform (2, 3) gives a mirror image."""
    return bool(np.linalg.det(matrix[:, :2]) < 0)


@dataclass(frozen=True, eq=False)
class IntensityJitter:
    """Other intensities of a sample: the value that each grey value gets, and the pixel noise's standard deviation."""

    values: NDArray[np.uint8]
    noise: float


def draw_intensity_jitter(config: AugmentationConfig, rng: np.random.Generator) -> IntensityJitter:
    """Draw contrast, brightness and noise."""
    power = np.exp(rng.uniform(*np.log(config.gamma))) if config.gamma != (1.0, 1.0) else 1.0
    gain = 1 + rng.uniform(-config.contrast, config.contrast)
    offset = 255 * rng.uniform(-config.brightness, config.brightness)
    levels = np.arange(256, dtype=np.float32)
    values = (levels if power == 1 else 255 * (levels / 255) ** power) * gain + offset
    return IntensityJitter(np.clip(np.rint(values), 0, 255).astype(np.uint8), 255 * rng.uniform(0, config.noise))


def jitter_intensity(image: NDArray[np.uint8], jitter: IntensityJitter, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Change an image's contrast and brightness, and add pixel noise."""
    result = cv2.LUT(image, jitter.values).reshape(image.shape)
    if jitter.noise > 0.5:
        noise = jitter.noise * rng.standard_normal(image.shape, np.float32)
        result = np.clip(np.rint(result + noise), 0, 255).astype(np.uint8)
    return np.asarray(result, np.uint8)


@dataclass(frozen=True)
class Damage:
    """What a worse camera, a compressed video or something in the way does to a sample.

    `blur_px`: standard deviation of a Gaussian. `jpeg_quality`: None for none. `covered`: rows and columns that are
    painted over, as shares of the image: top, left, height, width; None for none.
    """

    blur_px: float
    jpeg_quality: int | None
    covered: tuple[float, float, float, float] | None


def draw_damage(config: AugmentationConfig, rng: np.random.Generator) -> Damage:
    """Draw blur, compression and cover; of what is switched off no number is drawn."""
    blur = rng.uniform(0, config.blur_px) if config.blur_px else 0.0
    quality = None
    if config.jpeg_quality < 100 and rng.random() < 0.5:
        quality = int(rng.integers(config.jpeg_quality, 101))
    covered = None
    if config.cut_out and rng.random() < 0.5:
        height, width = rng.uniform(0, config.cut_out, 2)
        covered = (rng.uniform(0, 1 - height), rng.uniform(0, 1 - width), height, width)
    return Damage(blur, quality, covered)


def damage_image(image: NDArray[np.uint8], damage: Damage) -> NDArray[np.uint8]:
    """Blur, compress and cover an image, (height, width, channels) uint8; what covers is as bright as the image is."""
    result = image
    if damage.blur_px > LEAST_BLUR_PX:
        result = np.asarray(cv2.GaussianBlur(result, (0, 0), damage.blur_px), np.uint8)
    if damage.jpeg_quality is not None:
        encoded = cv2.imencode(".jpg", result, (cv2.IMWRITE_JPEG_QUALITY, damage.jpeg_quality))[1]
        result = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED), np.uint8)
    result = result.reshape(image.shape)
    if damage.covered is not None:
        top, left, height, width = np.array(damage.covered) * (*image.shape[:2], *image.shape[:2])
        result = result.copy()
        result[round(top) : round(top + height), round(left) : round(left + width)] = image.mean(axis=(0, 1)).round()
    return result
