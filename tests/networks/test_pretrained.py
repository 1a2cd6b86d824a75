"""Weights that can be had: EfficientNet-Lite0 from its package draws what PyTorch draws; what cannot be had is said."""

import os
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from urllib.error import URLError

import keras
import numpy as np
import pytest
from pydantic import ValidationError

from poseflow.config.parts import APPLICATIONS, BACKBONES
from poseflow.core.errors import ModelError
from poseflow.networks.backbones.encoder import prepare_pixels

NAMES = (
    *("resnet50v2", "densenet121", "vgg16", "xception", "inceptionv3", "inceptionresnetv2", "mobilenetv2"),
    *("mobilenetv3small", "nasnetmobile", "efficientnetb0", "efficientnetv2b0", "convnexttiny"),
)
"""One of each family; POSEFLOW_BACKBONES=all takes all."""
if os.environ.get("POSEFLOW_BACKBONES") == "all":
    NAMES = APPLICATIONS
ROOT = Path(__file__).parents[2]
REFERENCE = Path(__file__).with_name("efficientnet_lite0.npz")


def make(name, **settings):
    return BACKBONES[name].model_validate({"name": name, **settings})


def load_benchmark(name):
    spec = spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.backend
def test_features_of_the_packages_weights_are_those_of_pytorch():
    """The reference is PyTorch's own run of the same file on the same picture, by `benchmarks/pytorch_lite0.py`."""
    run = load_benchmark("pytorch_lite0")
    backbone = make("efficientnetlite0", weights="package")
    image = keras.Input((None, None, 3))
    features = backbone.encode(image)
    network = keras.Model(image, {str(stride): tensor for stride, tensor in features.items()})
    backbone.load_pretrained(network)
    found = network(run.draw_picture()[None].astype(np.float32))
    with np.load(REFERENCE) as reference:
        assert {f"stride{stride}" for stride in features} == set(reference.files)
        for stride in features:
            expected = reference[f"stride{stride}"]
            assert np.ptp(expected) > 1
            cells = run.pick_cells(np.asarray(found[str(stride)])[0])
            np.testing.assert_allclose(cells, expected, atol=2e-3)


@pytest.mark.parametrize(("numbers", "module"), [("caffe", "vgg16"), ("tf", "resnet_v2"), ("torch", "densenet")])
def test_pixels_come_into_the_range_of_the_family(numbers, module):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3)).astype(np.float32)
    expected = getattr(keras.applications, module).preprocess_input(pixels.copy())
    np.testing.assert_allclose(prepare_pixels(pixels, numbers), expected, atol=1e-4)
    grey = pixels[..., :1]
    of_grey = prepare_pixels(np.repeat(grey, 3, axis=-1), numbers)
    np.testing.assert_allclose(prepare_pixels(grey, numbers), of_grey, atol=1e-6)


def test_weights_that_a_backbone_has_not_are_refused_with_those_that_it_has():
    with pytest.raises(ValidationError, match="weights of unet must be random or a model folder, got imagenet"):
        make("unet", weights="imagenet")
    with pytest.raises(
        ValidationError, match="weights of resnet50 must be random, imagenet or a model folder, got pack"
    ):
        make("resnet50", weights="package")
    with pytest.raises(ValidationError, match="weights of resnet50 must be random or a model folder"):
        make("resnet50", weights="imagenet", batch_norm=False)


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_the_file_that_is_named_is_the_one_that_keras_asks_for(name, monkeypatch):
    asked = []

    def record(file, *_, **__):
        asked.append(file)
        raise InterruptedError("recorded")

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", record)
    backbone = make(name, weights="imagenet")
    with pytest.raises(ModelError, match="or be fetched by Keras"), keras.StatelessScope(initialize_variables=False):
        backbone.load_pretrained(None)
    keras.backend.clear_session(free_memory=False)
    assert asked == [backbone.find_pretrained()["imagenet"].path.name]


@pytest.mark.slow
def test_without_a_network_the_error_names_the_file_and_its_place(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise URLError("no network")

    monkeypatch.setattr("keras.src.backend.config.keras_home", lambda: str(tmp_path))
    monkeypatch.setattr("urllib.request.OpenerDirector.open", fail)
    backbone = make("mobilenet", weights="imagenet")
    image = keras.Input((None, None, 3))
    with pytest.raises(ModelError, match=r"must lie at .*models/mobilenet_1_0_224_tf_no_top\.h5 or be fetched"):
        backbone.load_pretrained(keras.Model(image, backbone.encode(image)[32]))
