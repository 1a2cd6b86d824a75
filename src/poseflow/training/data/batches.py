"""Batches: samples drawn, augmented and stacked ahead of the network, the same ones whenever training resumes."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from poseflow.config import AugmentationConfig
from poseflow.training.data.augmentation import (
    apply_transform,
    damage_image,
    draw_damage,
    draw_intensity_jitter,
    draw_transform,
    draw_window,
    is_mirrored,
    jitter_intensity,
)
from poseflow.training.data.samples import Samples

Sample = tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.int32], NDArray[np.float32], NDArray[np.bool_]]


INTENSITY_STEP = 4  # of a frame's pixels, one in 16 is measured


class Batch(NamedTuple):
    """Samples side by side.

    images: (batch, height, width, channels) uint8. points: (batch, instances, nodes, 2) float32, NaN where not visible.
    classes: (batch, instances) int32, -1 for an animal without a name.
    intensity: (batch, 2) float32, mean and standard deviation of each image, or of the frame that it is a window of: so
        is a window as bright to the network as the same place of a whole frame, of which most may be dark.
    hidden: (batch, instances, nodes), which of the points nobody can see.
    """

    images: NDArray[np.uint8]
    points: NDArray[np.float32]
    classes: NDArray[np.int32]
    intensity: NDArray[np.float32]
    hidden: NDArray[np.bool_]


def iterate_batches(
    samples: Samples,
    augmentation: AugmentationConfig,
    batch_size: int,
    seed: int,
    first: int = 0,
    workers: int = 2,
) -> Iterator[Batch]:
    """Yield augmented batches without end, from batch number `first` on.

    Batch k is a function of `seed` and k alone: training that resumes at step k sees what it would have seen.
    Each pass over the samples takes each of them once, in a new order.
    """
    with ThreadPoolExecutor(workers) as pool:
        ahead: deque[Future[Batch]] = deque()
        number = first
        while True:
            while len(ahead) < 4 * workers:
                ahead.append(pool.submit(_draw_batch, samples, augmentation, batch_size, seed, number))
                number += 1
            yield ahead.popleft().result()


def stack_samples(samples: Samples, indices: list[int]) -> Batch:
    """Stack samples as they are, without augmentation, as one batch."""
    rng = np.random.default_rng(0)
    return _stack([_draw_sample(samples, i, None, rng) for i in indices])


def _draw_batch(samples: Samples, augmentation: AugmentationConfig, size: int, seed: int, number: int) -> Batch:
    rng = np.random.default_rng([seed, 1, number])
    positions = np.arange(number * size, (number + 1) * size)
    orders = {turn: _shuffled(len(samples), seed, int(turn)) for turn in set(positions // len(samples))}
    chosen = [orders[position // len(samples)][position % len(samples)] for position in positions]
    return _stack([_draw_sample(samples, i, augmentation, rng) for i in chosen])


def _shuffled(count: int, seed: int, turn: int) -> NDArray[np.int_]:
    return np.random.default_rng([seed, 0, turn]).permutation(count)


def _draw_sample(
    samples: Samples, index: int, augmentation: AugmentationConfig | None, rng: np.random.Generator
) -> Sample:
    frame, points, hidden = samples.images[index], samples.points[index], samples.hidden[index]
    size, center = (samples.height, samples.width), None
    if augmentation is not None and samples.window is not None:
        size = (samples.window, samples.window)
        center = draw_window(frame.shape[:2], samples.window, points, rng)
    matrix = draw_transform(frame.shape[:2], size, augmentation, rng, center, is_upright=samples.are_upright)
    flip_order = samples.flip_order
    image, points = apply_transform(frame, points, matrix, size, flip_order)
    if is_mirrored(matrix):
        hidden = hidden[:, flip_order]
    views = [image] if center is None else [image, np.ascontiguousarray(frame[::INTENSITY_STEP, ::INTENSITY_STEP])]
    if augmentation is not None:
        jitter = draw_intensity_jitter(augmentation, rng)
        views = [jitter_intensity(view, jitter, rng) for view in views]
        views[0] = damage_image(views[0], draw_damage(augmentation, rng))
    names = _keep_names(samples.classes[index], matrix, augmentation)
    return views[0], points, names, _measure_intensity(views[-1]), hidden


def _keep_names(
    classes: NDArray[np.int32], matrix: NDArray[np.float64], augmentation: AugmentationConfig | None
) -> NDArray[np.int32]:
    """The animals' names, -1 where `matrix` (2, 3) makes their size another than an animal's own may be."""
    if augmentation is None or augmentation.identity_scale is None:
        return classes
    least, greatest = augmentation.identity_scale
    size = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    return classes if least <= size <= greatest else np.full_like(classes, -1)


def _measure_intensity(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    mean, spread = cv2.meanStdDev(image.reshape(-1, 1))
    return np.array([mean.item(), spread.item()], np.float32)


def _stack(drawn: list[Sample]) -> Batch:
    return Batch(*map(np.stack, zip(*drawn, strict=True)))
