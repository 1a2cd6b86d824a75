"""Batch normalization: fast while a network learns, and folded into the convolutions of one that is trained."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

Tensor = Any
MOMENTUM = 0.95  # of the running means: some 20 batches, so that they keep up with short epochs


class BatchNormalization(layers.BatchNormalization):
    """Batch normalization by TensorFlow's fused kernel, which on a processor costs next to nothing.

    Keras' own form passes several times over float32 copies of the features and makes training half as slow again.
    On other backends it is Keras' own. Source: Ioffe & Szegedy 2015.

    Where several devices share a batch, mean and variance are those of the whole batch, as on one device: JAX sees to
    it, and of TensorFlow's replicas each is told what the others have found.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(momentum=MOMENTUM, **options)

    def call(self, inputs: Tensor, training: bool | None = None, mask: Tensor = None) -> Tensor:
        """Normalize (batch, height, width, channels); in training by the batch's own mean and variance."""
        if keras.backend.backend() != "tensorflow":
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        running = {} if training else {"mean": self.moving_mean.value, "variance": self.moving_variance.value}
        gamma = self.gamma.value if self.scale else ops.ones_like(self.moving_mean.value)
        beta = self.beta.value if self.center else ops.zeros_like(self.moving_mean.value)
        replica = tf.distribute.get_replica_context()
        if training and replica is not None and replica.num_replicas_in_sync > 1:
            outputs, mean, variance = self._normalize_with_others(inputs, gamma, beta, replica)
        else:
            outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
                inputs, gamma, beta, epsilon=self.epsilon, is_training=bool(training), **running
            )
        if training:
            for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
                average.assign(average * self.momentum + value * (1 - self.momentum))
        return outputs

    def _normalize_with_others(self, inputs: Tensor, gamma: Tensor, beta: Tensor, replica: Any) -> Any:
        """What the fused kernel gives of the batch of all replicas: outputs, mean, and variance of the sample.

        Replicas have equally many samples each.
        """
        import tensorflow as tf

        # In float32, as half precision is too coarse for statistics; and from about their mean, since the difference of
        # two squares loses the digits of a small variance.
        origin = self.moving_mean.value
        features = tf.cast(inputs, tf.float32) - origin
        moments = tf.stack([tf.reduce_mean(power, axis=(0, 1, 2)) for power in (features, tf.square(features))])
        mean, square = tf.unstack(replica.all_reduce("MEAN", moments))
        variance = tf.maximum(square - tf.square(mean), 0.0)
        outputs = tf.nn.batch_normalization(features, mean, variance, beta, gamma, self.epsilon)
        count = tf.cast(replica.num_replicas_in_sync * tf.reduce_prod(tf.shape(features)[:3]), tf.float32)
        return tf.cast(outputs, inputs.dtype), origin + mean, variance * count / tf.maximum(count - 1, 1.0)


def fold_normalization(network: keras.Model, plain: keras.Model) -> None:
    """Give `plain`, the same network without normalization, the weights by which it computes what `network` does.

    A layer that follows a convolution and is linear at inference is part of that convolution: it costs nothing there.
    """
    norms = {layer.name: layer for layer in network.layers if isinstance(layer, BatchNormalization)}
    for layer in plain.layers:
        weights = network.get_layer(layer.name).get_weights() if layer.weights else []
        if norm := norms.get(f"{layer.name}_norm"):
            weights = _fold(layer, weights, norm)
        layer.set_weights(weights)


def _fold(layer: Any, weights: list[Any], norm: BatchNormalization) -> list[Any]:
    """Kernels and bias of a convolution with what follows it."""
    variance, mean = (np.asarray(ops.convert_to_numpy(value)) for value in (norm.moving_variance, norm.moving_mean))
    gamma = ops.convert_to_numpy(norm.gamma) if norm.scale else np.float32(1)
    factor = gamma / (variance + norm.epsilon) ** 0.5
    beta = ops.convert_to_numpy(norm.beta) if norm.center else 0.0
    *kernels, last = weights[: len(layer.weights) - 1]  # of a separable convolution there are two
    bias = weights[-1] if len(weights) == len(layer.weights) else 0.0
    # A depthwise kernel is (rows, columns, channels, 1), any other (rows, columns, inputs, channels).
    turned = factor[:, None] if isinstance(layer, layers.DepthwiseConv2D) else factor
    return [*kernels, last * turned, beta + (bias - mean) * factor]
