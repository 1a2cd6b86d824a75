"""Networks in Keras' HDF5 files (`model.save("….h5")`, Keras 2 and 3), rebuilt without running anything they hold.

Keras itself looks up the classes and functions that such a file names, and unmarshals code. Here the file is data: its
layers are built one by one from the classes and settings listed below, and weights are copied by name.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from poseflow.core.errors import ModelError
from poseflow.media.hdf5_links import find_outside
from poseflow.networks.lazy import ops

Tensor = Any
Values = Mapping[str, Any]
Saved = dict[tuple[str, str], NDArray[Any]]  # by layer and weight
Tensors = dict[tuple[str, int, int], Tensor]  # by layer, number of its call, number of the call's output
Call = tuple[Any, str, int, Any]  # a layer, its name, number of its call, and where its inputs come from

# Each class with the settings that change what it computes at inference; all others are for training.
_CONVOLUTION = ("kernel_size", "strides", "padding", "dilation_rate", "activation", "use_bias")
_POOLING = ("pool_size", "strides", "padding")
LAYERS: dict[str, tuple[type[keras.Layer], tuple[str, ...]]] = {
    "Activation": (layers.Activation, ("activation",)),
    "Add": (layers.Add, ()),
    "Average": (layers.Average, ()),
    "AveragePooling2D": (layers.AveragePooling2D, _POOLING),
    "BatchNormalization": (layers.BatchNormalization, ("axis", "epsilon", "center", "scale")),
    "Concatenate": (layers.Concatenate, ("axis",)),
    "Conv2D": (layers.Conv2D, ("filters", "groups", *_CONVOLUTION)),
    # Its `groups`, which Keras 2 wrote and Keras 3 does not know, is 1 in all files.
    "Conv2DTranspose": (layers.Conv2DTranspose, ("filters", "output_padding", *_CONVOLUTION)),
    "Cropping2D": (layers.Cropping2D, ("cropping",)),
    "Dense": (layers.Dense, ("units", "activation", "use_bias")),
    "DepthwiseConv2D": (layers.DepthwiseConv2D, ("depth_multiplier", *_CONVOLUTION)),
    "Dropout": (layers.Dropout, ("rate",)),
    "FixedDropout": (layers.Dropout, ("rate",)),  # of the EfficientNets; at inference none of them does anything
    "Flatten": (layers.Flatten, ()),
    "GlobalAveragePooling2D": (layers.GlobalAveragePooling2D, ("keepdims",)),
    "GlobalMaxPooling2D": (layers.GlobalMaxPooling2D, ("keepdims",)),
    "LeakyReLU": (layers.LeakyReLU, ("negative_slope",)),
    "MaxPooling2D": (layers.MaxPooling2D, _POOLING),
    "Maximum": (layers.Maximum, ()),
    "Multiply": (layers.Multiply, ()),
    "ReLU": (layers.ReLU, ("max_value", "negative_slope", "threshold")),
    "Rescaling": (layers.Rescaling, ("scale", "offset")),
    "Reshape": (layers.Reshape, ("target_shape",)),
    "SeparableConv2D": (layers.SeparableConv2D, ("filters", "depth_multiplier", *_CONVOLUTION)),
    "Softmax": (layers.Softmax, ("axis",)),
    "SpatialDropout2D": (layers.SpatialDropout2D, ("rate",)),
    "Subtract": (layers.Subtract, ()),
    "UpSampling2D": (layers.UpSampling2D, ("size", "interpolation")),
    "ZeroPadding2D": (layers.ZeroPadding2D, ("padding",)),
}
MODELS = ("Functional", "Model")
ACTIVATIONS = ("linear", "relu", "relu6", "elu", "selu", "sigmoid", "silu", "softmax", "softplus", "swish", "tanh")


class RepeatChannel(layers.Layer):
    """Grey to RGB: the channel three times."""

    def call(self, images: Tensor) -> Tensor:
        """(batch, height, width, 1) -> (batch, height, width, 3)."""
        return ops.repeat(images, 3, axis=-1) if images.shape[-1] == 1 else images


class CaffeColors(layers.Layer):
    """RGB from 0 to 1 as the first ImageNet networks take it: BGR from 0 to 255, less each channel's mean."""

    def call(self, images: Tensor) -> Tensor:
        """(batch, height, width, 3) -> the same shape."""
        means = ops.convert_to_tensor(np.array([103.939, 116.779, 123.68], np.float32))
        return ops.flip(images, axis=-1) * 255.0 - ops.cast(means, images.dtype)


# SLEAP's preprocessing before encoders with ImageNet weights, by its layers' names; the files hold it as code.
KNOWN_LAMBDAS: dict[str, type[keras.Layer]] = {
    "ensure_rgb": RepeatChannel,
    "tile_channels": RepeatChannel,
    "imagenet_preproc_v1": CaffeColors,
}


def read_network(path: str | Path) -> keras.Model:
    """Rebuild the network of a Keras HDF5 file with its weights.

    Args:
        path: a file that `model.save` wrote in Keras 2 or 3, with one image input.

    Returns: a model from images (batch, height, width, channels), of any height and width unless a dense layer sees
        the whole image, to a dict of outputs by their layers' names. Layers have the current dtype policy, outputs
        are float32.

    Raises: ModelError naming the file for one that cannot be read, a layer that is not known, a Lambda layer, or
        weights that do not fit.
    """
    path = Path(path)
    try:
        with h5py.File(path) as file:
            if outside := find_outside(file):
                raise ValueError(f"it must hold its weights itself, got {outside}")
            text = file.attrs.get("model_config")
            if text is None:
                raise ValueError("it must have the attribute model_config, got weights alone")
            model = json.loads(text)
            network = _connect(model["class_name"], model["config"], is_whole=True)
            _copy_weights(network, _read_weights(file["model_weights"]))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: must be the file of a Keras model: {_first_line(error)}") from None
    except (KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        fault = f"{type(error).__name__}: {_first_line(error)}"
        raise ModelError(f"{path}: must be the file of a Keras model, got a damaged one: {fault}") from None
    return network


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "")


def _connect(class_name: str, config: Values, is_whole: bool) -> keras.Model:
    """Build a functional model from its config, layer by layer; `is_whole`: not one within another."""
    if class_name not in MODELS:
        raise ValueError(f"a model must be {' or '.join(MODELS)}, got {class_name}")
    outputs = [_history(part) for part in _references(config["output_layers"])]
    ends = {name for name, _, _ in outputs} if is_whole else set()
    shape_matters = _has_whole_image_dense(config["layers"])
    tensors: Tensors = {}
    calls: list[Call] = []
    for values in config["layers"]:
        if values["class_name"] == "InputLayer":
            tensors[values["name"], 0, 0] = _make_input(values, shape_matters)
            continue
        layer = _make_layer(values, dtype="float32" if values["name"] in ends else None)
        calls += [(layer, values["name"], number, node) for number, node in enumerate(values["inbound_nodes"])]
    _call_layers(calls, tensors)
    inputs = [tensors[_history(part)] for part in _references(config["input_layers"])]
    if is_whole:
        if len(inputs) != 1:
            raise ValueError(f"a network must have one input, got {len(inputs)}")
        return keras.Model(inputs[0], {name: tensors[name, node, index] for name, node, index in outputs})
    found = [tensors[output] for output in outputs]
    return keras.Model(inputs, found[0] if len(found) == 1 else found, name=config["name"])


def _call_layers(calls: list[Call], tensors: Tensors) -> None:
    """Call each layer once what it takes is there, and add what it gives to `tensors`."""
    while calls:
        waiting = []
        for layer, name, number, node in calls:
            sources = [_history(part) for part in _references(node)]
            if not all(source in tensors for source in sources):
                waiting.append((layer, name, number, node))
                continue
            inputs = [tensors[source] for source in sources]
            results = layer(inputs[0] if len(inputs) == 1 else inputs)
            for index, result in enumerate(results if isinstance(results, list | tuple) else [results]):
                tensors[name, number, index] = result
        if len(waiting) == len(calls):
            raise ValueError(f"layers must follow from the input, got {', '.join(name for _, name, _, _ in waiting)}")
        calls = waiting


def _references(value: Any) -> list[Any]:
    """Where tensors come from, in the order in which a layer takes them, in any of the ways Keras has written it.

    Keras 2: `[["conv", 0, 0, {}], …]`; Keras 3: `{"args": […{"class_name": "__keras_tensor__"}…], "kwargs": {}}`.
    """
    if isinstance(value, Mapping):
        if value.get("class_name") == "__keras_tensor__":
            return [value["config"]["keras_history"]]
        return [part for item in value.values() for part in _references(item)]
    if not isinstance(value, list):
        return []
    if len(value) >= 3 and isinstance(value[0], str) and isinstance(value[1], int):
        return [value]
    return [part for item in value for part in _references(item)]


def _history(reference: Any) -> tuple[str, int, int]:
    """(layer, number of its call, number of the call's output)."""
    return str(reference[0]), int(reference[1]), int(reference[2])


def _has_whole_image_dense(values: list[Values]) -> bool:
    names = {layer["class_name"] for layer in values}
    return "Flatten" in names and not any(name.startswith("Global") for name in names)


def _make_input(values: Values, shape_matters: bool) -> Tensor:
    config = values["config"]
    shape = config.get("batch_input_shape") or config.get("batch_shape")
    if shape is None or len(shape) != 4:
        raise ValueError(f"input {values['name']} must be images, (batch, height, width, channels), got {shape}")
    _, height, width, channels = shape
    size = (height, width) if shape_matters else (None, None)
    return keras.Input((*size, channels), name=values["name"])


def _make_layer(values: Values, dtype: str | None) -> Any:
    class_name, name, config = values["class_name"], values["name"], values["config"]
    if class_name in MODELS:
        return _connect(class_name, config, is_whole=False)
    if class_name == "Lambda":
        if name not in KNOWN_LAMBDAS:
            raise ValueError(f"layer {name} must be no Lambda, whose code would have to be run, got one")
        return KNOWN_LAMBDAS[name](name=name)
    if class_name not in LAYERS:
        raise ValueError(f"class of layer {name} must be one of {', '.join(LAYERS)}, got {class_name}")
    if config.get("data_format") == "channels_first":
        raise ValueError(f"data_format of layer {name} must be channels_last, got channels_first")
    build, keys = LAYERS[class_name]
    settings = {key: config[key] for key in keys if config.get(key) is not None}
    if "activation" in settings and settings["activation"] not in ACTIVATIONS:
        raise ValueError(f"activation of layer {name} must be one of {', '.join(ACTIVATIONS)}, got {config}")
    if class_name == "LeakyReLU" and "alpha" in config:  # its name in Keras 2
        settings["negative_slope"] = config["alpha"]
    if class_name == "BatchNormalization" and isinstance(settings.get("axis"), list):
        (settings["axis"],) = settings["axis"]
    return build(name=name, dtype=dtype, **settings)


def _read_weights(group: h5py.Group) -> Saved:
    """Arrays by names of layer and weight.

    A weight lies at `layer/…/layer/kernel:0`; one of a model in a model at `model/…/layer/kernel:0`.
    """
    own: Saved = {}
    scoped: Saved = {}
    for layer in group:
        if not isinstance(group[layer], h5py.Group):
            continue
        for path in _read_names(group[layer], "weight_names"):
            *scopes, weight = path.split("/")
            values = np.asarray(group[layer][path])
            own[layer, weight.split(":")[0]] = values
            scoped[scopes[-1] if scopes else layer, weight.split(":")[0]] = values
    # The group says which layer it is, whatever the scopes in the path; of a model within a model the path does.
    return {**scoped, **own}


def _read_names(group: h5py.Group, key: str) -> Iterator[str]:
    """A list of names, which Keras cuts in pieces (`key0`, `key1`, …) where it is long."""
    pieces = [key] if key in group.attrs else []
    while not pieces or pieces[-1] != key:
        piece = f"{key}{len(pieces)}"
        if piece not in group.attrs:
            break
        pieces.append(piece)
    for piece in pieces:
        for name in group.attrs[piece]:
            yield name.decode() if isinstance(name, bytes) else str(name)


def _copy_weights(network: keras.Model, saved: Saved) -> None:
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            _copy_weights(layer, saved)
            continue
        for variable in layer.variables:
            if variable.name == "seed_generator_state":  # of dropout
                continue
            values = saved.get((layer.name, variable.name))
            if values is None and isinstance(layer, layers.DepthwiseConv2D):
                values = saved.get((layer.name, f"depthwise_{variable.name}"))  # its name in Keras 2
            what = f"{variable.name} of layer {layer.name}"
            if values is None:
                raise ValueError(f"weights must have {what}, got none")
            if values.shape != tuple(variable.shape):
                raise ValueError(f"{what} must have shape {tuple(variable.shape)}, got {values.shape}")
            if not np.isfinite(values).all():
                raise ValueError(f"{what} must be finite numbers, got NaN or infinity")
            variable.assign(values.astype(np.float32))
