"""Training starts from a trained model's weights: of ours by name, of SLEAP's in order; what does not fit is said."""

import logging

import keras
import numpy as np
import pytest
import yaml
from torch_files import write_nn_folder

from poseflow.config import HeadConfig, ModelConfig, TrainingConfig
from poseflow.core.errors import ModelError
from poseflow.core.files import write_json
from poseflow.core.skeleton import Skeleton
from poseflow.models.loading import load_model
from poseflow.models.starting import start_network
from poseflow.networks.build import build_model, standardized_network

SKELETON = Skeleton(nodes=("head", "thorax", "tail"), edges=((0, 1),))
OTHER = Skeleton(nodes=("nose", "ear", "tail"), edges=((0, 1),))


def profile(**backbone):
    return ModelConfig(
        kind="centered_instance",
        backbone={"filters": 16, "down_blocks": 2, **backbone},
        head=HeadConfig(output_stride=2),
        training=TrainingConfig(precision="float32"),
    )


def save(folder, config, skeleton=SKELETON):
    folder.mkdir()
    network = build_model(config, skeleton)
    for weight in network.weights:
        weight.assign(np.random.default_rng(len(weight.path)).uniform(0.1, 1, weight.shape))
    (folder / "config.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")))
    write_json(skeleton.model_dump(mode="json"), folder / "skeleton.json")
    network.save_weights(folder / "model.weights.h5")
    return network


@pytest.mark.slow
def test_a_network_like_the_trained_one_draws_the_same(tmp_path):
    trained = save(tmp_path / "model", profile())
    network = build_model(profile(), SKELETON)
    start_network(network, profile(weights=str(tmp_path / "model")), SKELETON)
    images = np.random.default_rng(0).integers(0, 255, (1, 16, 24, 1)).astype(np.uint8)
    np.testing.assert_allclose(network(images)["confidence_maps"], trained(images)["confidence_maps"], rtol=1e-5)


@pytest.mark.slow
def test_layers_of_other_shapes_and_heads_of_other_nodes_start_at_random_and_are_named(tmp_path, caplog):
    trained = save(tmp_path / "model", profile(), OTHER)
    config = profile(weights=str(tmp_path / "model"), down_blocks=3)
    network = build_model(config, SKELETON)
    old = {layer.name: layer.get_weights() for layer in network.layers}
    with caplog.at_level(logging.INFO, "poseflow"):
        start_network(network, config, SKELETON)
    same = {"down0_conv0", "down1_conv1", "down1_conv1_norm", "up1_conv1"}
    for name in same:
        for own, theirs in zip(
            network.get_layer(name).get_weights(), trained.get_layer(name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(own, theirs)
    for name in ("confidence_maps", "middle_conv0", "up2_conv0"):
        np.testing.assert_array_equal(network.get_layer(name).get_weights()[0], old[name][0])
    (line,) = caplog.messages
    assert "training starts from 1" in line and "at random start down2_conv0" in line


@pytest.mark.slow
def test_a_model_of_which_nothing_fits_is_an_error(tmp_path):
    """Of sleap-nn, with 4 filters where ours has 64."""
    write_nn_folder(tmp_path / "model", "centered_instance")
    config = profile(filters=64, weights=str(tmp_path / "model"), batch_norm=False)
    with pytest.raises(ModelError, match="layers must fit those of unet, got none"):
        start_network(build_model(config, SKELETON), config, SKELETON)
    with pytest.raises(ModelError, match="gone: must be a model's folder, got nothing there"):
        start_network(build_model(config, SKELETON), profile(weights=str(tmp_path / "gone")), SKELETON)


@pytest.mark.slow
@pytest.mark.parametrize("batch_norm", [False, True])
def test_convolutions_of_another_program_are_taken_in_order(tmp_path, batch_norm, monkeypatch):
    layers = keras.layers
    config = profile(batch_norm=batch_norm, weights=str(tmp_path))
    network = build_model(config, SKELETON)
    plain = build_model(profile(batch_norm=False), SKELETON)
    for layer in plain.layers:
        if layer.weights:
            layer.set_weights([np.random.default_rng(1).normal(0, 0.2, weight.shape) for weight in layer.weights])

    class Trained:
        skeleton = SKELETON
        network = keras.models.clone_model(
            plain,
            clone_function=lambda layer: (
                type(layer).from_config({**layer.get_config(), "name": f"x_{layer.name}"})
                if isinstance(layer, layers.Conv2D)
                else layer
            ),
        )

    Trained.network.set_weights(plain.get_weights())
    monkeypatch.setattr("poseflow.models.starting.find_format", lambda _: "sleap")
    monkeypatch.setattr("poseflow.models.starting.load_model", lambda *_: Trained)
    start_network(network, config, SKELETON)
    images = np.random.default_rng(0).integers(0, 255, (1, 16, 24, 1)).astype(np.uint8)
    expected = np.asarray(plain(images)["confidence_maps"])
    assert np.ptp(expected) > 0.1
    # A normalization's epsilon is 0.001.
    tolerance = 0.02 if batch_norm else 1e-5
    np.testing.assert_allclose(network(images)["confidence_maps"], expected, atol=tolerance * np.abs(expected).max())


UNETS = [
    ("sleap_models/minimal_robot.UNet.single_instance", {"filters": 8, "growth": 2.0, "down_blocks": 2}),
    ("sleap_models/minimal_instance.UNet.bottomup", {"growth": 1.5, "down_blocks": 3, "up": "transposed"}),
    ("sleap_nn_models/minimal_instance_single_instance", {"filters": 8, "growth": 2.0, "down_blocks": 2}),
]


@pytest.mark.parametrize(("folder", "backbone"), UNETS)
def test_of_sleaps_unets_all_is_taken(real_data, folder, backbone):
    """Without normalization, and fed in SLEAP's range, our network draws what SLEAP's does."""
    trained = load_model(real_data / folder, "float32")
    settings = {**backbone, "filter_multiple": 1, "batch_norm": False, "weights": str(real_data / folder)}
    head, kind = trained.config.head, trained.config.kind
    config = ModelConfig(
        kind=kind,
        backbone=settings,
        head=head,
        input=trained.config.input,
        training=TrainingConfig(precision="float32"),
    )
    network = build_model(config, trained.skeleton)
    start_network(network, config, trained.skeleton)
    images = np.random.default_rng(0).integers(0, 256, (1, 32, 48, config.input.channels)).astype(np.uint8)
    expected, found = trained.network(images), standardized_network(network)(images / np.float32(255))
    for name, maps in found.items():
        assert np.ptp(expected[name]) > 0.1
        np.testing.assert_allclose(maps, expected[name], atol=1e-5)
