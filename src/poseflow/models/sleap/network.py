"""Networks that SLEAP (1.0 to 1.4) trained, as networks of ours: same input, same names of heads."""

from pathlib import Path
from typing import Any

import keras
from keras import ops

from poseflow.config import Precision
from poseflow.core.errors import ModelError
from poseflow.models import ModelFolder
from poseflow.models.sleap.keras_file import read_network
from poseflow.networks.build import count_channels

# Which output is which, by a part of its name: SLEAP adds numbers to it where a network has several stacks.
HEADS = {
    "SingleInstanceConfmapsHead": "confidence_maps",
    "CentroidConfmapsHead": "confidence_maps",
    "CenteredInstanceConfmapsHead": "confidence_maps",
    "MultiInstanceConfmapsHead": "confidence_maps",
    "OffsetRefinementHead": "offsets",
    "PartAffinityFieldsHead": "part_affinity_fields",
    "ClassMapsHead": "class_maps",
    "ClassVectorsHead": "class_vector",
}


def read_sleap_network(path: str | Path, folder: ModelFolder, precision: Precision = "auto") -> keras.Model:
    """Read a SLEAP model's `best_model.h5`.

    Args:
        path: the file.
        folder: what the settings beside it say: the heads must be those of the kind, the nodes and the animals.
        precision: `auto` is float32, in which SLEAP runs them too, so that both give the same answer.

    Returns: a model from images (batch, height, width, channels), uint8 or float in 0..255 (SLEAP's own take 0..1, so
        the division is part of it), to a dict of float32 maps by head name. `offsets` (…, 2 * nodes) are x and y of
        each node, in cells, from a cell's center to the point.

    Raises: ModelError as `keras_file.read_network`, or where heads are not as the settings have them.
    """
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32" if precision == "auto" else precision)
    try:
        network = read_network(path)
    finally:
        keras.config.set_dtype_policy(previous)
    image = keras.Input(network.inputs[0].shape[1:], name="image")
    outputs = network(ops.cast(image, "float32") / 255.0)
    heads: dict[str, Any] = {}
    for own_name, output in outputs.items():
        for name in (name for part, name in HEADS.items() if part in own_name):
            heads.setdefault(name, output)  # of several stacks' heads SLEAP takes the first
    for name, depth in _expected_depths(folder).items():
        if name not in heads and name != "offsets":
            raise ModelError(f"{path}: a {folder.config.kind} model must have {name}, got {', '.join(outputs)}")
        if name in heads and heads[name].shape[-1] != depth:
            raise ModelError(f"{path}: {name} must have depth {depth} by the settings, got {heads[name].shape[-1]}")
    result = keras.Model(image, heads, name=folder.config.kind)
    _check_strides(path, result, folder)
    return result


def _expected_depths(folder: ModelFolder) -> dict[str, int]:
    """Channels of each head; `offsets` need not be there."""
    depths = count_channels(folder.config, folder.skeleton)
    return {**depths, "offsets": 2 * depths["confidence_maps"]}


def _check_strides(path: str | Path, network: keras.Model, folder: ModelFolder) -> None:
    """Raise ModelError where maps are not as coarse as the settings say: points would lie at a wrong scale."""
    _, height, width, channels = network.inputs[0].shape
    side = folder.config.backbone.max_stride
    shapes = network.compute_output_shape((1, height or side, width or side, channels))
    for name, head in folder.config.heads.items():
        if head.stride is not None and (stride := (height or side) / shapes[name][1]) != head.stride:
            raise ModelError(f"{path}: output_stride of {name} must be {head.stride} by the settings, got {stride:g}")
