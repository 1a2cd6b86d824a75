"""How batches reach Keras' trainer."""

from itertools import count, islice

import keras
import numpy as np
import pytest

from poseflow.training.data import Batch
from poseflow.training.feeding import feed


def number_batches():
    """Batches without end, each with its number in all its arrays, as none is skipped or seen twice."""
    for number in count():
        yield Batch(
            images=np.full((4, 8, 8, 1), number % 256, np.uint8),
            points=np.full((4, 1, 3, 2), number, np.float32),
            classes=np.full((4, 1), number, np.int32),
            intensity=np.full((4, 2), number, np.float32),
            hidden=np.zeros((4, 1, 3), bool),
        )


def test_batches_come_in_their_order_and_whole():
    for (inputs, labels), expected in islice(zip(feed(number_batches()), number_batches(), strict=True), 30):
        told = Batch(inputs["images"], labels["points"], labels["classes"], inputs["intensity"], labels["hidden"])
        for own, other in zip(told, expected, strict=True):
            assert np.asarray(own).dtype == other.dtype
            np.testing.assert_array_equal(np.asarray(own), other)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="of TensorFlow's datasets")
def test_no_thread_tunes_buffers_which_the_end_of_a_training_would_wait_for():
    assert feed(number_batches()).options().autotune.enabled is False
