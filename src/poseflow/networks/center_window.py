"""A layer that looks at the middle of a crop."""

from typing import Any

from keras import layers

from poseflow.networks.lazy import ops

CENTER_SIGMA = 0.2  # of a crop's side


class CenterWindow(layers.Layer):
    """Weighs every place of (batch, height, width, channels) by a Gaussian round the middle."""

    def call(self, features: Any) -> Any:
        """Keras' name for what a layer does."""
        _, height, width, _ = ops.shape(features)
        window = _bell(height)[:, None] * _bell(width)
        return features * ops.cast(window[..., None], features.dtype)


def _bell(length: Any) -> Any:
    place = (ops.arange(length, dtype="float32") + 0.5) / ops.cast(length, "float32") - 0.5
    return ops.exp(-0.5 * (place / CENTER_SIGMA) ** 2)
