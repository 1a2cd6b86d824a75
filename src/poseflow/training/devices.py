"""Training on several devices of one machine: each takes its share of every batch, and all make the same step.

A step is that of one device, but for the order in which numbers are summed up: loss, statistics of batch normalization
(`networks.normalization`) and the length at which gradients are clipped are of the whole batch. On JAX that follows
from `keras.distribution`, which only says where arrays lie. On TensorFlow Keras has no such thing: its trainer follows
`tf.distribute`, where each device runs the step on its share, as a replica; what replicas tell one another is here.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras

Tensor = Any
logger = logging.getLogger("poseflow")


@contextmanager
def spread_over_devices(batch_size: int, devices: Sequence[str]) -> Iterator[int]:
    """Have a network that is built and trained in this block trained on several devices; gives on how many.

    Where there is one device or none, the block is as it would be without.

    Args:
        batch_size: samples in a batch, of all devices together: so many devices are used as divide it.
        devices: their names, such as `gpu:0`.
    """
    known = len(devices)
    count = count_devices(batch_size, known)
    if count == 1:
        if known > 1:
            logger.warning("training on one of %d devices: they divide no batch of %d samples", known, batch_size)
        yield 1
        return
    used = list(devices[:count])
    logger.info("training on %d of %d devices, %d samples of a batch on each", count, known, batch_size // count)
    if keras.backend.backend() == "jax":
        distribution: Any = _DataParallel(devices=used)
    else:
        import tensorflow as tf

        distribution = tf.distribute.MirroredStrategy(used)
    with distribution.scope():
        yield count


def count_devices(batch_size: int, known: int) -> int:
    """The most devices, of those that there are, that divide a batch; 1 where there is none."""
    return max((count for count in range(1, known + 1) if batch_size % count == 0), default=1)


class _DataParallel(keras.distribution.DataParallel):
    """Batches that the devices do not divide, such as the rest of a validation set, are computed on each of them."""

    def get_data_layout(self, data_shape: Sequence[int]) -> keras.distribution.TensorLayout:
        if data_shape[0] % self.device_mesh.devices.size == 0:
            return super().get_data_layout(data_shape)
        return keras.distribution.TensorLayout([None] * len(data_shape), self.device_mesh)


def _replica_context() -> Any:
    """What one of several replicas of a TensorFlow training step asks for the others; None anywhere else."""
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    return context if context is not None and context.num_replicas_in_sync > 1 else None


def apply_to_share(network: Callable[[Tensor], dict[str, Tensor]], images: Tensor) -> dict[str, Tensor]:
    """Outputs of a network for a replica's share of a batch, which may be empty: not all kernels compute nothing.

    Args:
        images: (batch, height, width, channels). Of the rest of a validation set the last replicas may have none.
    """
    if _replica_context() is None:
        return network(images)
    import tensorflow as tf

    count = tf.shape(images)[0]
    filled = tf.pad(images, [[0, tf.maximum(1 - count, 0)], [0, 0], [0, 0], [0, 0]])
    filled.set_shape([None, *images.shape[1:]])
    return {name: maps[:count] for name, maps in network(filled).items()}


def gather_batch(tensors: Any) -> Any:
    """The whole batch, of what a replica has of it, in any structure of (batch, ...) float tensors."""
    context = _replica_context()
    if context is None:
        return tensors

    def gather(own: Tensor) -> Tensor:
        whole = context.all_gather(own, axis=0)
        whole.set_shape([None, *own.shape[1:]])  # it forgets which sides are known
        return whole

    return keras.tree.map_structure(gather, tensors)


def share_loss(loss: Tensor) -> Tensor:
    """A replica's part of a loss that all of them have computed, since Keras adds up their gradients."""
    context = _replica_context()
    return loss if context is None else loss / context.num_replicas_in_sync


class WholeBatchAdam(keras.optimizers.Adam):
    """Adam with AMSGrad whose gradients are clipped as one device would, by their length over the whole batch.

    Keras clips each replica's gradients and then adds them up. Here each replica is given the mean of all, and clips it
    at that part of the length: added up, they are the clipped gradients of the whole batch.
    """

    def __init__(self, learning_rate: float, clip_norm: float | None, devices: int = 1) -> None:
        """Clip gradients at a norm of `clip_norm`; `devices` as `spread_over_devices` gives them."""
        replicas = devices if keras.backend.backend() == "tensorflow" else 1
        part = None if clip_norm is None else clip_norm / replicas
        super().__init__(learning_rate, amsgrad=True, global_clipnorm=part)

    def apply(self, grads: Sequence[Tensor], trainable_variables: Sequence[keras.Variable] | None = None) -> None:
        """Make a step."""
        context = _replica_context()
        super().apply(grads if context is None else context.all_reduce("MEAN", list(grads)), trainable_variables)
