"""A person ends a training early, with its best weights or with nothing."""

import csv

import pytest
from blobs import write_blobs

from poseflow.config import HeadConfig, InputConfig, ModelConfig, TrainingConfig
from poseflow.core.errors import ModelError
from poseflow.core.files import read_json
from poseflow.networks.backbones.unet import UNet
from poseflow.runs.places import Places
from poseflow.runs.trainings import (
    find_work_folders,
    forget_cancellations,
    forget_stop_request,
    read_stop_request,
    request_stop,
    work_folder,
)
from poseflow.training import epochs, train_model

PROFILE = ModelConfig(
    kind="centered_instance",
    input=InputConfig(crop_px=32),
    backbone=UNet(filters=4, down_blocks=1),
    head=HeadConfig(output_stride=2),
    training=TrainingConfig(max_epochs=4, steps_per_epoch=4, warmup_steps=1, precision="float32", pictures_every=0),
)


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packages")
    return write_blobs(folder, "train", 4), write_blobs(folder, "val", 2, seed=1)


@pytest.fixture
def ask_after_first_epoch(monkeypatch):
    """After the first epoch's checkpoint a person asks for the end of the training."""

    def ask(keep):
        write_checkpoint = epochs.write_checkpoint

        def write_and_ask(model, progress, folder):
            write_checkpoint(model, progress, folder)
            if progress.epoch == 1:
                request_stop(folder, keep, by="ada")

        monkeypatch.setattr(epochs, "write_checkpoint", write_and_ask)
        monkeypatch.setattr(epochs, "LOOK_EVERY_S", 0.0)

    return ask


@pytest.mark.slow
def test_stopped_early_the_best_weights_are_the_model(packages, tmp_path, ask_after_first_epoch):
    ask_after_first_epoch(keep=True)
    folder = tmp_path / "m"
    train_model(PROFILE, *packages, folder)
    facts = read_json(folder / "training.json")
    assert (facts["epochs"], facts["stopped_early"], facts["stopped_by"]) == (2, True, "ada")
    assert len(list(csv.DictReader((folder / "history.csv").open()))) == 2
    assert not list(folder.glob("stop*")) and not work_folder(folder).exists()


@pytest.mark.slow
def test_cancelled_nothing_is_kept_and_a_further_try_does_not_begin_anew(packages, tmp_path, ask_after_first_epoch):
    ask_after_first_epoch(keep=False)
    folder = tmp_path / "m"
    work = work_folder(folder)
    for _ in range(2):  # the training, and Snakemake's further try
        with pytest.raises(ModelError, match="ada cancelled this training"):
            train_model(PROFILE, *packages, folder)
        assert [path.name for path in work.iterdir()] == ["stop.json"]
        (work / "checkpoint.npz").touch()  # of an earlier run, where the wish came before this one had begun
    assert not folder.exists()
    forget_stop_request(work)
    with pytest.raises(ModelError, match="ada cancelled"):  # it begins anew, and is cancelled in its second epoch
        train_model(PROFILE, *packages, folder)


@pytest.fixture
def places(tmp_path):
    places = Places(tmp_path / "results")
    for name, version in (("centroid", "aaa"), ("centroid", "bbb"), ("pose", "ccc")):
        work_folder(places.training(name, version) / "model").mkdir(parents=True)
    return places


@pytest.mark.parametrize(
    ("model", "versions"),
    [("centroid", ["aaa", "bbb"]), ("pose", ["ccc"]), ("{results}/models/centroid/bbb", ["bbb"])],
)
def test_trainings_are_found_by_name_or_folder(places, model, versions):
    found = find_work_folders(model.format(results=places.results), places)
    assert [work.parent.name for work in found] == [f".{version}.job" for version in versions]


def test_a_model_that_does_not_train_is_named_with_those_that_do(places):
    with pytest.raises(ModelError, match="in training here: centroid, pose"):
        find_work_folders("centriod", places)


def test_a_new_run_takes_cancellations_back_but_not_early_stops(places):
    cancelled, stopped = find_work_folders("centroid", places)
    request_stop(cancelled, keep=False)
    request_stop(stopped)
    forget_cancellations(places)
    assert read_stop_request(cancelled) is None
    assert read_stop_request(stopped).keep


def test_what_does_not_train_cannot_be_stopped(tmp_path):
    with pytest.raises(ModelError, match="must be the folder of a training that is under way"):
        request_stop(tmp_path / "none")


def test_a_wish_that_is_half_written_is_none(places):
    (work,) = find_work_folders("pose", places)
    (work / "stop.json").write_text('{"keep":')
    assert read_stop_request(work) is None
