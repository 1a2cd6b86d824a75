"""Functions of tensors compiled by the backend in use."""

from collections.abc import Callable
from typing import Any

import keras


def compile_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile for the current Keras backend: XLA on a GPU, TensorFlow's own, faster kernels on a processor."""
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    import tensorflow as tf

    return tf.function(function, jit_compile=bool(tf.config.list_physical_devices("GPU")))
