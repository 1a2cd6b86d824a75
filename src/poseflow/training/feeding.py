"""Batches in the form that Keras' trainer asks for."""

from collections.abc import Iterator
from itertools import chain
from math import ceil
from typing import Any

import keras

from poseflow.training.data import Batch, Samples, stack_samples

VAL_BATCH = 16


def feed(batches: Iterator[Batch]) -> Any:
    """Batches without end, as what `fit` takes.

    On TensorFlow a dataset that tunes nothing: the one that Keras makes of a generator has a thread that tunes its
    buffers, which `fit` waits for at its end, and which sleeps ever longer, up to a minute.
    """
    inputs = map(as_input, batches)
    if keras.backend.backend() != "tensorflow":
        return (one for one in inputs)  # Keras takes a generator, and no other iterator
    import tensorflow as tf

    first = next(inputs)
    signature = keras.tree.map_structure(lambda array: tf.TensorSpec((None, *array.shape[1:]), array.dtype), first)
    options = tf.data.Options()
    options.autotune.enabled = False
    whole = tf.data.Dataset.from_generator(lambda: chain([first], inputs), output_signature=signature)
    return whole.prefetch(2).with_options(options)


def as_input(batch: Batch) -> tuple[dict[str, Any], dict[str, Any]]:
    """A batch as the network's inputs and its labels."""
    labels = {"points": batch.points, "classes": batch.classes, "hidden": batch.hidden}
    return {"images": batch.images, "intensity": batch.intensity}, labels


class ValidationBatches(keras.utils.PyDataset):
    """The validation samples as they are, in order.

    Several devices divide each batch but the rest, which then comes first: on JAX Keras lays out all batches as it.
    """

    def __init__(self, samples: Samples, devices: int = 1) -> None:
        super().__init__()
        self.samples = samples
        self.size = devices * max(VAL_BATCH // devices, 1)
        self.begin = -(-len(samples) % self.size) if devices > 1 else 0

    def __len__(self) -> int:
        return ceil(len(self.samples) / self.size)

    def __getitem__(self, number: int) -> Any:
        begin = self.begin + number * self.size
        end = min(begin + self.size, len(self.samples))
        return as_input(stack_samples(self.samples, list(range(max(begin, 0), end))))
