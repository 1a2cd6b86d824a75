"""Training: it learns, it explains itself, and an interruption does not show."""

import csv
import logging
import shutil
from contextlib import closing

import keras
import numpy as np
import pytest
from blobs import SKELETON, write_blobs
from shell import run_script

from poseflow.config import (
    AugmentationConfig,
    HeadConfig,
    InputConfig,
    LabelsConfig,
    ModelConfig,
    SplitConfig,
    TrainingConfig,
    read_model_config,
)
from poseflow.core.errors import LabelsError, SkeletonError
from poseflow.core.files import read_json
from poseflow.core.similarity import score_oks
from poseflow.labels import read_package
from poseflow.models.loading import load_model
from poseflow.networks.backbones.unet import UNet
from poseflow.networks.build import build_model, measure_intensity
from poseflow.networks.decoding import find_global_peaks
from poseflow.networks.heads.class_maps import ClassMaps
from poseflow.networks.heads.confidence_maps import draw_confidence_maps
from poseflow.networks.heads.part_affinity_fields import PartAffinityFields
from poseflow.runs.trainings import OKS_NOISE, seconds_left
from poseflow.steps.label_files import LabelFiles
from poseflow.steps.split import split_dataset
from poseflow.training import train as train_module
from poseflow.training import train_model
from poseflow.training.checkpoint import Progress
from poseflow.training.epochs import Epochs, is_over
from poseflow.training.network import TrainedNetwork, score_hard_nodes, score_oks_of_peaks
from poseflow.training.schedule import learning_rate, share_done


def tiny(kind="centered_instance", epochs=3, **training):
    return ModelConfig(
        kind=kind,
        input=InputConfig(crop_px=48),
        backbone=UNet(filters=8, down_blocks=2),
        head=HeadConfig(
            output_stride=2,
            sigma_px=2.5,
            part_affinity_fields=PartAffinityFields(output_stride=4, sigma_px=4),
            class_maps=ClassMaps(output_stride=4, radius_px=5),
        ),
        training=TrainingConfig(
            max_epochs=epochs, steps_per_epoch=20, warmup_steps=5, precision="float32", pictures_every=2, **training
        ),
    )


def read_history(folder):
    with (folder / "history.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packages")
    return write_blobs(folder, "train", 12), write_blobs(folder, "val", 4, seed=1)


@pytest.fixture(scope="module")
def named_packages(tmp_path_factory):
    folder, names = tmp_path_factory.mktemp("packages"), ("male", "female")
    return write_blobs(folder, "train", 12, names=names), write_blobs(folder, "val", 4, seed=1, names=names)


@pytest.fixture(scope="module")
def model(packages, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained") / "model"
    train_model(tiny(), *packages, folder)
    return folder


@pytest.mark.slow
def test_a_model_folder_explains_itself(model):
    assert {path.name for path in model.iterdir()} >= {
        *("config.yaml", "skeleton.json", "model.weights.h5", "history.csv", "training.json", "pictures", "tensorboard")
    }
    facts = read_json(model / "training.json")
    assert (facts["kind"], facts["epochs"], facts["train_samples"]) == ("centered_instance", 3, 24)
    assert facts["best_loss"] < 0.9 * facts["baseline_loss"]
    rows = read_history(model)
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert float(rows[-1]["val_loss"]) < 0.5 * float(rows[0]["loss"])
    assert not list(model.parent.glob(".model.work")), "nothing is left beside it"
    assert load_model(model).skeleton.nodes == ("head", "tail")


@pytest.mark.slow
def test_a_trained_model_is_not_trained_again(model, packages, monkeypatch):
    monkeypatch.setattr(train_module, "_fit", lambda *_: pytest.fail("trained again"))
    train_model(tiny(), *packages, model)


@pytest.fixture(scope="module")
def train_and_copy(named_packages, tmp_path_factory):
    """Train a profile; gives its model, and the place of one whose training was killed in the second epoch.

    What such a kill leaves behind is what lies beside the model's place at that moment.
    """
    known = {}

    def train(config):
        key = config.model_dump_json()
        if key not in known:
            folder = tmp_path_factory.mktemp("trained")
            finish_epoch = Epochs.on_epoch_end

            def copy_before_the_second_ends(self, epoch, logs=None):
                if epoch == 1:
                    shutil.copytree(self.folder, folder / "killed" / self.folder.name)
                finish_epoch(self, epoch, logs)

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Epochs, "on_epoch_end", copy_before_the_second_ends)
                train_model(config, *named_packages, folder / "undisturbed/model")
            known[key] = folder / "undisturbed/model", folder / "killed/model"
        return known[key]

    return train


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "term"),
    [
        ("bottom_up", "part_affinity_fields"),
        # The one of them on JAX too, which takes long to compile a training: the heads' own tests are there as well
        pytest.param("multi_class_top_down", "class_vector", marks=pytest.mark.backend),
        ("multi_class_bottom_up", "class_maps"),
    ],
)
def test_every_head_learns_and_is_logged(train_and_copy, kind, term):
    folder, _ = train_and_copy(tiny(kind, learning_rate=3e-3))
    first, *_, last = read_history(folder)
    for name in ("confidence_maps_loss", f"{term}_loss"):
        assert float(last[name]) < float(first[name])
        assert float(last[f"val_{name}"]) > 0
    model = load_model(folder)
    assert model.identities == (() if kind == "bottom_up" else ("female", "male"))
    weight = model.config.heads[term].weight
    total = float(last["confidence_maps_loss"]) + weight * float(last[f"{term}_loss"])
    assert float(last["loss"]) == pytest.approx(total, rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    "config",
    [
        tiny(schedule="plateau", plateau_epochs=1),  # whose rate depends on what was before
        tiny("multi_class_bottom_up", learning_rate=3e-3),  # of frames, where the others see crops; and of two heads
    ],
    ids=lambda config: config.kind,
)
def test_a_killed_training_ends_with_the_weights_of_an_undisturbed_one(train_and_copy, named_packages, config, caplog):
    undisturbed, killed = train_and_copy(config)
    with caplog.at_level(logging.INFO):
        train_model(config, *named_packages, killed)
    assert "resuming after epoch 1" in caplog.text
    for one, other in zip(*(load_model(folder).network.weights for folder in (undisturbed, killed)), strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
    histories = [
        [(row["epoch"], row["loss"], row["val_loss"]) for row in read_history(folder)]
        for folder in (undisturbed, killed)
    ]
    assert histories[0] == histories[1]


def test_mirroring_without_symmetric_nodes_is_remarked(packages, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(train_module, "_fit", lambda *_: None)
    flipped = {"augmentation": AugmentationConfig(flip=True)}
    train_model(tiny().model_copy(update=flipped), *packages, tmp_path / "model")
    assert "no symmetric nodes" in caplog.text


@pytest.mark.slow
def test_without_validation_frames_the_training_loss_says_which_epoch_is_the_best(packages, tmp_path):
    empty = write_blobs(tmp_path, "empty", 0)
    train_model(tiny(epochs=1), packages[0], empty, tmp_path / "model")
    assert read_json(tmp_path / "model" / "training.json")["best_epoch"] == 1


@pytest.mark.slow
def test_early_stop_and_a_word_where_nothing_was_learned(packages, tmp_path, caplog):
    config = tiny(epochs=50, learning_rate=1e-12, early_stop_epochs=2)
    train_model(config, *packages, tmp_path / "model")
    facts = read_json(tmp_path / "model" / "training.json")
    assert facts["stopped_early"]
    assert facts["epochs"] < 50
    assert facts["best_loss"] == pytest.approx(facts["baseline_loss"], rel=0.02)
    assert "learned next to nothing" in caplog.text


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="XLA is an option of TensorFlow's")
def test_heads_of_different_strides_compile_with_xla_in_mixed_precision():
    """As on a GPU; gradients of two types met there."""
    config = tiny("bottom_up").model_copy(update={"training": TrainingConfig(precision="mixed_bfloat16")})
    model = TrainedNetwork(build_model(config, SKELETON), config, SKELETON)
    model.compile(optimizer=keras.optimizers.Adam(1e-3), jit_compile=True)
    points = np.random.default_rng(0).uniform(0, 48, (2, 2, 2, 2)).astype(np.float32)
    labels = {"points": points, "classes": np.full((2, 2), -1, np.int32)}
    images = {"images": np.zeros((2, 48, 48, 1), np.uint8), "intensity": np.zeros((2, 2), np.float32)}
    assert np.isfinite(model.train_on_batch(images, labels)).all()


@pytest.mark.slow
@pytest.mark.backend
def test_a_network_in_training_is_the_one_that_is_stored():
    network = build_model(tiny("bottom_up"), SKELETON)
    images = np.random.default_rng(0).integers(0, 256, (3, 48, 48, 1)).astype(np.uint8)
    trained = TrainedNetwork(network, tiny("bottom_up"), SKELETON)
    inputs = {"images": images, "intensity": np.asarray(measure_intensity(images))}
    assert len(trained.trainable_variables) == len(network.trainable_variables)
    for name, maps in trained(inputs).items():
        np.testing.assert_allclose(maps, network(images)[name], rtol=1e-5, atol=1e-7)


def test_the_rate_warms_up_and_falls():
    config = TrainingConfig(learning_rate=1.0, warmup_steps=10, max_epochs=5)
    rates = [learning_rate(step, share_done(step, 22, 0.0, config), config) for step in range(110)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(0.01, abs=1e-3)
    assert np.argmax(rates) in (9, 10)
    assert np.all(np.diff(rates[10:]) <= 0)


@pytest.mark.parametrize(
    ("by_node", "hard"),
    [([1, 1.5, 4, 3], [4, 3]), ([1, 1.1, 1.2], [1.2, 1.1]), ([1, 3, 4, 5], [3, 4, 5]), ([2, 2], [2, 2])],
)
def test_hard_nodes_are_far_above_the_easiest_or_the_two_hardest(by_node, hard):
    maps = np.sqrt(np.broadcast_to(by_node, (2, 3, 4, len(by_node)))).astype(np.float32)
    found = score_hard_nodes(np.zeros_like(maps), maps, foreground_weight=20.0)
    assert float(found) == pytest.approx(np.mean(hard), rel=1e-5)


@pytest.mark.parametrize(
    ("step", "seconds", "rate"),
    [(0, 0, 1.0), (5, 0, 0.505), (5, 30, 0.505), (5, 60, 0.505), (2, 60, 0.505), (1, 500, 0.01), (10, 0, 0.01)],
)
def test_the_rate_falls_with_the_steps_or_the_time_whichever_is_further(step, seconds, rate):
    config = TrainingConfig(learning_rate=1.0, warmup_steps=0, max_epochs=1, minutes=2)
    assert learning_rate(step, share_done(step, 10, seconds, config), config) == pytest.approx(rate)


@pytest.mark.parametrize(
    ("seconds", "epochs", "minutes", "left"),
    [(100, 10, None, 900), (100, 10, 5, 200), (100, 10, 60, 900), (100, 100, 60, 0), (400, 1, 5, 0), (0, 1, 5, 0)],
)
def test_what_is_left_of_a_training_is_by_epochs_or_by_time(seconds, epochs, minutes, left):
    assert seconds_left(seconds, epochs, 100, minutes) == left


@pytest.mark.parametrize(
    ("seconds", "epochs", "over"), [(0, 1, False), (119, 2, False), (120, 1, True), (0, 3, True), (119, 3, True)]
)
def test_a_training_is_over_after_its_epochs_or_its_time(seconds, epochs, over):
    assert is_over(Progress(epoch=epochs, seconds=seconds), TrainingConfig(max_epochs=3, minutes=2)) == over


@pytest.mark.slow
def test_minutes_end_a_training_wherever_it_is_and_it_is_not_taken_up_again(packages, tmp_path, monkeypatch):
    profile = tiny()
    training = profile.training.model_copy(update={"minutes": 1e-6, "steps_per_epoch": 1000})
    profile = profile.model_copy(update={"training": training})
    with monkeypatch.context() as patch:
        patch.setattr(train_module, "_finish", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train_model(profile, *packages, tmp_path / "model")
    monkeypatch.setattr(train_module.TrainedNetwork, "fit", lambda *_, **__: pytest.fail("trained again"))
    train_model(profile, *packages, tmp_path / "model")
    facts = read_json(tmp_path / "model/training.json")
    assert (facts["epochs"], facts["stopped_early"]) == (1, False)


def interrupt(*_, **__):
    raise KeyboardInterrupt


def test_validation_set_of_other_nodes(case, tmp_path):
    folder = case("validation_set_of_other_nodes")
    split = SplitConfig(by="frame", val_fraction=0, test_fraction=0)
    for name, nodes in {"t": "head,tail,wing", "v": "a,b,c", "o": "wing,head,tail"}.items():
        run_script(folder / "make.py", name, nodes, "", folder=folder)
        files = {side: folder / name / f"{side}.pkg.slp" for side in ("train", "val", "test")}
        split_dataset(LabelFiles([folder / f"{name}.slp"], LabelsConfig()), files, split)
    train, val, turned = (folder / f"{name}/train.pkg.slp" for name in "tvo")
    wanted = r"v/train\.pkg\.slp: nodes must be .* got missing: head, tail, wing; extra: a, b, c"
    with pytest.raises(SkeletonError, match=wanted):
        train_model(tiny(), train, val, tmp_path / "model")
    assert not (tmp_path / "model").exists()
    with closing(read_package(train)) as ours, closing(read_package(turned)) as theirs:
        theirs.arrange_nodes(ours.skeleton, "of the training set")
        assert theirs.skeleton.nodes == ("head", "tail", "wing")
        for own, other in zip(ours.frames, theirs.frames, strict=True):
            np.testing.assert_array_equal(own.points, other.points)


def test_one_identity(case, tmp_path):
    folder = case("one_identity")
    profile = read_model_config(folder / "prof.yaml")
    with pytest.raises(LabelsError, match=r"ids1\.pkg\.slp: labels must name two animals or more .* got one, "):
        train_model(profile, folder / "ids1.pkg.slp", folder / "none.pkg.slp", tmp_path / "model")


def test_oks_of_peaks_is_that_of_points():
    random = np.random.default_rng(4)
    truth = random.uniform(20, 76, (12, 5, 2)).astype(np.float32)
    truth[random.random((12, 5)) < 0.2] = np.nan
    truth[0, 1:], truth[1] = np.nan, np.nan  # a single node; none
    truth[2, :, 1] = 40  # in a line
    found = np.where(np.isnan(truth), 48, truth + random.normal(0, 3, truth.shape)).astype(np.float32)
    maps = draw_confidence_maps(found[:, None], 96, 96, 2, sigma_px=3.0)
    oks, is_labeled = score_oks_of_peaks(truth, 0.01 * maps, 2)
    decoded, _ = find_global_peaks(maps, 2, threshold=0)
    expected = score_oks(truth[:, None], np.asarray(decoded)[:, None], coco=True)[:, 0, 0]
    assert np.asarray(is_labeled).tolist() == [row != 1 for row in range(12)]
    assert np.asarray(oks)[1] == 0
    assert np.delete(np.asarray(oks), 1) == pytest.approx(np.delete(expected, 1), abs=1e-4)


def test_the_epoch_of_the_highest_oks_is_kept_and_of_equal_ones_that_of_the_least_loss(tmp_path):
    history = [(0.5, 0.2), (0.4, 0.6), (0.2, 0.6), (0.1, 0.5)]  # loss, OKS
    epochs = Epochs(tiny(epochs=9), tmp_path, 1, Progress())
    for epoch, (loss, oks) in enumerate(history, 1):
        epochs.progress.epoch = epoch
        epochs._validate(loss, oks)
    assert (epochs.progress.best_epoch, epochs.progress.best_loss, epochs.progress.stalled_epochs) == (3, 0.2, 1)


@pytest.mark.parametrize(("schedule", "kept"), [("cosine", 5), ("plateau", 2)])
def test_a_later_epoch_that_is_as_good_but_for_noise_is_kept_where_the_rate_falls(schedule, kept, tmp_path):
    oks = [0.5, 0.6, 0.592, 0.6, 0.591, 0.58]
    epochs = Epochs(tiny(epochs=9, schedule=schedule, early_stop_epochs=4), tmp_path, 1, Progress())
    for epoch, own in enumerate(oks, 1):
        epochs.progress.epoch = epoch
        epochs._validate(0.5, own)
    assert (epochs.progress.best_epoch, epochs.progress.best_oks) == (kept, 0.6)
    assert (epochs.progress.stalled_epochs, epochs.progress.stopped) == (4, True)


@pytest.mark.slow
def test_training_says_how_good_its_poses_are(model):
    oks = [float(row["val_oks"]) for row in read_history(model)]
    assert 0.3 < max(oks) <= 1
    best = read_json(model / "training.json")["best_epoch"]
    assert best == max(
        epoch for epoch, own in enumerate(oks, 1) if own == max(oks) or own >= max(oks[:epoch]) - OKS_NOISE
    )
