"""Backbones: their structure and size, how features lie on the image, and that each trains, is saved, and predicts."""

import os
from pathlib import Path

import keras
import numpy as np
import pytest
import yaml
from keras import layers

from poseflow.config import HeadConfig, ModelConfig, TrainingConfig
from poseflow.config.parts import BACKBONES
from poseflow.core.files import write_json
from poseflow.core.skeleton import Skeleton
from poseflow.models.loading import load_model
from poseflow.networks.backbones.applications import find_reference
from poseflow.networks.build import build_model
from poseflow.networks.decoder import decode
from poseflow.networks.graph import find_seen, lay_out, measure_receptive_field
from poseflow.networks.survey import TABLE_HEAD, survey_backbones, write_row
from poseflow.project.recommend import receptive_field_px
from poseflow.training.network import TrainedNetwork
from poseflow.training.train import build_optimizer

ROOT = Path(__file__).parents[2]
SKELETON = Skeleton(nodes=("a", "b"), edges=((0, 1),))
LIGHT = ("hourglass", "leap", "resnet18", "mobilenet")
SETTINGS = {
    "hourglass": {"width": 16, "width_increase": 16, "stem_filters": 16},
    "leap": {"filters": 16},
    "dlc_resnet50": {"filters": 16, "encoder_stride": 8},
}
HEAVY = ("dlc_resnet50", "efficientnetlite0", "seresnext50", "vgg16", "xception", "mobilenetv3small", "efficientnetb0")
"""One of each further way to build a network; POSEFLOW_BACKBONES=all takes all backbones (half an hour)."""
if os.environ.get("POSEFLOW_BACKBONES") == "all":
    HEAVY = tuple(name for name in BACKBONES if name not in LIGHT)
OTHERS = dict.fromkeys(("resnet50v2", "convnexttiny", "nasnetmobile", *LIGHT, *HEAVY)).keys() - {"unet", "resnet18"}


def make(name, **settings):
    return BACKBONES[name].model_validate({"name": name, **settings})


def encode(backbone, channels=1):
    image = keras.Input((None, None, channels), name="image")
    return image, backbone.encode(image)


def count_parameters(backbone, output_stride=None, channels=1):
    with keras.StatelessScope(initialize_variables=False):
        image, features = encode(backbone, channels)
        if output_stride:
            features = decode(features, backbone, output_stride)
        network = keras.Model(image, features[min(features)] if output_stride else features[backbone.max_stride])
        trained = sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
    keras.backend.clear_session(free_memory=False)
    return trained, network.count_params() - trained


@pytest.mark.parametrize(
    ("settings", "stride", "count"),
    [
        ({}, 2, 1_953_072),
        ({"up": "transposed"}, 2, 2_146_832),
        ({"middle": False}, 2, 920_368),
        ({"stem_stride": 2}, 2, 1_959_344),
        ({"filters": 64, "up": "transposed"}, 1, 34_512_128),
    ],
    ids=["bilinear", "transposed", "no middle", "stem", "wide"],
)
def test_a_unet_has_the_weights_of_sleaps(settings, stride, count):
    backbone = make("unet", **{"filters": 16, "growth": 2.0, "batch_norm": False, **settings})
    assert count_parameters(backbone, stride) == (count, 0)


@pytest.mark.parametrize(("settings", "count"), [({}, 10_768_896), ({"up": "bilinear"}, 7_671_424)])
def test_leap_has_the_weights_of_sleaps(settings, count):
    assert count_parameters(make("leap", batch_norm=False, **settings), 1) == (count, 0)


@pytest.mark.slow
def test_each_hourglass_of_a_stack_has_the_weights_of_sleaps():
    counts = [sum(count_parameters(make("hourglass", stacks=stacks), 4)) for stacks in (1, 2)]
    assert counts == [894_208 + 21_702_912, 894_208 + 2 * 21_702_912]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "trained", "statistics"),
    [
        ("resnet18", 11_176_512, None),  # published with a classifier of 513,000 or 2,049,000 weights beside
        ("seresnext50", 27_559_896 - 2_049_000, None),
        pytest.param("resnet34", 21_284_672, None, marks=pytest.mark.long),
        pytest.param("resnext50", 25_028_904 - 2_049_000, None, marks=pytest.mark.long),
        pytest.param("seresnet50", 28_088_024 - 2_049_000, None, marks=pytest.mark.long),
        pytest.param("senet154", 115_088_984 - 2_049_000, None, marks=pytest.mark.long),
        ("vgg16", 14_714_688, 0),
        ("resnet50", 23_534_592, 53_120),
        # Keras' 4,049,571, less the seven numbers by which it prepares the image.
        ("efficientnetb0", 4_049_571 - 7 - 42_016, 42_016),
        ("efficientnetlite0", 4_652_008 - 1_281_000, 42_016),
    ],
)
def test_encoders_have_the_weights_that_are_known_of_them(name, trained, statistics):
    counts = count_parameters(make(name), channels=3)
    assert counts[0] == trained
    assert statistics is None or counts[1] == statistics


@pytest.mark.slow
def test_dlc_resnet_has_the_layers_of_tf_slims():
    """Weights and shapes of `resnet_v1_50`, and of the paper's decoder of DeepLabCut."""
    assert count_parameters(make("dlc_resnet50")) == (23_508_032, 53_120)
    decoder = count_parameters(make("dlc_resnet50", batch_norm=False), 8)[0]
    encoder = count_parameters(make("dlc_resnet50", batch_norm=False))[0]
    assert decoder - encoder == 8_388_864 + 2 * 590_080
    for stride, dilated, rates in ((16, 1, {1: 13, 2: 3}), (8, 2, {1: 7, 2: 6, 4: 3})):
        with keras.StatelessScope(initialize_variables=False):
            image, features = encode(make("dlc_resnet50", encoder_stride=stride))
            network = keras.Model(image, features[stride])
        keras.backend.clear_session(free_memory=False)
        convolutions = [layer for layer in network.layers if isinstance(layer, layers.Conv2D)]
        assert len(convolutions) == 53
        wide = [layer for layer in convolutions if layer.kernel_size == (3, 3)]
        assert {rate: sum(layer.dilation_rate[0] == rate for layer in wide) for rate in rates} == rates
        strided = [layer.name for layer in convolutions if layer.strides == (2, 2)]
        ends = [f"stage{stage}_unit{unit}_conv1" for stage, unit in ((0, 2), (1, 3), (2, 5))]
        assert strided == ["stem_conv", *ends[: 3 - dilated]]
        graph = lay_out(network, 16 * stride)
        assert graph.shape(features[stride]) == (16, 16, 2048)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("resnet50", (64, 256, 512, 1024, 2048)),
        ("vgg16", (128, 256, 512, 512, 512)),
        ("mobilenetv2", (96, 144, 192, 576, 1280)),
        pytest.param("efficientnetb0", (96, 144, 240, 672, 1280), marks=pytest.mark.long),
        pytest.param("convnexttiny", (96, 192, 384, 768), marks=pytest.mark.long),
        pytest.param("inceptionv3", (64, 192, 288, 768, 2048), marks=pytest.mark.long),
    ],
)
def test_features_are_found_by_their_stride(name, channels):
    with keras.StatelessScope(initialize_variables=False):
        image, features = encode(make(name))
        graph = lay_out(keras.Model(image, [*features.values()]), 128, 192)
    keras.backend.clear_session(free_memory=False)
    assert tuple(graph.shape(features[stride])[2] for stride in sorted(features)) == channels
    for stride, tensor in features.items():
        assert graph.shape(tensor)[:2] == (128 // stride, 192 // stride)


@pytest.mark.long
@pytest.mark.parametrize(("name", "stride", "away"), [("inceptionv3", 4, 6), ("xception", 2, 2)])
def test_networks_that_lose_the_border_give_the_same_features_with_it(name, stride, away):
    """What Keras' network makes of an image that is moved by what its first convolutions cut off."""
    rng = np.random.default_rng(0)
    image, features = encode(make(name), channels=3)
    ours = keras.Model(image, features[stride])
    reference = find_reference(name)
    own_names = {layer.name for layer in ours.layers}
    for layer, own in reference.names.items():
        if layer.weights and own in own_names:
            ours.get_layer(own).set_weights(layer.get_weights())
    layer = reference.features[stride]
    (tensor,) = (step.outputs[0] for step in reference.steps if step.layer is layer)
    theirs = keras.Model(reference.model.inputs[0], tensor)
    size = reference.model.inputs[0].shape[1]
    pixels = rng.uniform(0, 255, (1, size, size, 3)).astype(np.float32)
    padded = np.zeros_like(pixels)
    padded[:, away:, away:] = pixels[:, : size - away, : size - away]
    found, expected = np.asarray(ours(pixels)), np.asarray(theirs(padded / 127.5 - 1.0))
    inside = slice(12, expected.shape[1] - 12)
    assert np.ptp(expected[:, inside, inside]) > 0.01
    np.testing.assert_allclose(found[:, inside, inside], expected[:, inside, inside], atol=1e-4)


def read_table():
    """Rows of the docs' table, by the backbone's name."""
    lines = (ROOT / "docs" / "reference" / "backbones.md").read_text(encoding="utf-8").splitlines()
    begin = lines.index(TABLE_HEAD.splitlines()[0])
    return {line.split("`")[1]: line for line in lines[begin + 2 :] if line}


def test_the_docs_list_every_backbone_of_ours():
    assert set(read_table()) == set(BACKBONES)
    assert len(BACKBONES) >= 40


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["unet", "resnet18", *(pytest.param(name, marks=pytest.mark.long) for name in sorted(OTHERS))]
)
def test_the_docs_say_what_a_backbone_costs_and_sees(name):
    (facts,) = survey_backbones([make(name)], side=256)
    assert write_row(facts) == read_table()[name]


RECEPTIVE = [
    ("unet", {"filters": 4, "down_blocks": 3}, 8),
    ("unet", {"filters": 4, "down_blocks": 3, "pooling": "strided", "kernel_size": 5, "stacks": 2}, 8),
    ("unet", {"filters": 4, "down_blocks": 3, "stem_stride": 2, "middle": False}, 4),
    ("hourglass", {"width": 8, "width_increase": 8, "stem_filters": 8, "down_blocks": 2}, 4),
    ("resnet18", {}, 16),
    ("mobilenet", {}, 16),
    pytest.param("dlc_resnet50", {"encoder_stride": 8}, 8, marks=pytest.mark.long),
    pytest.param("densenet121", {}, 8, marks=pytest.mark.long),
    pytest.param("inceptionv3", {}, 8, marks=pytest.mark.long),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "settings", "stride"), RECEPTIVE)
def test_the_receptive_field_is_where_the_gradient_is(name, settings, stride):
    """Of the image's rows; kernels are positive, so that no gradient vanishes."""
    import tensorflow as tf

    if keras.backend.backend() != "tensorflow":
        pytest.skip("the gradient is TensorFlow's")
    rng = np.random.default_rng(0)
    image, features = encode(make(name, batch_norm=name != "unet", **settings), channels=1)
    network = keras.Model(image, features[stride])
    for layer in network.layers:
        if isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D | layers.Conv2DTranspose):
            kernel, *others = layer.get_weights()
            positive = rng.uniform(0.5, 1, kernel.shape) / np.prod(kernel.shape[:-1]) ** 0.8
            layer.set_weights([positive, *(0 * other for other in others)])
    graph = lay_out(network, 512, 32)
    expected = find_seen(graph, features[stride], axis=0)
    rows = set()
    for ramp in (np.arange(512.0), np.arange(512.0)[::-1]):  # greatest values are at one end of what is pooled
        pixels = tf.Variable((150 + ramp / 10)[None, :, None, None] * np.ones((1, 1, 32, 1)), dtype=tf.float32)
        with tf.GradientTape() as tape:
            found = network(pixels, training=False)
            total = tf.reduce_sum(found[0, found.shape[1] // 2])
        rows |= {*np.flatnonzero(np.abs(tape.gradient(total, pixels).numpy()).sum(axis=(0, 2, 3)))}
    assert expected.first > 0 and expected.last < 511
    assert (min(rows), max(rows)) == expected
    assert measure_receptive_field(graph, features[stride])[0] == expected.last - expected.first + 1


@pytest.mark.slow
def test_models_are_recommended_by_the_receptive_field_that_the_unet_has():
    for blocks in (2, 4):
        image, features = encode(make("unet", down_blocks=blocks))
        graph = lay_out(keras.Model(image, features[2**blocks]), 512)
        assert measure_receptive_field(graph, features[2**blocks])[0] == receptive_field_px(blocks)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name if name == "hourglass" else pytest.param(name, marks=pytest.mark.backend) for name in LIGHT]
)
def test_a_backbone_trains_is_saved_and_predicts(name, tmp_path):
    check_life(name, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("name", HEAVY)
def test_a_backbone_of_each_family_trains_is_saved_and_predicts(name, tmp_path):
    check_life(name, tmp_path)


def check_life(name, folder):
    """One step of training that changes the weights, then the same maps from the folder, at two sizes and strides."""
    side = max(32, make(name, **SETTINGS.get(name, {})).max_stride)
    keras.utils.set_random_seed(0)
    head = HeadConfig(output_stride=4, part_affinity_fields={"output_stride": 2})
    backbone = {"name": name, **{"filters": 16, **SETTINGS.get(name, {})}}
    training = TrainingConfig(precision="float32", learning_rate=1e-3)
    config = ModelConfig(kind="bottom_up", backbone=backbone, head=head, training=training)
    network = build_model(config, SKELETON)
    model = TrainedNetwork(network, config, SKELETON)
    model.compile(optimizer=build_optimizer(training), run_eagerly=True)
    before = [np.asarray(weight) for weight in network.trainable_weights]
    images = np.random.default_rng(0).integers(0, 256, (2, 2 * side, side, 1)).astype(np.uint8)
    intensity = np.array([[128.0, 70.0]] * 2, np.float32)
    points = np.full((2, 1, 2, 2), side / 2, np.float32)
    known = {"points": points, "classes": np.full((2, 1), -1, np.int32)}
    logs = model.train_on_batch({"images": images, "intensity": intensity}, known, return_dict=True)
    assert np.isfinite(logs["loss"])
    moved = [
        np.abs(np.asarray(weight) - old).max() > 0
        for weight, old in zip(network.trainable_weights, before, strict=True)
    ]
    assert np.mean(moved) > 0.9

    (folder / "config.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")))
    write_json(SKELETON.model_dump(mode="json"), folder / "skeleton.json")
    network.save_weights(folder / "model.weights.h5")
    loaded = load_model(folder, "float32").network
    for height, width in ((2 * side, side), (side, 3 * side)):
        pixels = np.random.default_rng(1).integers(0, 256, (1, height, width, 1)).astype(np.uint8)
        expected, found = network(pixels, training=False), loaded(pixels, training=False)
        # The deepest are chaotic after one step: what rounding does to them, a millionth of the image does as well.
        shaken = network(pixels * np.float32(1 + 1e-6), training=False)
        assert found["confidence_maps"].shape == (1, height // 4, width // 4, 2)
        assert found["part_affinity_fields"].shape == (1, height // 2, width // 2, 2)
        for head_name in expected:
            own = np.asarray(expected[head_name])
            assert np.ptp(own) > 0
            noise = np.abs(np.asarray(shaken[head_name]) - own).max()
            np.testing.assert_allclose(found[head_name], own, atol=2e-3 * np.abs(own).max() + 4 * noise)
