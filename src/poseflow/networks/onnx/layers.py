"""Keras' layers as nodes of an ONNX graph: what each computes once it is trained."""

import sys
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from poseflow.core.errors import ModelError
from poseflow.networks import lazy
from poseflow.networks.onnx import ops
from poseflow.networks.onnx.graph import Tensor

Convert = Callable[..., Tensor]
LAYERS: dict[type, Convert] = {}
"""What writes a layer; of a subclass its own, else that of the class it is made from."""


def convert_layer(layer: Any, inputs: list[Tensor], arguments: tuple[Any, ...], options: dict[str, Any]) -> Tensor:
    """Write a layer, or an operation between tensors.

    Args: arguments and options: of the call, where tensors of the graph stand for Keras'.

    Raises: ModelError for one that is not known here.
    """
    if not isinstance(layer, layers.Layer):
        return _convert_operation(layer, arguments, options)
    for kind in type(layer).__mro__:
        if kind in LAYERS:
            if isinstance(layer, COMPUTING):
                inputs = [ops.cast(tensor, layer.compute_dtype) for tensor in inputs]
            return LAYERS[kind](layer, *inputs)
    if type(layer).__name__ in OTHERS:
        return OTHERS[type(layer).__name__](layer, *inputs)
    if _is_traceable(layer):
        with lazy.tracing():
            found: Tensor = layer.call(*inputs)
            return found
    raise ModelError(f"a network must be of layers that can be exported, got {type(layer).__name__} ({layer.name})")


COMPUTING = (
    *(layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D, layers.Conv2DTranspose, layers.Dense),
    *(layers.BatchNormalization, layers.LayerNormalization),
)
"""Layers with weights, whose number format they take; all others go on in that of what they are given."""


def _convert(*kinds: type) -> Callable[[Convert], Convert]:
    def note(function: Convert) -> Convert:
        LAYERS.update(dict.fromkeys(kinds, function))
        return function

    return note


def _weights(variable: Any, dtype: str) -> NDArray[Any]:
    return np.asarray(keras.ops.convert_to_numpy(variable)).astype(dtype)


# --- with weights


def _convolve(value: Tensor, layer: Any, kernel: NDArray[Any], bias: Any, groups: int, use: Any = None) -> Tensor:
    """Args: kernel (filters, channels of a group, rows, columns)."""
    use = use or layer
    size, steps, spread = use.kernel_size, use.strides, use.dilation_rate
    reach = [spread_ * (side - 1) + 1 for side, spread_ in zip(size, spread, strict=True)]
    inputs = [value.first, value.graph.add_constant(kernel)]
    if bias is not None:
        inputs.append(value.graph.add_constant(bias))
    (name,) = value.graph.add(
        "Conv",
        inputs,
        kernel_shape=list(size),
        strides=list(steps),
        dilations=list(spread),
        group=groups,
        **ops.padding_of(layer.padding, reach, steps),
    )
    batch, *sides, _ = value.shape
    found = [ops.window_side(*own, layer.padding) for own in zip(sides, reach, steps, strict=True)]
    return Tensor(value.graph, value.dtype, (batch, *found, kernel.shape[0]), first=name)


def _bias(layer: Any, dtype: str) -> NDArray[Any] | None:
    return _weights(layer.bias, dtype) if layer.use_bias else None


@_convert(layers.Conv2D)
def _conv(layer: Any, value: Tensor) -> Tensor:
    kernel = _weights(layer.kernel, value.dtype).transpose(3, 2, 0, 1)
    return _activate(layer, _convolve(value, layer, kernel, _bias(layer, value.dtype), layer.groups))


def _turn_depthwise(kernel: NDArray[Any]) -> NDArray[Any]:
    """(rows, columns, channels, multiplier) as (channels * multiplier, 1, rows, columns)."""
    rows, columns, channels, multiplier = kernel.shape
    return kernel.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, rows, columns)


@_convert(layers.DepthwiseConv2D)
def _depthwise(layer: Any, value: Tensor) -> Tensor:
    kernel = _turn_depthwise(_weights(layer.kernel, value.dtype))
    channels = value.shape[-1]
    assert channels is not None
    return _activate(layer, _convolve(value, layer, kernel, _bias(layer, value.dtype), channels))


@_convert(layers.SeparableConv2D)
def _separable(layer: Any, value: Tensor) -> Tensor:
    kernel = _turn_depthwise(_weights(layer.depthwise_kernel, value.dtype))
    channels = value.shape[-1]
    assert channels is not None
    found = _convolve(value, layer, kernel, None, channels)
    points = _weights(layer.pointwise_kernel, value.dtype).transpose(3, 2, 0, 1)
    one = layers.Conv2D(points.shape[0], 1)
    return _activate(layer, _convolve(found, layer, points, _bias(layer, value.dtype), 1, use=one))


@_convert(layers.Conv2DTranspose)
def _enlarge(layer: Any, value: Tensor) -> Tensor:
    kernel = _weights(layer.kernel, value.dtype).transpose(3, 2, 0, 1)  # (channels, filters, rows, columns)
    if layer.output_padding is not None or layer.dilation_rate != (1, 1):
        raise ModelError(f"{layer.name} must have no output_padding and no dilation, got some")
    same = layer.padding == "same"
    cut = [max(size - step, 0) if same else 0 for size, step in zip(layer.kernel_size, layer.strides, strict=True)]
    more = [max(step - size, 0) for size, step in zip(layer.kernel_size, layer.strides, strict=True)]
    begins = [side // 2 for side in cut]
    bias = _bias(layer, value.dtype)
    inputs = [value.first, value.graph.add_constant(kernel)]
    if bias is not None:
        inputs.append(value.graph.add_constant(bias))
    (name,) = value.graph.add(
        "ConvTranspose",
        inputs,
        kernel_shape=list(layer.kernel_size),
        strides=list(layer.strides),
        pads=[*begins, *(side - begin for side, begin in zip(cut, begins, strict=True))],
        output_padding=more,
    )
    batch, *sides, _ = value.shape
    found = [
        None if side is None else step * side if same else step * side + max(size - step, 0)
        for side, step, size in zip(sides, layer.strides, layer.kernel_size, strict=True)
    ]
    return _activate(layer, Tensor(value.graph, value.dtype, (batch, *found, kernel.shape[1]), first=name))


@_convert(layers.Dense)
def _dense(layer: Any, value: Tensor) -> Tensor:
    found = ops.matmul(value, _weights(layer.kernel, value.dtype))
    bias = _bias(layer, value.dtype)
    return _activate(layer, found if bias is None else found + bias)


@_convert(layers.BatchNormalization)
def _normalize_batch(layer: Any, value: Tensor) -> Tensor:
    if layer.axis not in (-1, value.ndim - 1):
        raise ModelError(f"{layer.name} must normalize channels, got axis {layer.axis}")
    variance, mean = (_weights(part, "float32") for part in (layer.moving_variance, layer.moving_mean))
    factor = 1 / np.sqrt(variance + np.float32(layer.epsilon))
    if layer.scale:
        factor = factor * _weights(layer.gamma, "float32")
    shift = (_weights(layer.beta, "float32") if layer.center else 0) - mean * factor
    return _scale_channels(value, factor.astype(np.float32), shift.astype(np.float32))


def _scale_channels(value: Tensor, factor: Any, shift: Any = None) -> Tensor:
    """Args: factor and shift (channels,); what has channels first stays so."""
    if value.ndim != 4 or not value.is_first:
        found = value * np.asarray(factor, value.dtype)
        return found if shift is None else found + np.asarray(shift, value.dtype)
    name = value.first
    for kind, numbers in (("Mul", factor), ("Add", shift)):
        if numbers is not None:
            constant = value.graph.add_constant(np.asarray(numbers, value.dtype).reshape(-1, 1, 1))
            (name,) = value.graph.add(kind, [name, constant])
    return Tensor(value.graph, value.dtype, value.shape, first=name)


@_convert(layers.LayerNormalization)
def _normalize_layer(layer: Any, value: Tensor) -> Tensor:
    axes = [layer.axis] if isinstance(layer.axis, int) else [*layer.axis]
    if axes not in ([-1], [value.ndim - 1]) or getattr(layer, "rms_scaling", False):
        raise ModelError(f"{layer.name} must normalize channels, got axis {layer.axis}")
    channels = value.shape[-1]
    assert channels is not None
    scale = _weights(layer.gamma, value.dtype) if layer.scale else np.ones(channels, value.dtype)
    inputs = [value.last, value.graph.add_constant(scale)]
    if layer.center:
        inputs.append(value.graph.add_constant(_weights(layer.beta, value.dtype)))
    (name,) = value.graph.add("LayerNormalization", inputs, axis=-1, epsilon=float(layer.epsilon))
    return Tensor(value.graph, value.dtype, value.shape, last=name)


# --- what is done with numbers


def _rectify(value: Tensor, most: float | None = None, slope: float = 0.0, threshold: float = 0.0) -> Tensor:
    if threshold:
        raise ModelError(f"a ReLU must have threshold 0, got {threshold}")
    found = _one_to_one("LeakyRelu", value, alpha=float(slope)) if slope else ops.relu(value)
    return found if most is None else ops.minimum(found, float(most))


def _one_to_one(kind: str, value: Tensor, **attributes: Any) -> Tensor:
    first = value.ndim == 4 and value.is_first
    (name,) = value.graph.add(kind, [value.first if first else value.last], **attributes)
    return Tensor(value.graph, value.dtype, value.shape, **{"first" if first else "last": name})


def _gelu(value: Tensor) -> Tensor:
    return value * 0.5 * (ops.erf(value * float(np.sqrt(0.5))) + 1.0)


def _hard_sigmoid(value: Tensor) -> Tensor:
    return _one_to_one("HardSigmoid", value, alpha=1 / 6, beta=0.5)


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda value: value,
    "relu": ops.relu,
    "relu6": lambda value: _rectify(value, 6.0),
    "sigmoid": ops.sigmoid,
    "silu": lambda value: value * ops.sigmoid(value),
    "tanh": ops.tanh,
    "softmax": ops.softmax,
    "softplus": lambda value: _one_to_one("Softplus", value),
    "elu": lambda value: _one_to_one("Elu", value),
    "selu": lambda value: _one_to_one("Selu", value),
    "gelu": _gelu,
    "hard_sigmoid": _hard_sigmoid,
    "hard_silu": lambda value: value * _hard_sigmoid(value),
}


@_convert(layers.Activation)
def _activate(layer: Any, value: Tensor) -> Tensor:
    name = getattr(layer.activation, "__name__", str(layer.activation))
    if name not in ACTIVATIONS:
        raise ModelError(f"activation of {layer.name} must be one of {', '.join(ACTIVATIONS)}, got {name}")
    return ACTIVATIONS[name](value)


@_convert(layers.ReLU)
def _relu(layer: Any, value: Tensor) -> Tensor:
    return _rectify(value, layer.max_value, float(layer.negative_slope), float(layer.threshold))


@_convert(layers.LeakyReLU)
def _leaky(layer: Any, value: Tensor) -> Tensor:
    return _rectify(value, slope=float(layer.negative_slope))


@_convert(layers.Softmax)
def _softmax(layer: Any, value: Tensor) -> Tensor:
    return ops.softmax(value, layer.axis)


@_convert(layers.Rescaling)
def _rescale(layer: Any, value: Tensor) -> Tensor:
    return value * float(layer.scale) + float(layer.offset)


@_convert(layers.Add)
def _add(_: Any, *values: Tensor) -> Tensor:
    return _fold(ops.add, values)


@_convert(layers.Multiply)
def _multiply(_: Any, *values: Tensor) -> Tensor:
    return _fold(ops.multiply, values)


@_convert(layers.Maximum)
def _maximum(_: Any, *values: Tensor) -> Tensor:
    return _fold(ops.maximum, values)


@_convert(layers.Subtract)
def _subtract(_: Any, *values: Tensor) -> Tensor:
    return _fold(ops.subtract, values)


@_convert(layers.Average)
def _average(_: Any, *values: Tensor) -> Tensor:
    return _fold(ops.add, values) * (1 / len(values))


def _fold(function: Callable[[Any, Any], Any], values: tuple[Tensor, ...]) -> Tensor:
    found, *others = values
    for other in others:
        found = function(found, other)
    return found


# --- what is done with images


@_convert(layers.MaxPooling2D)
def _pool_max(layer: Any, value: Tensor) -> Tensor:
    return ops.pool("MaxPool", value, layer.pool_size, layer.strides, layer.padding)


@_convert(layers.AveragePooling2D)
def _pool_average(layer: Any, value: Tensor) -> Tensor:
    return ops.pool("AveragePool", value, layer.pool_size, layer.strides, layer.padding)


@_convert(layers.GlobalMaxPooling2D)
def _pool_all_max(layer: Any, value: Tensor) -> Tensor:
    return ops.max(value, (1, 2), bool(layer.keepdims))


@_convert(layers.GlobalAveragePooling2D)
def _pool_all_average(layer: Any, value: Tensor) -> Tensor:
    return ops.mean(value, (1, 2), bool(layer.keepdims))


@_convert(layers.UpSampling2D)
def _upsample(layer: Any, value: Tensor) -> Tensor:
    rows, columns = layer.size
    if layer.interpolation not in ("bilinear", "nearest"):
        raise ModelError(f"interpolation of {layer.name} must be bilinear or nearest, got {layer.interpolation}")
    scales = value.graph.add_constant(np.array([1, 1, rows, columns], np.float32))
    how: dict[str, Any] = (
        {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
        if layer.interpolation == "bilinear"
        else {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    )
    (name,) = value.graph.add("Resize", [value.first, "", scales], **how)
    batch, *sides, channels = value.shape
    found = [None if side is None else side * factor for side, factor in zip(sides, layer.size, strict=True)]
    return Tensor(value.graph, value.dtype, (batch, *found, channels), first=name)


@_convert(layers.ZeroPadding2D)
def _pad_with_zeros(layer: Any, value: Tensor) -> Tensor:
    (top, bottom), (left, right) = layer.padding
    pads = value.graph.add_constant(np.array([0, 0, top, left, 0, 0, bottom, right], np.int64))
    zero = value.graph.add_constant(np.zeros((), value.dtype))
    (name,) = value.graph.add("Pad", [value.first, pads, zero])
    batch, *sides, channels = value.shape
    found = [None if side is None else side + sum(both) for side, both in zip(sides, layer.padding, strict=True)]
    return Tensor(value.graph, value.dtype, (batch, *found, channels), first=name)


@_convert(layers.Cropping2D)
def _crop(layer: Any, value: Tensor) -> Tensor:
    last = np.iinfo(np.int64).max
    begins = [begin for begin, _ in layer.cropping]
    ends = [-end or last for _, end in layer.cropping]
    limits = [value.graph.add_constant(np.array(numbers, np.int64)) for numbers in (begins, ends, [2, 3])]
    (name,) = value.graph.add("Slice", [value.first, *limits])
    batch, *sides, channels = value.shape
    found = [None if side is None else side - sum(both) for side, both in zip(sides, layer.cropping, strict=True)]
    return Tensor(value.graph, value.dtype, (batch, *found, channels), first=name)


@_convert(layers.Concatenate)
def _join(layer: Any, *values: Tensor) -> Tensor:
    return ops.concatenate([_with_channels_first(value) for value in values], layer.axis)


def _with_channels_first(value: Tensor) -> Tensor:
    if value.ndim == 4:
        _ = value.first
    return value


@_convert(layers.Reshape)
def _reshape(layer: Any, value: Tensor) -> Tensor:
    return ops.reshape(value, (ops.shape(value)[0], *layer.target_shape))


@_convert(layers.Flatten)
def _flatten(_: Any, value: Tensor) -> Tensor:
    return ops.reshape(value, (ops.shape(value)[0], -1)) if value.ndim > 2 else value


@_convert(layers.Identity, layers.Dropout, layers.SpatialDropout2D)
def _nothing(_: Any, value: Tensor) -> Tensor:
    return value


OTHERS: dict[str, Convert] = {
    "CustomScaleLayer": lambda layer, *values: values[0] + values[1] * float(layer.scale),
    "LayerScale": lambda layer, value: _scale_channels(value, _weights(layer.gamma, value.dtype)),
}
"""Layers that Keras' own networks have beside its public ones, by the name of their class."""


def _is_traceable(layer: Any) -> bool:
    """Whether a layer is written in terms of `networks.lazy.ops`, so that its own code can write it."""
    return getattr(sys.modules[type(layer).__module__], "ops", None) is lazy.ops


# --- operations between tensors, in a network that has them beside layers

OPERATIONS: dict[str, Callable[..., Tensor]] = {
    "Add": lambda _, one, other: ops.add(one, other),
    "Subtract": lambda _, one, other: ops.subtract(one, other),
    "Multiply": lambda _, one, other: ops.multiply(one, other),
    "TrueDivide": lambda _, one, other: ops.divide(one, other),
    "Divide": lambda _, one, other: ops.divide(one, other),
    "Maximum": lambda _, one, other: ops.maximum(one, other),
    "Minimum": lambda _, one, other: ops.minimum(one, other),
    "Cast": lambda operation, value: ops.cast(value, operation.dtype),
    "Flip": lambda operation, value: ops.flip(value, operation.axis),
    "GetItem": lambda _, value, key: value[key],
    "Mean": lambda operation, value: ops.mean(value, operation.axis, operation.keepdims),
    "Std": lambda operation, value: ops.std(value, operation.axis),
    "Stack": lambda operation, values: ops.stack(values, operation.axis),
    "Concatenate": lambda operation, values: ops.concatenate(values, operation.axis),
}
"""By the name of Keras' class."""


def _convert_operation(operation: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> Tensor:
    name = type(operation).__name__
    if name not in OPERATIONS:
        raise ModelError(f"a network's operations must be {', '.join(OPERATIONS)}, got {name} ({operation.name})")
    return OPERATIONS[name](operation, *arguments, **options)
