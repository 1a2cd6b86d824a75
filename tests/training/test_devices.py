"""Several devices train what one does. On a GPU none of it has run yet: the devices are parts of the processor."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from blobs import write_blobs

from poseflow.config import ModelConfig, TrainingConfig
from poseflow.core.files import read_json
from poseflow.models.loading import load_model
from poseflow.training import train, train_model
from poseflow.training.devices import count_devices, spread_over_devices

SCRIPT = Path(__file__).with_name("devices_script.py")


@pytest.mark.parametrize(
    ("batch_size", "known", "used"), [(4, 0, 1), (4, 1, 1), (4, 2, 2), (4, 3, 2), (4, 8, 4), (6, 4, 3), (5, 2, 1)]
)
def test_as_many_devices_are_used_as_divide_a_batch(batch_size, known, used):
    assert count_devices(batch_size, known) == used


@pytest.mark.parametrize(("devices", "warnings"), [([], 0), (["gpu:0"], 0), (["gpu:0", "gpu:1"], 1)])
def test_on_one_device_nothing_changes(devices, warnings, caplog):
    with spread_over_devices(5, devices) as count:
        assert count == 1
        assert keras.distribution.distribution() is None
    assert len(caplog.records) == warnings


@pytest.mark.parametrize(("asked", "used"), [(1, ["gpu:0"]), (2, ["gpu:0", "gpu:1"]), (9, ["gpu:0", "gpu:1"])])
def test_a_profile_says_how_many_gpus_share_a_batch(asked, used, tmp_path, monkeypatch):
    class BegunError(Exception):
        pass

    def begin(batch_size, devices):
        assert (batch_size, devices) == (4, used)
        raise BegunError

    monkeypatch.setattr(train, "list_gpus", lambda: ["gpu:0", "gpu:1"])
    monkeypatch.setattr(train, "spread_over_devices", begin)
    package = write_blobs(tmp_path, "train", 2)
    config = ModelConfig(kind="centroid", training=TrainingConfig(gpus=asked))
    with pytest.raises(BegunError):
        train_model(config, package, package, tmp_path / "model")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("devices")
    train = write_blobs(folder, "train", 6, names=("male", "female"))
    val = write_blobs(folder, "val", 17, animals=1, seed=1, names=("male",))  # the last batch is one sample
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2"
    done = subprocess.run(
        [sys.executable, SCRIPT, train, val, folder],
        env={**os.environ, "XLA_FLAGS": flags},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert "training on 2 of 2 devices, 2 samples of a batch on each" in done.stdout
    assert "resuming after epoch 1" in done.stdout
    return folder


@pytest.mark.slow
@pytest.mark.backend
def test_two_devices_make_the_losses_and_the_weights_of_one(trained):
    """Also where the training was interrupted on two and went on on one."""
    expected = read_numbers(trained / "one")
    weights = read_weights(trained / "one")
    for name, devices in (("one", 1), ("two", 2), ("resumed", 1)):
        numbers = read_numbers(trained / name)
        assert numbers.keys() == expected.keys() > {"loss", "confidence_maps_loss", "class_vector_loss", "oks"}
        for key, values in numbers.items():
            np.testing.assert_allclose(values, expected[key], rtol=1e-4, err_msg=f"{name}: {key}")
        for own, other in zip(read_weights(trained / name), weights, strict=True):
            np.testing.assert_allclose(own, other, rtol=0, atol=1e-4, err_msg=name)
        facts = read_json(trained / name / "training.json")
        assert facts["devices"] == devices
        assert facts["baseline_loss"] == pytest.approx(read_json(trained / "one/training.json")["baseline_loss"])


def read_numbers(folder):
    with (folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {key: [float(row[key]) for row in rows] for key in rows[0] if key != "seconds"}


def read_weights(folder):
    return [np.asarray(weight) for weight in load_model(folder).network.weights]
