"""Headings: what labels say of them, crops turned by them, and a pipeline that learns them and finds animals so."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from blobs import draw_frame, draw_points, make_package, write_blobs
from hypothesis import given, settings
from hypothesis import strategies as st

from poseflow.config import (
    AugmentationConfig,
    HeadConfig,
    InputConfig,
    ModelConfig,
    PredictConfig,
    TrainingConfig,
)
from poseflow.core.errors import ConfigError, LabelsError, ModelError, SkeletonError
from poseflow.core.geometry import find_headings
from poseflow.core.skeleton import Skeleton
from poseflow.inference.predictor import load_predictor
from poseflow.inference.whole import put_together
from poseflow.labels import FrameLabels
from poseflow.models.loading import load_model
from poseflow.networks.backbones.unet import UNet
from poseflow.networks.decoding import crop_images_turned
from poseflow.training import train_model
from poseflow.training.data import build_samples, choose_crop_px, complete_profile, iterate_batches, stack_samples

POSE = np.array([[0, -18], [-9, -2], [9, -2], [1, 17]], float)
"""Of an animal that heads up: nose, ears, tail; its place is between the ears."""
NOSE, PLACE = 0, 1


def turn(points: np.ndarray, angle: float) -> np.ndarray:
    """Turned clockwise, as the eye sees it: y goes down."""
    cos, sin = np.cos(angle), np.sin(angle)
    return points @ np.array([[cos, sin], [-sin, cos]])


@given(st.lists(st.floats(0, 6.2), min_size=3, max_size=8), st.data())
def test_animals_head_to_the_node_ahead_of_them(angles: list, data: st.DataObject) -> None:
    poses = np.stack([turn(POSE, angle) + np.array([50, 60]) for angle in angles])
    turned = np.stack([turn(POSE[[NOSE]] - POSE[PLACE], angle)[0] for angle in angles])
    expected = turned / np.linalg.norm(turned, axis=1, keepdims=True)
    np.testing.assert_allclose(find_headings(poses, PLACE, NOSE), expected, atol=1e-5)
    # Of all but the first, which the others are compared with, a node may be hidden.
    for pose in poses[1:]:
        pose[data.draw(st.sampled_from(range(4)))] = np.nan
    np.testing.assert_allclose(find_headings(poses, PLACE, NOSE), expected, atol=1e-4)


def test_of_an_animal_with_one_node_nothing_tells_its_heading() -> None:
    poses = np.stack([POSE, POSE, POSE])
    poses[1, 1:] = np.nan
    poses[2] = np.nan
    found = find_headings(poses, PLACE, NOSE)
    assert np.isfinite(found[0]).all() and np.isnan(found[1:]).all()
    same = np.stack([POSE[[1, 1, 2, 3]]])
    assert np.isnan(find_headings(same, PLACE, NOSE)).all(), "nose and place are one"
    assert find_headings(np.zeros((0, 4, 2)), None, NOSE).shape == (0, 2)


def test_without_an_anchor_they_head_from_the_middle_of_their_box() -> None:
    pose = np.array([[[10.0, 0.0], [0.0, 4.0], [20.0, 4.0], [10.0, 20.0]]])
    np.testing.assert_allclose(find_headings(pose, None, NOSE), [[0, -1]], atol=1e-6)


def profile(kind: str, input: dict | None = None, **augmentation: object) -> ModelConfig:
    plain = {"brightness": 0, "contrast": 0, "noise": 0}
    crop = {"crop_px": 48} if kind == "centered_instance" else {}
    return ModelConfig(
        kind=kind,
        input=InputConfig(**{"heading": "head", **crop, **(input or {})}),
        backbone=UNet(filters=8, down_blocks=3),
        head=HeadConfig(output_stride=2, sigma_px=2.5),
        augmentation=AugmentationConfig(**{**plain, **augmentation}),
    )


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_in_samples_animals_head_up_and_in_augmented_ones_nearly(scale: float) -> None:
    package = make_package(6)
    config = profile("centered_instance", {"scale": scale}, heading_deg=10, shift_px=0, flip=True)
    samples = build_samples(package, config)
    still = stack_samples(samples, list(range(len(samples)))).points[:, 0]
    # Head and tail lie 9 px before and behind the middle, which falls on pixel 24 of 48.
    expected = (np.array([[24, 15], [24, 33]]) + 0.5) * scale - 0.5
    np.testing.assert_allclose(still, np.broadcast_to(expected, still.shape), atol=1e-3)
    moved = next(iterate_batches(samples, config.augmentation, batch_size=64, seed=0)).points[:, 0]
    along = moved[:, 0] - moved[:, 1]
    degrees = np.rad2deg(np.arctan2(along[:, 0], -along[:, 1]))
    assert 7 < np.abs(degrees).max() <= 10.001
    assert (degrees < 0).any() and (degrees > 0).any()


def test_a_sample_shows_what_a_prediction_sees() -> None:
    package = make_package(4)
    config = profile("centered_instance")
    samples = build_samples(package, config)
    batch = stack_samples(samples, list(range(len(samples))))
    points = np.concatenate([frame.points for frame in package.frames])
    centers = points.mean(axis=1)
    ways = points[:, 0] - points[:, 1]
    frames = np.repeat(np.arange(4, dtype=np.int32), 2)
    crops = np.asarray(crop_images_turned(np.stack(package.images), frames, centers, ways, 48))
    assert np.abs(crops - batch.images).mean() < 0.5
    # OpenCV knows 32 places between two pixels, and the image's edge is half black to it.
    assert (np.abs(crops - batch.images) < 12).mean() > 0.99


def test_an_animal_whose_heading_nobody_knows_stays_as_it_lies() -> None:
    package = make_package(3, animals=1)
    frame = package.frames[1]
    points = frame.points.copy()
    points[0, 0] = np.nan
    package.frames[1] = FrameLabels(frame.video, frame.frame_idx, points, frame.identities)
    crops = build_samples(package, profile("centered_instance"))
    x, y = np.rint(points[0, 1]).astype(int)
    side = crops.images[1].shape[0]
    away = (np.rint(crops.points[1, 0, 1]) - side // 2).astype(int)
    assert np.isfinite(crops.points[1, 0, 1]).all()
    np.testing.assert_array_equal(away, [0, 0])
    shown = crops.images[1][side // 2 - 8 : side // 2 + 9, side // 2 - 8 : side // 2 + 9]
    assert np.abs(shown.astype(int) - package.images[1][y - 8 : y + 9, x - 8 : x + 9]).mean() < 12
    anchors = build_samples(package, profile("centroid"))
    assert np.isfinite(anchors.points[1, 0, 0]).all() and np.isnan(anchors.points[1, 0, 1]).all()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 99), st.booleans(), st.sampled_from([1.0, 0.5]))
def test_the_point_ahead_moves_with_the_animal(seed: int, flip: bool, scale: float) -> None:
    """In a turned, mirrored image the heading still goes from the dark tail to the bright head."""
    package = make_package(3)
    config = profile("centroid", {"scale": scale}, flip=flip, shift_px=0, scale=(1, 1))
    samples = build_samples(package, config)
    assert samples.points.shape == (3, 2, 2, 2)
    batch = next(iterate_batches(samples, config.augmentation, batch_size=6, seed=seed))
    for image, animals in zip(batch.images, batch.points, strict=True):
        for anchor, ahead in animals:
            way = (ahead - anchor) / np.linalg.norm(ahead - anchor)
            places = np.rint([anchor + 9 * scale * way, anchor - 9 * scale * way]).astype(int)
            if np.isfinite(way).all() and (places >= 0).all() and (places < image.shape[0]).all():
                (x, y), (u, v) = places
                assert image[y, x, 0] > 180 > image[v, u, 0]


def test_a_crop_holds_what_is_long_when_it_is_turned() -> None:
    skeleton = Skeleton.from_names(["nose", "middle", "tail"], [("nose", "middle"), ("middle", "tail")])
    package = make_package(1)
    slanted = np.array([[[30, -30], [0, 0], [-30, 30]]], np.float32) + 48
    package.frames = [FrameLabels("blobs", 0, slanted, (None,))]
    package.skeleton = skeleton
    lying, turned = (
        ModelConfig(kind="centered_instance", input=InputConfig(anchor="middle", heading=heading), backbone=UNet())
        for heading in (None, "nose")
    )
    assert choose_crop_px(package, turned) > choose_crop_px(package, lying)


@pytest.mark.parametrize(
    ("kind", "input", "fault"),
    [
        ("bottom_up", {}, "input.heading is for kinds of top-down pipelines, got head of bottom_up"),
        ("centroid", {"anchor": "head"}, "input.heading must be another node than input.anchor, got head"),
    ],
)
def test_a_heading_that_makes_no_sense_is_told(kind: str, input: dict, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        profile(kind, input)


@pytest.mark.parametrize("kind", ["centroid", "centered_instance"])
def test_a_node_that_is_none_is_told_before_a_folder_is_begun(kind: str, tmp_path: Path) -> None:
    packages = write_blobs(tmp_path, "train", 2), write_blobs(tmp_path, "val", 1)
    for setting, other in (("anchor", "heading"), ("heading", "anchor")):
        config = profile(kind, {setting: "nose", other: None})
        fault = rf"train.pkg.slp: input.{setting} must be a node of the labels \(head, tail\), got nose"
        with pytest.raises(SkeletonError, match=fault):
            train_model(config, *packages, tmp_path / "model")
    assert not (tmp_path / ".model.work").exists(), "with the right node it would be another training"


@pytest.mark.parametrize("kind", ["centroid", "centered_instance"])
def test_a_heading_that_no_animal_tells_is_not_learned(kind: str) -> None:
    package = make_package(3)
    for frame in package.frames[1:]:
        frame.points[:, 0] = np.nan
    assert complete_profile(package, profile(kind)).input.heading == "head", "some are enough"
    package.frames[0].points[:, 0] = np.nan
    with pytest.raises(LabelsError, match=r"input\.heading must be labeled apart from the anchor .* head in none of 6"):
        complete_profile(package, profile(kind))


def test_a_heading_that_is_another_in_a_mirror_is_told() -> None:
    package = make_package(3)
    package.skeleton = Skeleton(nodes=("head", "tail"), edges=((0, 1),), symmetries=((0, 1),))
    assert complete_profile(package, profile("centroid")).input.heading == "head"
    with pytest.raises(ConfigError, match=r"flip must be false .* one of two symmetric nodes, got true with head"):
        complete_profile(package, profile("centroid", flip=True))


def test_in_a_few_of_many_samples_all_animals_tell_the_heading_of_one_that_lacks_its_node() -> None:
    package = make_package(4, animals=1)
    package.skeleton = Skeleton.from_names(["nose", "place", "ear", "tail"], [])
    angles = np.arange(4.0)
    package.frames = [
        FrameLabels("blobs", i, (turn(POSE, angle)[None] + 48).astype(np.float32), (None,))
        for i, angle in enumerate(angles)
    ]
    package.frames[0].points[0, NOSE] = np.nan
    anchor, ahead = build_samples(package, profile("centroid", {"heading": "nose", "anchor": "place"}), limit=1).points[
        0, 0
    ]
    expected = turn(POSE[[NOSE]] - POSE[PLACE], angles[0])[0]
    np.testing.assert_allclose(ahead - anchor, expected / np.linalg.norm(expected), atol=1e-3)


def train(folder: Path, configs: Sequence[ModelConfig], epochs: int) -> list[Path]:
    training = TrainingConfig(
        max_epochs=epochs,
        steps_per_epoch=60,
        learning_rate=8e-3,
        warmup_steps=10,
        precision="float32",
        pictures_every=0,
    )
    packages = write_blobs(folder, "train", 40), write_blobs(folder, "val", 6, seed=1)
    models = []
    for config in configs:
        models.append(folder / config.kind)
        train_model(config.model_copy(update={"training": training}), *packages, models[-1])
    return models


@pytest.mark.slow
def test_animals_are_found_in_crops_that_are_turned_by_their_heading(tmp_path: Path) -> None:
    models = train(tmp_path, [profile("centroid"), profile("centered_instance")], epochs=2)
    rng = np.random.default_rng(5)
    truth = np.stack([draw_points(2, rng) for _ in range(20)])
    images = np.stack([draw_frame(points) for points in truth])
    found = load_predictor(*models).predict(images)
    assert np.bincount(found.frame_idx).tolist() == [2] * 20
    order = np.lexsort((found.points[:, :, 1].mean(axis=1), found.frame_idx))  # as they are drawn: one above the other
    away = np.linalg.norm(found.points[order].reshape(truth.shape) - truth, axis=-1)
    assert np.median(away) < 1
    assert np.percentile(away, 95) < 3, "a head that is taken for the tail is 18 px off"
    whole = put_together([load_model(model) for model in models], PredictConfig())
    given_out = {name: np.asarray(value) for name, value in whole.run(images[:3]).items()}
    first = given_out["peaks"][given_out["instance_valid"]]
    expected = found.points[found.frame_idx < 3]
    np.testing.assert_allclose(
        np.sort(first.reshape(-1, 2), axis=0), np.sort(expected.reshape(-1, 2), axis=0), atol=0.01
    )
    pytest.importorskip("onnxruntime", reason="needs poseflow[runtimes]")
    again = load_predictor(*models, runtime="onnxruntime").predict(images)
    np.testing.assert_allclose(again.points, found.points, atol=0.01)

    plain = train(tmp_path / "plain", [profile("centroid", {"heading": None})], epochs=1)[0]
    fault = r"must have a centroid that learns input\.heading where centered_instance turns crops by it: head, got none"
    with pytest.raises(ModelError, match=fault):
        load_predictor(plain, models[1])
