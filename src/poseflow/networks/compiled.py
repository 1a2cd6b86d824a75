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

    return tf.function(function, jit_compile=has_gpu(), autograph=False)


def has_gpu() -> bool:
    """Whether the current Keras backend has a GPU to compute on."""
    return bool(list_gpus())


def list_gpus() -> list[str]:
    """GPUs that the current Keras backend may compute on (CUDA_VISIBLE_DEVICES), by names such as `gpu:0`."""
    # All devices are listed: JAX raises where it is asked for GPUs and has none.
    return [device for device in keras.distribution.list_devices() if "gpu" in device.lower()]
