"""Networks and functions of tensors as ONNX graphs compute what they compute in Keras."""

import os

import keras
import numpy as np
import pytest
from keras import layers

from poseflow.config import BACKBONES, HeadConfig, InputConfig, ModelConfig, TrainingConfig
from poseflow.core.errors import ModelError
from poseflow.core.skeleton import Skeleton
from poseflow.networks.build import build_model
from poseflow.networks.decoding import (
    PeakRules,
    crop_images,
    crop_images_between_pixels,
    find_global_peaks,
    find_local_peaks,
    resize_bytes,
    resize_images,
    shrink_images,
)
from poseflow.networks.framing import Framing, SleapFraming, SleapNNFraming

onnxruntime = pytest.importorskip("onnxruntime", reason="needs poseflow[runtimes]")

from poseflow.inference.runtimes.graphs import draw_graph  # noqa: E402
from poseflow.networks.onnx.network import convert_network  # noqa: E402

SKELETON = Skeleton(nodes=("a", "b"), edges=((0, 1),))
QUICK = {
    "unet": [("bottom_up", {}), ("multi_class_bottom_up", {"up": "transposed"}), ("multi_class_top_down", {})],
    "leap": [("bottom_up", {"skip": "add"})],
    "hourglass": [("bottom_up", {})],
}
# Of senet154 with random weights a thousandth of a grey value changes all maps, in Keras itself; its layers are those
# of seresnext50.
HEAVY = [
    *("dlc_resnet50", "seresnext50", "resnet50v2", "densenet121", "vgg16", "xception", "inceptionv3"),
    *("inceptionresnetv2", "mobilenet", "mobilenetv3small", "nasnetmobile", "efficientnetb0", "convnexttiny"),
]
if os.environ.get("POSEFLOW_BACKBONES") == "all":
    HEAVY = sorted(set(BACKBONES) - set(QUICK) - {"senet154"})
CASES = [
    pytest.param(name, *case, marks=[pytest.mark.slow] if name == "hourglass" else [])
    for name, cases in QUICK.items()
    for case in cases
]
CASES += [pytest.param(name, "bottom_up", {}, marks=pytest.mark.long) for name in HEAVY]


def build(name, kind, settings, channels=1):
    keras.utils.set_random_seed(1)
    backbone = BACKBONES[name].model_validate({"name": name, **settings})
    head = HeadConfig(output_stride=8 if name in HEAVY else 4, identities=("anna", "bert"))
    training = TrainingConfig(precision="float32")  # `auto` is another on processors that have bfloat16
    seen = InputConfig(channels=channels, crop_px=64)
    config = ModelConfig(kind=kind, input=seen, backbone=backbone, head=head, training=training)
    network = build_model(config, SKELETON)
    random = np.random.default_rng(0)
    for weight in network.weights:  # what trained networks have: normalization that does something, heads that draw
        if "variance" in weight.name or "gamma" in weight.name:
            weight.assign(random.uniform(0.8, 1.2, weight.shape))
        elif any(part in weight.name for part in ("bias", "beta", "mean")):
            weight.assign(random.normal(0, 0.1, weight.shape))
    for head_name in network.output:
        kernel = network.get_layer(head_name).kernel
        kernel.assign(random.normal(0, 0.1, kernel.shape))
    return network


def run(model, *arrays):
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]
    return dict(
        zip(
            [one.name for one in session.get_outputs()],
            session.run(None, dict(zip(names, arrays, strict=True))),
            strict=True,
        )
    )


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind", "settings"), CASES)
def test_a_network_draws_the_same_maps_of_images_of_any_size(name, kind, settings):
    network = build(name, kind, settings)
    model = convert_network(network).SerializeToString()
    for size in ((2, 64, 128, 1), (1, 128, 192, 1)):
        images = np.random.default_rng(0).integers(0, 255, size).astype(np.float32)
        expected = network(images, training=False)
        found = run(model, images.transpose(0, 3, 1, 2))
        assert found.keys() == expected.keys()
        for head, values in found.items():
            wanted = np.asarray(expected[head])
            got = values.transpose(0, 2, 3, 1) if values.ndim == 4 else values
            assert wanted.std() > 0
            np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.slow
def test_a_network_of_half_the_bits_is_half_the_size():
    network = build("unet", "bottom_up", {})
    whole = convert_network(network)
    previous = keras.config.dtype_policy()
    config = {}
    try:
        keras.config.set_dtype_policy("mixed_float16")
        half = keras.models.clone_model(network, clone_function=lambda layer: _in_policy(layer, config))
    finally:
        keras.config.set_dtype_policy(previous)
    half.set_weights(network.get_weights())
    assert convert_network(half).ByteSize() < 0.55 * whole.ByteSize()
    images = np.random.default_rng(0).integers(0, 255, (1, 64, 64, 1)).astype(np.float32)
    one, other = (
        run(convert_network(own).SerializeToString(), images.transpose(0, 3, 1, 2)) for own in (network, half)
    )
    for name in one:
        np.testing.assert_allclose(other[name], one[name], atol=0.02 * np.abs(one[name]).max())


def _in_policy(layer, _):
    if not isinstance(layer, layers.Layer) or isinstance(layer, layers.InputLayer):
        return layer
    settings = layer.get_config()
    if layer.name not in ("confidence_maps", "part_affinity_fields"):
        settings.pop("dtype", None)
    return type(layer)(**{key: settings[key] for key in settings if key != "momentum"} | {"name": layer.name})


def test_a_layer_that_cannot_be_written_is_named():
    image = keras.Input((None, None, 1))
    network = keras.Model(image, {"maps": layers.Conv2D(2, 1)(layers.GaussianNoise(1.0, name="noise")(image))})
    with pytest.raises(ModelError, match="GaussianNoise"):
        convert_network(network)


MAPS = np.random.default_rng(3).normal(size=(2, 21, 26, 3)).astype(np.float32)
FLAT = np.round(MAPS)  # full of plateaus
IMAGES = np.random.default_rng(4).integers(0, 255, (2, 60, 80, 1)).astype(np.uint8)
CENTERS = np.array([[10.3, 20.7], [79.2, 1.5], [np.nan, np.nan], [40, 30]], np.float32)
NUMBERS = np.array([0, 1, 1, 0], np.int32)
RULES = {
    "ours": PeakRules(),
    "sleap": SleapFraming.peak_rules,
    "sleap_nn": SleapNNFraming.peak_rules,
}


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
@pytest.mark.parametrize("maps", [MAPS, FLAT], ids=["peaks", "plateaus"])
def test_peaks_are_the_same(maps, rules):
    def find(maps):
        return *find_global_peaks(maps, 4, 0.2, rules=rules), *find_local_peaks(maps, 4, 12, 0.2, rules=rules)

    compare(find, maps)


@pytest.mark.parametrize(
    "function",
    [
        lambda images, frames, centers: crop_images(images, frames, centers, 32),
        lambda images, frames, centers: crop_images_between_pixels(images, frames, centers, 32),
        lambda images, frames, centers: SleapNNFraming().crop(images, frames, centers, 32),
        lambda images, frames, centers: crop_images(images, frames, centers, 70),  # larger than the frame
    ],
    ids=["whole pixels", "between pixels", "corners", "large"],
)
def test_crops_are_the_same(function):
    compare(function, IMAGES, NUMBERS, CENTERS)


@pytest.mark.parametrize(
    "function",
    [
        lambda images: resize_images(images, (33, 50), 48, 64),
        lambda images: resize_bytes(images, (33, 50)),
        lambda images: shrink_images(images, 0.5, 32, 48),
        lambda images: shrink_images(images, 0.3, 32, 32),
        lambda images: shrink_images(images[:, :41, :57], 0.5, 20, 32),
        lambda images: shrink_images(images, 1.5, 96, 128),
        lambda images: Framing().preprocess(images, 1.0, 16),
    ],
    ids=["bilinear", "bytes", "half", "a third", "odd sides", "enlarged", "padded"],
)
def test_resized_images_are_the_same(function):
    compare(lambda images: (function(images),), IMAGES)


def compare(function, *arrays):
    """What a function gives as a graph, and in Keras."""
    graph, outputs = draw_graph(function, arrays)
    found = run(graph.SerializeToString(), *arrays)
    assert len(found) == len(outputs)
    for own, wanted in zip(found.values(), function(*arrays), strict=True):
        np.testing.assert_allclose(own, np.asarray(wanted), rtol=1e-5, atol=1e-4)
