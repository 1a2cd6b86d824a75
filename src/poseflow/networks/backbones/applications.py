"""The networks of `keras.applications` as encoders: any image size, features found by their stride."""

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import Field, field_validator

from poseflow.config.parts import APPLICATIONS, Pretrained
from poseflow.core.errors import ModelError
from poseflow.networks.backbones.encoder import ColorEncoder, Range, prepare_pixels
from poseflow.networks.lazy import keras, layers

if TYPE_CHECKING:  # it imports Keras
    from poseflow.networks.graph import Step

Tensor = Any
MAX_STRIDE = 32
REFERENCE_SIDE = 8 * MAX_STRIDE


class Facts(NamedTuple):
    """What must be known of a network beside its graph."""

    constructor: str
    """In `keras.applications`."""
    numbers: Range
    """What its pixels are brought to."""
    weights: str
    """File of its weights on ImageNet."""
    options: Mapping[str, Any] = {}
    """Of the constructor: so that nothing in it prepares the image."""
    centered: bool = False
    """Whether convolutions that lose the image's border are given one, so that features are aligned with the image."""


def _tabulate() -> dict[str, Facts]:
    ordered, outside = "{}_weights_tf_dim_ordering_tf_kernels_notop.h5", {"include_preprocessing": False}
    table = {
        "vgg16": Facts("VGG16", "caffe", ordered.format("vgg16")),
        "vgg19": Facts("VGG19", "caffe", ordered.format("vgg19")),
        "xception": Facts("Xception", "tf", ordered.format("xception"), centered=True),
        "inceptionv3": Facts("InceptionV3", "tf", ordered.format("inception_v3"), centered=True),
        "inceptionresnetv2": Facts("InceptionResNetV2", "tf", ordered.format("inception_resnet_v2"), centered=True),
        "mobilenet": Facts("MobileNet", "tf", "mobilenet_1_0_224_tf_no_top.h5"),
        "mobilenetv2": Facts("MobileNetV2", "tf", "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"),
        "nasnetmobile": Facts("NASNetMobile", "tf", "nasnet_mobile_no_top.h5"),
        "nasnetlarge": Facts("NASNetLarge", "tf", "nasnet_large_no_top.h5"),
    }
    for depth in (50, 101, 152):
        table[f"resnet{depth}"] = Facts(f"ResNet{depth}", "caffe", ordered.format(f"resnet{depth}"))
        table[f"resnet{depth}v2"] = Facts(f"ResNet{depth}V2", "tf", ordered.format(f"resnet{depth}v2"))
    for depth in (121, 169, 201):
        table[f"densenet{depth}"] = Facts(f"DenseNet{depth}", "torch", ordered.format(f"densenet{depth}"))
    for size in ("small", "large"):
        file = f"weights_mobilenet_v3_{size}_224_1.0_float_no_top_v2.h5"
        table[f"mobilenetv3{size}"] = Facts(f"MobileNetV3{size.title()}", "tf", file, outside)
    for grade in range(8):
        table[f"efficientnetb{grade}"] = Facts(f"EfficientNetB{grade}", "torch", f"efficientnetb{grade}_notop.h5")
    for size in ("b0", "b1", "b2", "b3", "s", "m", "l"):
        numbers: Range = "torch" if size[0] == "b" else "signed"
        constructor, file = f"EfficientNetV2{size.upper()}", f"efficientnetv2-{size}_notop.h5"
        table[f"efficientnetv2{size}"] = Facts(constructor, numbers, file, outside)
    for size in ("tiny", "small", "base", "large", "xlarge"):
        constructor = "ConvNeXtXLarge" if size == "xlarge" else f"ConvNeXt{size.title()}"
        table[f"convnext{size}"] = Facts(constructor, "torch", f"convnext_{size}_notop.h5", outside)
    return table


FACTS = _tabulate()


class Application(ColorEncoder):
    """An encoder of `keras.applications`, from random weights or from those on ImageNet that Keras fetches.

    With `batch_norm: false` convolutions have no normalization, in the encoder too.
    """

    name: str = Field(description="Its architecture.", json_schema_extra={"enum": list(APPLICATIONS)})

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if name not in FACTS:
            raise ValueError(f"name must be one of {', '.join(FACTS)}, got {name}")
        return name

    @property
    def max_stride(self) -> int:
        """The same for all of them."""
        return MAX_STRIDE

    def find_pretrained(self) -> Mapping[str, Pretrained]:
        """Weights on ImageNet, in the folder where Keras keeps what it has fetched; they need `batch_norm`."""
        if not self.batch_norm:
            return {}
        home = Path(os.environ.get("KERAS_HOME") or Path("~", ".keras").expanduser())
        path = home / "models" / FACTS[self.name].weights
        return {"imagenet": Pretrained(path, "Keras fetches it, or it is put there by hand", automatic=True)}

    def encode(self, image: Tensor) -> dict[int, Tensor]:
        """Build the network anew upon the image; features are the last of each stride, from 2 on.

        Of NASNet there are none of stride 2: its first convolution takes a row and a column away, on which the next
        levels count.
        """
        pixels = prepare_pixels(image, FACTS[self.name].numbers)
        return _Rebuilding(find_reference(self.name), self).connect(pixels)

    def load_pretrained(self, network: Any) -> None:
        """Weights on ImageNet, by Keras' own loader."""
        try:
            source = _build(self.name, self.weights)
        except Exception as error:
            # Keras raises bare exceptions in place of the system's.
            if not isinstance(error, OSError) and not isinstance(error.__context__, OSError):
                raise
            file = self.find_pretrained()[self.weights].path
            raise ModelError(
                f"weights of {self.name} must lie at {file} or be fetched by Keras, got neither ({error}): "
                "fetch that file where there is a network, and put it there"
            ) from None
        from poseflow.networks.graph import steps_of  # imports Keras

        for layer, name in _name_layers(steps_of(source)).items():
            if layer.weights and not isinstance(layer, layers.Normalization):
                network.get_layer(name).set_weights(layer.get_weights())


class Reference(NamedTuple):
    """A network as Keras builds it, up to its deepest features."""

    model: Any
    steps: "list[Step]"
    names: Mapping[Any, str]
    """What its layers are called in a network of ours."""
    features: Mapping[int, Any]
    """Layers whose outputs are the last of each stride."""


def _build(name: str, weights: str | None) -> Any:
    from poseflow.networks.graph import flatten  # imports Keras

    facts = FACTS[name]
    constructor = getattr(keras.applications, facts.constructor)
    # NASNet can be built for a known size only; all sizes that are multiples of the maximum stride are padded alike.
    shape = (REFERENCE_SIDE, REFERENCE_SIDE, 3)
    whole = constructor(include_top=False, weights=weights, input_shape=shape, **facts.options)
    return flatten(keras.Model(whole.inputs[0], whole.outputs[0]))


@lru_cache(maxsize=1)  # a trained model is built twice to fold its normalization
def find_reference(name: str) -> Reference:
    """Build a network as Keras has it, and find its features."""
    from poseflow.networks.graph import find_features, steps_of  # imports Keras

    whole = _build(name, None)
    features = find_features(whole, REFERENCE_SIDE, exact=not FACTS[name].centered)
    model = keras.Model(whole.inputs[0], features[MAX_STRIDE].outputs[0])
    steps = steps_of(model)
    return Reference(model, steps, _name_layers(steps), {stride: step.layer for stride, step in features.items()})


def _name_layers(steps: "Sequence[Step]") -> dict[Any, str]:
    """Names of layers that are the same however many networks there are: Keras numbers some of them through.

    Normalization that directly follows a convolution has the name by which it is folded into that.
    """
    names: dict[Any, str] = {}
    numbers: Counter[str] = Counter()
    convolutions = _find_normalized(steps)
    for step in steps:
        kind = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(step.layer).__name__).lower()
        own = step.layer.name
        if re.fullmatch(r"[a-z_]*2?d?(_[0-9]+)?", own) and own.replace("_", "").startswith(kind.replace("_", "")):
            own = f"{kind}_{numbers[kind]}"
            numbers[kind] += 1
        convolution = convolutions.get(step.layer)
        names[step.layer] = f"{names[convolution]}_norm" if convolution else f"encoder_{own}"
    return names


def _find_normalized(steps: "Sequence[Step]") -> dict[Any, Any]:
    """Each normalization that can be folded, with the convolution before it, which nothing else reads."""
    readers = Counter(id(tensor) for step in steps for tensor in step.inputs)
    sources = {id(step.outputs[0]): step.layer for step in steps}
    convolutions = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D)
    found = {}
    for step in steps:
        if isinstance(step.layer, layers.BatchNormalization):
            before = sources.get(id(step.inputs[0]))
            if isinstance(before, convolutions) and readers[id(step.inputs[0])] == 1 and _is_linear(before):
                found[step.layer] = before
    return found


def _is_linear(convolution: Any) -> bool:
    return bool(convolution.activation is keras.activations.linear)


class _Rebuilding:
    """Builds a network anew, upon another image, of whatever size, and in the number format that is set."""

    def __init__(self, reference: Reference, settings: Application) -> None:
        self.reference, self.settings = reference, settings
        self.centered = FACTS[settings.name].centered
        self.normalized = _find_normalized(reference.steps)
        self.made: dict[str, Tensor] = {}

    def connect(self, pixels: Tensor) -> dict[int, Tensor]:
        """Features by stride."""
        keras.models.clone_model(
            self.reference.model, input_tensors=pixels, clone_function=self._copy, call_function=self._call
        )
        names = self.reference.names
        return {stride: self.made[names[layer]] for stride, layer in self.reference.features.items()}

    def _copy(self, layer: Any) -> Any:
        if not isinstance(layer, layers.Layer):  # an operation, which has no weights
            return layer
        config = {**layer.get_config(), "name": self.reference.names[layer]}
        config.pop("dtype", None)  # today's
        if isinstance(layer, layers.BatchNormalization):
            from poseflow.networks.normalization import BatchNormalization  # imports Keras

            if layer in self.normalized and not self.settings.batch_norm:
                return layers.Identity(name=config["name"])
            known = {key: config[key] for key in ("name", "axis", "epsilon", "center", "scale", "gamma_initializer")}
            return BatchNormalization(**known)
        if isinstance(layer, layers.Normalization | layers.Rescaling):  # of the image, which is prepared already
            return layers.Identity(name=config["name"])
        if layer in self.normalized.values() and not self.settings.batch_norm:
            config["use_bias"] = True
        if self.centered and config.get("padding") == "valid":
            config["padding"] = "same"
        return type(layer).from_config(config)

    def _call(self, layer: Any, *inputs: Any, **options: Any) -> Any:
        # What stands for another layer takes none of its options.
        output = layer(*inputs) if isinstance(layer, layers.Identity) else layer(*inputs, **options)
        self.made[layer.name] = output
        return output
