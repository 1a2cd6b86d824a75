"""Predict labeled frames, to measure a pipeline's accuracy."""

from collections import defaultdict

import numpy as np

from poseflow.inference.pipeline import Pipeline
from poseflow.labels import Package
from poseflow.tables import Instances


def predict_package(pipeline: Pipeline, package: Package, batch_size: int) -> list[Instances]:
    """Find the animals in every frame of a package, in its order: one `Instances` a frame."""
    channels = pipeline.choose_channels(package.has_color)
    by_size: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for number in range(len(package.frames)):
        by_size[package.image(number, channels).shape].append(number)
    results: dict[int, Instances] = {}
    for shape, numbers in by_size.items():
        for begin in range(0, len(numbers), batch_size):
            chosen = numbers[begin : begin + batch_size]
            images = np.zeros((batch_size, *shape), np.uint8)
            for slot, number in enumerate(chosen):
                images[slot] = package.image(number, channels)
            found = pipeline.find(images)
            for slot, number in enumerate(chosen):
                results[number] = found.take(found.frame_idx == slot)
    return [results[number] for number in range(len(package.frames))]
