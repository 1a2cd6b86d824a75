"""Networks of today's SLEAP (1.5 on, sleap-nn, PyTorch) as networks of ours: same input, same names of heads."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from poseflow.config import Precision
from poseflow.core.errors import ModelError
from poseflow.models import ModelFolder
from poseflow.models.sleap.nn_settings import NNArchitecture, NNUNet, read_architecture
from poseflow.networks.build import count_channels
from poseflow.networks.checkpoint import read_checkpoint

Tensor = Any
Weights = Mapping[str, NDArray[Any]]
PREFIX = "model."  # of all tensors of the network; the rest is the training's

# Each kind's heads by our names, in the order in which they stand in the checkpoint.
HEADS = {
    "single_instance": {"confidence_maps": "SingleInstanceConfmapsHead"},
    "centroid": {"confidence_maps": "CentroidConfmapsHead"},
    "centered_instance": {"confidence_maps": "CenteredInstanceConfmapsHead"},
    "bottom_up": {
        "confidence_maps": "MultiInstanceConfmapsHead",
        "part_affinity_fields": "PartAffinityFieldsHead",
    },
    "multi_class_bottom_up": {"confidence_maps": "MultiInstanceConfmapsHead", "class_maps": "ClassMapsHead"},
    "multi_class_top_down": {
        "confidence_maps": "CenteredInstanceConfmapsHead",
        "class_vector": "ClassVectorsHead",
    },
}


def read_nn_network(path: str | Path, folder: ModelFolder, precision: Precision = "auto") -> keras.Model:
    """Read a model's `best.ckpt`.

    Args and returns: as `sleap.network.read_sleap_network`; there are no `offsets`.

    Raises: ModelError as `checkpoint.read_checkpoint`, or where its tensors are not those of the settings' network.
    """
    saved = {
        name.removeprefix(PREFIX): values for name, values in read_checkpoint(path).items() if name.startswith(PREFIX)
    }
    loading = _Loading(path, saved)
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32" if precision == "auto" else precision)
    try:
        architecture = read_architecture(folder.path)
        image = keras.Input((None, None, folder.config.input.channels), name="image")
        heads = _connect(image, folder, architecture, loading)
    finally:
        keras.config.set_dtype_policy(previous)
    if unknown := sorted(saved.keys() - loading.used):
        raise ModelError(f"{path}: tensors must be those of the network in the settings, got {unknown[0]} too")
    return keras.Model(image, heads, name=folder.config.kind)


class _Loading:
    """Layers with the weights of a checkpoint, each tensor used by its name and once."""

    def __init__(self, path: str | Path, saved: Weights) -> None:
        self.path, self.saved = path, saved
        self.used: set[str] = set()

    def take(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """A tensor of that shape; raises ModelError where there is none."""
        values = self.saved.get(name)
        if values is None:
            raise ModelError(f"{self.path}: it must hold {PREFIX}{name}, by the settings, got none")
        if values.shape != shape:
            raise ModelError(f"{self.path}: {PREFIX}{name} must have shape {shape} by the settings, got {values.shape}")
        numbers = values.astype(np.float32)
        if not np.isfinite(numbers).all():
            raise ModelError(f"{self.path}: {PREFIX}{name} must be finite numbers, got NaN or infinity")
        self.used.add(name)
        return numbers

    def convolve(self, features: Tensor, name: str, filters: int, size: int, **settings: Any) -> Tensor:
        """A convolution that keeps the image's size."""
        kernel = self.take(f"{name}.weight", (filters, features.shape[-1], size, size))
        layer = layers.Conv2D(filters, size, padding="same", name=_plain(name), **settings)
        return self._fill(layer, features, kernel.transpose(2, 3, 1, 0), name)

    def enlarge(self, features: Tensor, name: str, filters: int) -> Tensor:
        """A transposed convolution to twice the size, as PyTorch places its output."""
        kernel = self.take(f"{name}.weight", (features.shape[-1], filters, 3, 3))
        layer = layers.Conv2DTranspose(filters, 3, strides=2, padding="valid", activation="relu", name=_plain(name))
        found = self._fill(layer, features, kernel.transpose(2, 3, 1, 0), name)
        return layers.Cropping2D(((1, 0), (1, 0)), name=f"{_plain(name)}_crop")(found)

    def combine(self, features: Tensor, name: str, units: int, **settings: Any) -> Tensor:
        """A dense layer."""
        kernel = self.take(f"{name}.weight", (units, features.shape[-1]))
        return self._fill(layers.Dense(units, name=_plain(name), **settings), features, kernel.T, name)

    def _fill(self, layer: Any, features: Tensor, kernel: NDArray[np.float32], name: str) -> Tensor:
        output = layer(features)
        layer.set_weights([kernel, self.take(f"{name}.bias", (output.shape[-1],))])
        return output


def _plain(name: str) -> str:
    return name.replace(".", "_")


def _connect(image: Tensor, folder: ModelFolder, network: NNArchitecture, loading: _Loading) -> dict[str, Tensor]:
    """Outputs by our heads' names."""
    features, deepest = _connect_unet(ops.cast(image, "float32") / 255.0, network.unet, loading)
    channels = count_channels(folder.config, folder.skeleton)
    outputs = {}
    for number, (own_name, name) in enumerate(HEADS[folder.config.kind].items()):
        root, depth = f"head_layers.{number}", channels[own_name]
        if own_name == "class_vector":
            outputs[own_name] = _connect_class_vector(deepest, root, depth, network, loading)
            continue
        stride = folder.config.heads[own_name].stride
        if stride not in features:
            strides = ", ".join(map(str, sorted(features)))
            raise ModelError(f"{loading.path}: output_stride of {own_name} must be one of {strides}, got {stride}")
        sigmoid = own_name == "class_maps" or (name == "CentroidConfmapsHead" and network.sigmoid_centroid)
        outputs[own_name] = loading.convolve(
            features[stride], f"{root}.{name}.0", depth, 1, activation="sigmoid" if sigmoid else None, dtype="float32"
        )
    return outputs


def _connect_unet(image: Tensor, unet: NNUNet, loading: _Loading) -> tuple[dict[int, Tensor], Tensor]:
    """Features by their stride that heads may read, and the deepest.

    Source: sleap-nn 0.3.5, `architectures/unet.py` and `encoder_decoder.py`.
    """
    blocks = unet.max_stride.bit_length() - 1
    size, skips, features = unet.kernel_size, {}, image
    for level in range(blocks):
        if level:
            features = layers.MaxPooling2D(2, name=f"pool{level}")(features)
        for number in range(unet.convs_per_block):
            name = f"backbone.encoders.0.encoder_stack.{level}.blocks.stack0_enc{level}_conv{number}"
            features = loading.convolve(features, name, unet.filters_at(level), size, activation="relu")
        skips[2**level] = features
    features = layers.MaxPooling2D(2, name=f"pool{blocks}")(features)
    expansions = unet.convs_per_block - 1
    root = f"backbone.middle_blocks.{{}}.blocks.stack0_enc{blocks + 1}_middle"
    for number in range(expansions):
        name = f"{root.format(0)}_expand_conv{number}"
        features = loading.convolve(features, name, unet.filters_at(blocks), size, activation="relu")
    last = "backbone.middle_blocks.{}.blocks.stack0_enc{}_middle_contract_conv0"
    name = last.format(int(expansions > 0), blocks + 1 + (expansions > 0))
    deepest = features = loading.convolve(features, name, unet.filters_at(blocks), size, activation="relu")
    by_stride, stride, block = {}, unet.max_stride, 0
    while stride > unet.output_stride:
        features = _connect_up(features, skips[stride // 2], unet, block, loading)
        stride, block = stride // 2, block + 1
        by_stride[stride] = features
    return by_stride or {unet.max_stride: deepest}, deepest


def _connect_up(features: Tensor, skip: Tensor, unet: NNUNet, block: int, loading: _Loading) -> Tensor:
    """One block of the decoder, to half the stride."""
    blocks = unet.max_stride.bit_length() - 1
    stride, filters = unet.max_stride >> block, unet.filters_at(max(0, blocks - 1 - block))
    root = f"backbone.decoders.0.decoder_stack.{block}.blocks.stack0_dec{block}_s{stride}_to_s{stride // 2}"
    if unet.up_interpolate:
        features = layers.UpSampling2D(2, interpolation="bilinear", name=f"up{block}")(features)
    else:
        features = loading.enlarge(features, f"{root}_trans_conv", filters)
    features = layers.Concatenate(name=f"join{block}")([skip, features])
    for number in range(2):
        name = f"{root}_refine_conv{number}"
        features = loading.convolve(features, name, filters, unet.kernel_size, activation="relu")
    return features


def _connect_class_vector(
    features: Tensor, root: str, depth: int, network: NNArchitecture, loading: _Loading
) -> Tensor:
    """Class probabilities of the animal in a crop."""
    if not network.global_pool:
        raise ModelError(f"{loading.path}: class_vectors.global_pool must be true by the settings, got false")
    found = layers.GlobalMaxPooling2D(name="class_pool")(features)
    for number in range(network.dense_layers):
        found = loading.combine(found, f"{root}.pre_classification{number}_fc", network.dense_units, activation="relu")
    return loading.combine(found, f"{root}.ClassVectorsHead", depth, activation="softmax", dtype="float32")
