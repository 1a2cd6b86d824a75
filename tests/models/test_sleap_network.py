"""Networks that SLEAP trained: the same outputs as Keras gives, under our names."""

import json
import shutil

import h5py
import keras
import numpy as np
import pytest
from sleap_folders import OUTPUTS, write_sleap_folder

from poseflow.config import KINDS
from poseflow.core.errors import ModelError
from poseflow.media import index_video, open_video
from poseflow.models.loading import load_model

# Each model with a recording of what it was trained on, and its heads in the file's order.
MODELS = {
    "minimal_robot.UNet.single_instance": ("robot/small_robot.mp4", ["confidence_maps"]),
    "minimal_instance.UNet.centroid": ("fly_pair/centered_pair_low_quality.mp4", ["confidence_maps", "offsets"]),
    "minimal_instance.UNet.centered_instance": (
        "fly_pair/centered_pair_low_quality.mp4",
        ["confidence_maps", "offsets"],
    ),
    "minimal_instance.UNet.bottomup": (
        "fly_pair/centered_pair_low_quality.mp4",
        ["confidence_maps", "part_affinity_fields", "offsets"],
    ),
    "min_tracks_2node.UNet.topdown_multiclass": ("flies13/flies13_part1.mp4", ["confidence_maps", "class_vector"]),
}


@pytest.mark.backend
@pytest.mark.parametrize("head", OUTPUTS)
def test_every_kind_has_its_heads(tmp_path, head):
    by_keras = write_sleap_folder(tmp_path, head)
    model = load_model(tmp_path)
    images = np.random.default_rng(0).integers(0, 255, (2, 96, 96, 1)).astype(np.uint8)
    found = model.network(images)
    assert set(KINDS[model.config.kind].heads) <= set(found)
    expected = by_keras(images.astype(np.float32) / 255)
    for own, theirs in zip(found.values(), expected if isinstance(expected, list) else [expected], strict=True):
        np.testing.assert_allclose(np.asarray(own), np.asarray(theirs), atol=1e-5)


class Conv2DTranspose(keras.layers.Conv2DTranspose):
    """As in Keras 2, whose `groups` Keras 3 does not take."""

    def __init__(self, groups=1, **settings):
        super().__init__(**settings)


@pytest.mark.parametrize("name", MODELS)
def test_outputs_on_real_frames_are_those_of_keras(real_data, name):
    folder = real_data / "sleap_models" / name
    video, heads = MODELS[name]
    by_keras = keras.models.load_model(
        folder / "best_model.h5", compile=False, custom_objects={"Conv2DTranspose": Conv2DTranspose}
    )
    _, height, width, channels = by_keras.inputs[0].shape
    with open_video(index_video(real_data / video)) as recording:
        # A part from the middle, where the animals are.
        images = np.stack([image for _, image in recording.read(5, 7, channels)])
    top, left = (images.shape[1] - height) // 2, (images.shape[2] - width) // 2
    images = images[:, top : top + height, left : left + width]
    expected = by_keras([images.astype(np.float32) / 255])
    model = load_model(folder)
    assert model.config.input.channels == channels
    found = model.network(images)
    assert list(found) == heads
    for own, theirs in zip(found.values(), expected if isinstance(expected, list) else [expected], strict=True):
        np.testing.assert_allclose(np.asarray(own), np.asarray(theirs), atol=1e-5)


@pytest.fixture
def folder(real_data, tmp_path):
    """A copy of a centroid model, to be damaged."""
    for name in ("best_model.h5", "training_config.json"):
        shutil.copy(real_data / "sleap_models/minimal_instance.UNet.centroid" / name, tmp_path / name)
        (tmp_path / name).chmod(0o644)
    return tmp_path


@pytest.mark.parametrize(
    ("gone", "fault"),
    [
        ("best_model.h5", "must be a model folder with training_config.json, best_model.h5, got none of best_model.h5"),
        ("training_config.json", "got none of training_config.json"),
    ],
)
def test_a_missing_file_is_named(folder, gone, fault):
    (folder / gone).unlink()
    with pytest.raises(ModelError, match=fault):
        load_model(folder)


def change_settings(folder, change):
    path = folder / "training_config.json"
    values = json.loads(path.read_text())
    change(values["model"], values["data"])
    path.write_text(json.dumps(values))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            lambda model, data: model["heads"]["centroid"].update(output_stride=2),
            "output_stride of confidence_maps must be 2 .* got 4",
        ),
        (
            lambda model, data: model["heads"].update(
                centroid=None, single_instance=model["heads"]["centroid"] | {"part_names": ["A", "B"]}
            ),
            "confidence_maps must have depth 2 by the settings, got 1",
        ),
        (
            lambda model, data: model["heads"].update(
                centroid=None,
                multi_instance={"confmaps": {"part_names": ["A", "B"], "sigma": 2.5, "output_stride": 4}, "pafs": {}},
            ),
            "best_model.h5: ",
        ),
    ],
)
def test_settings_and_weights_that_do_not_fit_are_an_error(folder, change, fault):
    change_settings(folder, change)
    with pytest.raises(ModelError, match=rf"best_model\.h5: .*{fault}" if "h5" not in fault else fault):
        load_model(folder)


def test_a_file_with_a_lambda_layer_is_not_loaded(folder):
    with h5py.File(folder / "best_model.h5", "r+") as file:
        text = file.attrs["model_config"]
        text = text.decode() if isinstance(text, bytes) else text
        file.attrs["model_config"] = text.replace('"class_name": "MaxPooling2D"', '"class_name": "Lambda"')
    with pytest.raises(ModelError, match=r"best_model\.h5: .*must be no Lambda"):
        load_model(folder)


def test_sleaps_networks_run_in_float32_unless_told_otherwise(folder):
    image = np.full((1, 64, 64, 1), 100, np.uint8)
    exact, rough = (load_model(folder, precision).network(image) for precision in ("auto", "mixed_bfloat16"))
    assert {np.asarray(maps).dtype for maps in (*exact.values(), *rough.values())} == {np.dtype("float32")}
    assert 0 < np.abs(np.asarray(exact["offsets"]) - np.asarray(rough["offsets"])).max() < 0.2
