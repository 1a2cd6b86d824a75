"""A training that is killed, or whose files are damaged, ends with the weights of an undisturbed one."""

import errno
import fcntl
import logging
import os
import shutil

import numpy as np
import pytest
from blobs import write_blobs

from poseflow.config import HeadConfig, InputConfig, ModelConfig, TrainingConfig
from poseflow.core.errors import ConfigError, ModelError
from poseflow.core.files import read_json
from poseflow.models.loading import load_model
from poseflow.networks.backbones.unet import UNet
from poseflow.training import checkpoint, train_model
from poseflow.training import train as train_module

pytestmark = pytest.mark.slow
PROFILE = ModelConfig(
    kind="centered_instance",
    input=InputConfig(crop_px=32),
    backbone=UNet(filters=4, down_blocks=1),
    head=HeadConfig(output_stride=2),
    training=TrainingConfig(
        max_epochs=3, steps_per_epoch=4, warmup_steps=1, precision="float32", pictures_every=0, learning_rate=1e-2
    ),
)


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packages")
    return write_blobs(folder, "train", 4), write_blobs(folder, "val", 2, seed=1)


@pytest.fixture(scope="module")
def undisturbed(packages, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed") / "m"
    train_model(PROFILE, *packages, folder)
    return folder


@pytest.fixture(scope="module")
def ended(packages, tmp_path_factory):
    """What lies beside the model's place when the last epoch has ended; copy it."""
    folder = tmp_path_factory.mktemp("ended") / "m"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_module, "_finish", stop)
        with pytest.raises(KeyboardInterrupt):
            train_model(PROFILE, *packages, folder)
    return folder


@pytest.fixture
def folder(ended, tmp_path):
    shutil.copytree(ended.parent, tmp_path / "models")
    return tmp_path / "models" / "m"


def stop(*_, **__):
    raise KeyboardInterrupt


def assert_same_model(folder, undisturbed):
    one, other = (load_model(path).network.weights for path in (folder, undisturbed))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
    facts, known = (read_json(path / "training.json") for path in (folder, undisturbed))
    assert {**facts, "seconds": 0} == {**known, "seconds": 0}
    assert {path.name for path in folder.iterdir()} == {path.name for path in undisturbed.iterdir()}
    assert {path.name for path in folder.parent.iterdir()} == {"m", ".m.lock"}


STEPS = {
    "before the weights": (train_module, "load_best"),
    "before the weights are on disk": (train_module, "flush"),
    "before the facts": (train_module, "write_json"),
    "before the checkpoints go": (train_module, "clear_checkpoints"),
    "before the folder gets its name": (train_module, "move_into_place"),
}


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_point_of_its_end_the_same_command_finishes_the_model(
    folder, packages, undisturbed, tmp_path, monkeypatch, step
):
    """What SIGKILL leaves is what lies there at that moment (the case killed_while_finishing_a_training)."""
    killed = tmp_path / "killed/m"

    def copy_and_stop(*_, **__):
        shutil.copytree(folder.parent, killed.parent)
        stop()

    with monkeypatch.context() as patch:
        patch.setattr(*STEPS[step], copy_and_stop)
        with pytest.raises(KeyboardInterrupt):
            train_model(PROFILE, *packages, folder)
    monkeypatch.setattr(train_module.TrainedNetwork, "fit", lambda *_, **__: pytest.fail("trained again"))
    for left in (folder, killed):
        assert not left.exists()
        train_model(PROFILE, *packages, left)
        assert_same_model(left, undisturbed)


LAST, PREVIOUS = checkpoint.LAST, checkpoint.PREVIOUS


@pytest.mark.parametrize(("damaged", "left"), [([LAST], 0), ([LAST], 0.999), ([LAST, PREVIOUS], 0.5)], ids=str)
def test_from_a_damaged_checkpoint_training_goes_back_and_says_so(folder, packages, undisturbed, caplog, damaged, left):
    work = folder.with_name(".m.work")
    for name in damaged:
        os.truncate(work / name, int((work / name).stat().st_size * left))
    with caplog.at_level(logging.INFO):
        train_model(PROFILE, *packages, folder)
    assert f"{work / damaged[-1]} must be a whole checkpoint, got a damaged one" in caplog.text
    if len(damaged) == 1:
        assert "resuming after epoch 2" in caplog.text
    else:
        assert "no checkpoint is whole: training begins anew" in caplog.text
    assert_same_model(folder, undisturbed)


def test_from_damaged_best_weights_training_begins_anew(folder, packages, undisturbed, caplog):
    for path in folder.with_name(".m.work").glob("best_*.npz"):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(content)
    train_model(PROFILE, *packages, folder)
    assert "no checkpoint is whole: training begins anew" in caplog.text
    assert_same_model(folder, undisturbed)


def changed(**training):
    return PROFILE.model_copy(update={"training": PROFILE.training.model_copy(update=training)})


@pytest.mark.parametrize("is_finished", [True, False])
def test_another_profile_or_data_set_into_the_same_folder_is_refused(
    folder, packages, undisturbed, tmp_path, is_finished, caplog
):
    """The case train_other_profile_into_a_finished_folder, and one whose training is under way."""
    if is_finished:
        shutil.rmtree(folder.with_name(".m.work"))
        shutil.copytree(undisturbed, folder)
    before = {path: path.read_bytes() for path in folder.parent.rglob("*") if path.is_file()}
    with pytest.raises(ModelError, match=r"got training\.learning_rate 0\.0003 instead of 0\.01: name another folder"):
        train_model(changed(learning_rate=3e-4), *packages, folder)
    for side in (0, 1):
        others = list(packages)
        others[side] = write_blobs(tmp_path, f"other{side}", 4 - 2 * side, seed=7)
        with pytest.raises(ModelError, match=f"must be trained on the {('train', 'val')[side]} set it was begun with"):
            train_model(PROFILE, *others, folder)
    assert {path: path.read_bytes() for path in folder.parent.rglob("*") if path.is_file()} == before
    copies = [shutil.copy(path, tmp_path / f"moved_{number}.pkg.slp") for number, path in enumerate(packages)]
    if is_finished:
        with caplog.at_level(logging.INFO):
            train_model(PROFILE, *copies, folder)
        assert "is trained already" in caplog.text


def test_a_folder_of_other_things_is_not_replaced_by_a_model(packages, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"must be a new folder .*, got one that holds notes\.txt"):
        train_model(PROFILE, *packages, tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_model_is_trained_where_the_file_system_has_no_locks(folder, packages, undisturbed, monkeypatch, caplog):
    """Lustre without -o flock, say (the case no_flock_in_train)."""

    def flock(*_):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", flock)
    train_model(PROFILE, *packages, folder)
    assert "this file system has no locks" in caplog.text
    assert_same_model(folder, undisturbed)


def test_all_of_a_model_is_on_disk_when_it_has_its_place(packages, tmp_path, synced):
    """The case power_cut_model_config; what TensorBoard reads apart."""
    folder = tmp_path / "models/m"
    train_model(PROFILE, *packages, folder)
    paths = [folder.parent, folder, *(path for path in folder.rglob("*") if "tensorboard" not in path.parts)]
    assert folder / "config.yaml" in paths
    assert [path for path in paths if path.stat().st_ino not in synced] == []
