"""Networks in Keras files: rebuilt to the same outputs, and nothing in them is run."""

import json

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from poseflow.core.errors import ModelError
from poseflow.models.sleap.keras_file import read_network

IMAGES = np.random.default_rng(0).uniform(0, 1, (2, 16, 24, 1)).astype(np.float32)


def randomize(model):
    rng = np.random.default_rng(1)
    for weight in model.weights:
        low = 0.5 if "variance" in weight.name else -0.5
        weight.assign(rng.uniform(low, 1, weight.shape))
    return model


def save(model, path):
    randomize(model).save(path)
    return np.asarray(model(IMAGES))


def every_layer():
    image = keras.Input((16, 24, 1), name="input")
    x = layers.Conv2D(4, 3, strides=2, padding="same", name="conv")(image)
    x = layers.BatchNormalization(epsilon=0.01, name="norm")(x)
    x = layers.Activation("relu", name="relu")(x)
    skip = x
    x = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = layers.ReLU(6.0, name="relu6")(x)
    x = layers.SeparableConv2D(6, 3, padding="same", use_bias=False, name="separable")(x)
    x = layers.LeakyReLU(0.2, name="leaky")(x)
    x = layers.ZeroPadding2D(((1, 0), (0, 1)), name="padding")(x)
    x = layers.Cropping2D(((1, 0), (0, 1)), name="cropping")(x)
    x = layers.MaxPooling2D(2, padding="same", name="pool")(x)
    x = layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="swish", name="transposed")(x)
    weight = layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(x)
    weight = layers.Conv2D(4, 1, activation="sigmoid", name="excite")(weight)
    x = layers.Multiply(name="scale")([x, weight])
    x = layers.Concatenate(name="concatenate")([skip, layers.Add(name="add")([skip, x])])
    x = layers.Dropout(0.5, name="dropout")(x)
    x = layers.UpSampling2D(2, interpolation="bilinear", name="bilinear")(x)
    x = layers.UpSampling2D(1, interpolation="nearest", name="nearest")(x)
    return keras.Model(image, layers.Conv2D(2, 1, name="Head")(x))


@pytest.mark.slow
def test_every_layer_computes_what_keras_computes(tmp_path):
    expected = save(every_layer(), tmp_path / "model.h5")
    found = read_network(tmp_path / "model.h5")(IMAGES)
    assert set(found) == {"Head"}
    np.testing.assert_allclose(np.asarray(found["Head"]), expected, atol=1e-5)


@pytest.mark.slow
def test_images_may_be_of_any_size(tmp_path):
    save(every_layer(), tmp_path / "model.h5")
    assert read_network(tmp_path / "model.h5")(np.zeros((1, 32, 40, 1)))["Head"].shape == (1, 32, 40, 2)


def test_a_dense_layer_that_sees_the_whole_image_keeps_its_size(tmp_path):
    image = keras.Input((16, 24, 1), name="input")
    model = keras.Model(image, layers.Dense(2, activation="softmax", name="Head")(layers.Flatten()(image)))
    expected = save(model, tmp_path / "model.h5")
    network = read_network(tmp_path / "model.h5")
    assert network.inputs[0].shape == (None, 16, 24, 1)
    np.testing.assert_allclose(np.asarray(network(IMAGES)["Head"]), expected, atol=1e-6)


@pytest.mark.slow
def test_a_model_within_a_model_is_built_too(tmp_path):
    inner_image = keras.Input((16, 24, 3), name="input_1")
    first = layers.Conv2D(2, 3, padding="same", name="first")(inner_image)
    inner = keras.Model(inner_image, [first, layers.Conv2D(3, 3, padding="same", name="second")(first)], name="encoder")
    image = keras.Input((16, 24, 1), name="input")
    a, b = inner(layers.Concatenate(name="tile")([image, image, image]))
    model = keras.Model(image, layers.Conv2D(1, 1, name="Head")(layers.Concatenate(name="join")([a, b])))
    expected = save(model, tmp_path / "model.h5")
    np.testing.assert_allclose(np.asarray(read_network(tmp_path / "model.h5")(IMAGES)["Head"]), expected, atol=1e-5)


def change_config(path, change):
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        change(config["config"]["layers"])
        file.attrs["model_config"] = json.dumps(config)


def as_lambda(name):
    def change(found):
        found[1] |= {"class_name": "Lambda", "name": name, "config": {"name": name, "function": ["code", None, None]}}
        found[1]["inbound_nodes"] = [[["input", 0, 0, {}]]]
        found[2]["inbound_nodes"] = [[[name, 0, 0, {}]]]

    return change


def two_layers(path):
    image = keras.Input((16, 24, 1), name="input")
    x = layers.Activation("relu", name="relu")(image)
    save(keras.Model(image, layers.Conv2D(1, 1, name="Head")(x)), path)
    return path


def test_a_lambda_layer_is_an_error_and_its_code_is_never_run(tmp_path):
    path = two_layers(tmp_path / "model.h5")
    change_config(path, as_lambda("surprise"))
    with pytest.raises(ModelError, match=r"model\.h5: .*layer surprise must be no Lambda"):
        read_network(path)


def test_the_lambda_by_which_sleap_makes_grey_images_rgb_is_known_by_its_name(tmp_path):
    image = keras.Input((16, 24, 1), name="input")
    x = layers.Concatenate(name="three")([image, image, image])
    expected = save(keras.Model(image, layers.Conv2D(1, 1, name="Head")(x)), tmp_path / "model.h5")
    change_config(tmp_path / "model.h5", as_lambda("ensure_rgb"))
    np.testing.assert_allclose(np.asarray(read_network(tmp_path / "model.h5")(IMAGES)["Head"]), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda found: found[1].update(class_name="os.system"), "class of layer relu must be one of Activation, "),
        (lambda found: found[1]["config"].update(activation={"module": "os"}), "activation of layer relu must be one"),
        (lambda found: found[2]["config"].update(data_format="channels_first"), "must be channels_last"),
        (lambda found: found[2]["config"].update(filters=2), r"kernel of layer Head must have shape \(1, 1, 1, 2\)"),
        (lambda found: found[2]["config"].update(use_bias=True, name="x"), None),
        (lambda found: found.pop(1), "layers must follow from the input, got Head"),
        (lambda found: found[1].pop("config"), "KeyError: 'config'"),
    ],
    ids=["class", "activation", "format", "weights", "harmless", "hole", "damage"],
)
def test_what_cannot_be_built_names_the_file_and_the_layer(tmp_path, change, fault):
    path = two_layers(tmp_path / "model.h5")
    change_config(path, change)
    if fault is None:
        read_network(path)
        return
    with pytest.raises(ModelError, match=rf"model\.h5: must be the file of a Keras model.*{fault}"):
        read_network(path)


def test_weights_that_are_missing_or_no_numbers_are_named(tmp_path):
    path = two_layers(tmp_path / "model.h5")
    with h5py.File(path, "r+") as file:
        group = file["model_weights/Head"]
        (name,) = (name for name in group.attrs["weight_names"] if "kernel" in str(name))
        group[name][...] = np.nan
    with pytest.raises(ModelError, match="kernel of layer Head must be finite"):
        read_network(path)
    with h5py.File(path, "r+") as file:
        del file["model_weights/Head"]
    with pytest.raises(ModelError, match="weights must have kernel of layer Head, got none"):
        read_network(path)


def test_a_file_that_is_no_model_is_an_error(tmp_path):
    (tmp_path / "text.h5").write_text("no HDF5")
    with h5py.File(tmp_path / "weights.h5", "w"):
        pass
    for name in ("text.h5", "weights.h5", "missing.h5"):
        with pytest.raises(ModelError, match=name):
            read_network(tmp_path / name)
