"""Batch normalization: as Keras', and nothing is left of it in a model that is loaded."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from poseflow.config import HeadConfig, ModelConfig, TrainingConfig
from poseflow.core.skeleton import Skeleton
from poseflow.networks.backbones.unet import UNet
from poseflow.networks.build import build_model
from poseflow.networks.normalization import BatchNormalization, fold_normalization

SKELETON = Skeleton(nodes=("a", "b", "c"), edges=((0, 1), (1, 2)))


def config(batch_norm):
    return ModelConfig(
        kind="multi_class_top_down",
        backbone=UNet(filters=4, down_blocks=2, batch_norm=batch_norm),
        head=HeadConfig(output_stride=2, identities=("female", "male")),
        training=TrainingConfig(precision="float32"),
    )


@pytest.mark.parametrize("training", [False, True])
def test_it_computes_what_that_of_keras_computes(training):
    rng = np.random.default_rng(0)
    features = (3 + 2 * rng.standard_normal((2, 6, 7, 5))).astype(np.float32)
    ours = BatchNormalization()
    theirs = layers.BatchNormalization(momentum=ours.momentum)
    for layer in (ours, theirs):
        layer.build(features.shape)
    weights = [rng.uniform(0.5, 2, 5) for _ in ours.weights]
    ours.set_weights(weights)
    theirs.set_weights(weights)
    np.testing.assert_allclose(ours(features, training=training), theirs(features, training=training), atol=1e-4)
    # The running variance may be that of the sample or of the population.
    for own, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-2)


@pytest.mark.slow
def test_folded_into_the_convolutions_it_computes_the_same():
    rng = np.random.default_rng(1)
    network, plain = build_model(config(True), SKELETON), build_model(config(False), SKELETON)
    images = rng.integers(0, 255, (4, 16, 24, 1)).astype(np.uint8)
    for weights in network.weights:
        weights.assign(rng.uniform(0.2, 1, weights.shape))
    fold_normalization(network, plain)
    expected, folded = network(images), plain(images)
    for name in expected:
        np.testing.assert_allclose(folded[name], expected[name], rtol=1e-4, atol=1e-4)
    assert not any(isinstance(layer, layers.BatchNormalization) for layer in plain.layers)
    assert plain.count_params() < network.count_params()


@pytest.mark.slow
def test_running_means_come_to_those_of_the_data():
    layer = BatchNormalization()
    features = ops.convert_to_tensor(np.random.default_rng(2).normal(5, 3, (64, 8, 8, 1)), "float32")
    for _ in range(300):
        layer(features, training=True)
    assert float(keras.ops.convert_to_numpy(layer.moving_mean)[0]) == pytest.approx(5, abs=0.2)
    assert float(keras.ops.convert_to_numpy(layer.moving_variance)[0]) == pytest.approx(9, abs=0.5)
