"""Samples and batches: points stay on what they mark."""

from dataclasses import replace

import numpy as np
import pytest
from blobs import SIZE, make_package

from poseflow.config import AugmentationConfig, HeadConfig, InputConfig, ModelConfig
from poseflow.core.errors import ConfigError, LabelsError, SkeletonError
from poseflow.core.skeleton import Skeleton
from poseflow.networks.backbones.unet import UNet
from poseflow.training.data import build_samples, choose_crop_px, complete_profile, iterate_batches, stack_samples
from poseflow.training.data.augmentation import Damage, damage_image, draw_damage, draw_intensity_jitter

NO_LIGHT = {"brightness": 0, "contrast": 0, "noise": 0}


def profile(kind, augmentation=None, **settings):
    return ModelConfig(
        kind=kind,
        input=InputConfig(**settings),
        backbone=UNet(down_blocks=3),
        augmentation=AugmentationConfig(**{**NO_LIGHT, **(augmentation or {})}),
    )


def brightness_at(images, points):
    """Grey value at each visible point, nearest pixel."""
    values = []
    for image, own in zip(images, points, strict=True):
        for x, y in own.reshape(-1, 2):
            if np.isfinite(x):
                values.append(int(image[round(float(y)), round(float(x)), 0]))
    return np.array(values)


@pytest.mark.parametrize("scale", [1.0, 0.5])
@pytest.mark.parametrize("kind", ["single_instance", "centered_instance"])
@pytest.mark.parametrize("flip", [False, True])
def test_augmented_points_stay_on_the_animal(kind, scale, flip):
    config = profile(kind, {"flip": flip, "shift_px": 4}, scale=scale, crop_px=64)
    samples = build_samples(make_package(12), config)
    batches = iterate_batches(samples, config.augmentation, batch_size=6, seed=3)
    for _, (images, points, *_) in zip(range(4), batches, strict=False):
        heads = points[:, :, :1]
        assert np.isfinite(heads).sum() > 6
        assert brightness_at(images, heads).min() > 150, "the head is the brightest part, wherever it is moved"


@pytest.mark.parametrize("window_px", [64, 4000])
def test_most_windows_of_frames_hold_animals(window_px):
    config = profile("bottom_up", {"window_px": window_px, "rotation_deg": 0, "scale": (1, 1)}, scale=0.5)
    samples = build_samples(make_package(12), config)
    stream = iterate_batches(samples, config.augmentation, batch_size=10, seed=3)
    images, points, *_ = (np.concatenate(arrays) for arrays in zip(*(next(stream) for _ in range(6)), strict=True))
    side = min(window_px, SIZE) // 2
    assert images.shape == (60, side, side, 1)
    heads = points[:, :, :1]
    assert brightness_at(images, heads).min() > 150
    assert np.isfinite(heads[..., 0]).any(axis=(1, 2)).mean() > 0.5
    assert stack_samples(samples, [0]).images.shape == (1, SIZE // 2, SIZE // 2, 1), "validated on whole frames"


@pytest.mark.parametrize("window_px", [None, 48])
def test_a_window_is_as_bright_as_its_place_in_the_frame(window_px):
    config = profile("bottom_up", {"window_px": window_px, "brightness": 0.05, "noise": 0.01}, scale=0.5)
    samples = build_samples(make_package(4), config)
    frames = [(image.mean(), image.std()) for image in samples.images]
    np.testing.assert_allclose(stack_samples(samples, [0, 1, 2, 3]).intensity, frames, rtol=1e-5)
    batch = next(iterate_batches(samples, config.augmentation, batch_size=40, seed=3))
    if window_px is None:
        np.testing.assert_allclose(batch.intensity, [(image.mean(), image.std()) for image in batch.images], rtol=1e-5)
        return
    spread = np.array([image.std() for image in batch.images])
    assert spread.max() > 2 * spread.min(), "with an animal, and without"
    typical = np.mean(frames, axis=0)
    assert (np.abs(batch.intensity / typical - 1) < 0.4).all(), "whatever the window holds"


def test_crops_are_centered_on_the_anchor_as_at_inference():
    config = profile("centered_instance", crop_px=48, anchor="head")
    package = make_package(3)
    samples = build_samples(package, config)
    images, points, *_ = stack_samples(samples, list(range(len(samples))))
    assert images.shape == (6, 48, 48, 1)
    np.testing.assert_allclose(points[:, 0, 0], np.full((6, 2), 24), atol=0.51)
    truth = np.concatenate([frame.points for frame in package.frames])
    np.testing.assert_allclose(np.diff(points[:, 0], axis=1), np.diff(truth, axis=1), atol=1e-4)


def test_centroid_samples_have_one_point_an_animal():
    config = profile("centroid", scale=0.5)
    package = make_package(2)
    _, points, *_ = stack_samples(build_samples(package, config), [0])
    assert points.shape == (1, 2, 1, 2)
    truth = package.frames[0].points
    middle = (truth.min(axis=1) + truth.max(axis=1)) / 2
    np.testing.assert_allclose(points[0, :, 0], (middle + 0.5) * 0.5 - 0.5, atol=1e-4)


def test_batches_depend_on_seed_and_number_alone():
    config = profile("centered_instance", crop_px=48)
    samples = build_samples(make_package(5), config)

    def batches(first, seed=1):
        stream = iterate_batches(samples, config.augmentation, batch_size=3, seed=seed, first=first)
        return [next(stream) for _ in range(3)]

    for whole, resumed in zip(batches(0)[2:], batches(2)[:1], strict=True):
        np.testing.assert_array_equal(whole[0], resumed[0])
        np.testing.assert_array_equal(whole[1], resumed[1])
    assert not np.array_equal(batches(0)[0][0], batches(0, seed=2)[0][0])


def test_every_sample_comes_once_a_pass():
    config = profile("single_instance", {"rotation_deg": 0, "scale": (1, 1), "shift_px": 0})
    samples = build_samples(make_package(6), config)
    stream = iterate_batches(samples, config.augmentation, batch_size=3, seed=0)
    seen = np.concatenate([next(stream).points for _ in range(2)])
    np.testing.assert_allclose(np.sort(seen[:, 0, 0, 0]), np.sort(samples.points[:, 0, 0, 0]), atol=1e-4)


def test_the_crop_holds_the_farthest_point_and_fits_the_strides():
    config = profile("centered_instance", anchor="head")
    crop = choose_crop_px(make_package(4), config)
    assert crop >= 2 * 13
    assert crop % 16 == 0


@pytest.mark.parametrize("scale", [0.375, 0.5, 0.75, 0.9, 1.0])
@pytest.mark.parametrize("backbone", [{"down_blocks": 2}, {"down_blocks": 6}, {"name": "efficientnetlite0"}], ids=str)
def test_a_crop_fits_the_strides_at_every_scale_and_holds_what_it_must(scale, backbone, caplog):
    base = profile("centered_instance", scale=scale, anchor="head")
    for asked in (None, 100, 160, 192, 257):
        config = ModelConfig.model_validate(
            {**base.model_dump(), "input": {"scale": scale, "crop_px": asked}, "backbone": backbone}
        )
        for package in map(make_package, (4, 8)):
            package.frames = [replace(frame, points=4 * frame.points) for frame in package.frames]
            caplog.clear()
            crop = choose_crop_px(package, config)
            assert round(crop * scale) % config.backbone.max_stride == 0
            if asked is not None:
                assert crop >= asked
                fitted = round(asked * scale) % config.backbone.max_stride == 0
                assert fitted == (crop == asked) == ("is taken" not in caplog.text)


def test_a_mirror_leaves_an_anchor_what_it_is():
    package = make_package(3)
    package.skeleton = Skeleton(nodes=("head", "tail"), symmetries=((0, 1),))
    config = profile("centroid", {"flip": True, "rotation_deg": 0, "scale": (1, 1)}, anchor="head")
    batch = next(iterate_batches(build_samples(package, config), config.augmentation, batch_size=20, seed=0))
    assert brightness_at(batch.images, batch.points).min() > 150


def test_frames_without_animals_teach_too():
    package = make_package(2)
    package.frames[1] = type(package.frames[1])("blobs", 1, np.empty((0, 2, 2), np.float32), ())
    samples = build_samples(package, profile("centroid"))
    assert len(samples) == 2
    assert np.isnan(samples.points[1]).all()
    assert (samples.height, samples.width) == (SIZE, SIZE)


@pytest.mark.parametrize("kind", ["multi_class_top_down", "multi_class_bottom_up"])
def test_classes_stay_with_their_animals(kind):
    package = make_package(6, names=("female", "male"))
    package.frames[0] = replace(package.frames[0], identities=(None, "male"))
    config = complete_profile(package, profile(kind, scale=0.5, crop_px=64, anchor="tail"))
    assert config.head.identities == ("female", "male")
    samples = build_samples(package, config)
    batches = iterate_batches(samples, config.augmentation, batch_size=6, seed=3)
    for _, (images, points, classes, *_) in zip(range(4), batches, strict=False):
        bodies = points.mean(axis=2)
        bright, dark = (brightness_at(images, np.where(classes[..., None] == name, bodies, np.nan)) for name in (0, 1))
        assert len(bright) and bright.min() > 100
        assert len(dark) and dark.max() < 100
    whole = stack_samples(samples, list(range(len(samples))))
    assert (whole.classes == -1).sum() == 1, "an animal without a name has no class"


@pytest.mark.parametrize(
    ("kind", "head"), [("multi_class_top_down", "class_vector"), ("multi_class_bottom_up", "class_maps")]
)
def test_weights_that_balance_come_from_how_often_an_animal_is_named(kind, head):
    package = make_package(6, names=("female", "male"))
    package.frames[0] = replace(package.frames[0], identities=(None, "male"))
    base = profile(kind, crop_px=64, anchor="tail").model_dump()

    def complete(weights):
        asked = {"identities": ("male", "female"), head: {"class_weights": weights}}
        return complete_profile(package, ModelConfig.model_validate({**base, "head": asked}))

    assert complete("balanced").heads[head].class_weights == pytest.approx((11 / 12, 11 / 10))
    assert complete((1, 2)).heads[head].class_weights == (1, 2)
    with pytest.raises(LabelsError, match=rf"head\.{head}\.class_weights must be one for each of male, female, got 3"):
        complete((1, 2, 3))


def test_animals_of_another_size_than_their_own_teach_no_names():
    resized = {"scale": (0.5, 2), "identity_scale": (0.8, 1.25), "shift_px": 0}
    config = profile("multi_class_top_down", resized, crop_px=64, anchor="head")
    package = make_package(6, names=("female", "male"))
    samples = build_samples(package, complete_profile(package, config))
    batch = next(iterate_batches(samples, config.augmentation, batch_size=60, seed=3))
    size = np.linalg.norm(batch.points[:, 0, 0] - batch.points[:, 0, 1], axis=-1) / 18
    known = np.isfinite(size)
    own = (size > 0.8) & (size < 1.25)
    np.testing.assert_array_equal(batch.classes[known, 0] >= 0, own[known])
    assert 0 < own[known].sum() < known.sum()
    assert (stack_samples(samples, [0]).classes >= 0).all(), "nothing is resized where nothing is augmented"


def test_names_are_sorted_whatever_the_order_of_the_tracks():
    package = make_package(2, names=("zoe", "adam"))
    config = complete_profile(package, profile("multi_class_bottom_up"))
    assert config.head.identities == ("adam", "zoe")
    assert build_samples(package, config).classes.tolist() == [[1, 0], [1, 0]]


def test_models_without_names_need_none():
    config = complete_profile(make_package(1), profile("bottom_up"))
    assert config.head.identities is None
    assert (build_samples(make_package(1), config).classes == -1).all()


def test_what_a_kind_needs_of_the_labels_is_named():
    with pytest.raises(LabelsError, match="must name two animals or more by tracks for an ID model, got none"):
        complete_profile(make_package(1), profile("multi_class_top_down"))
    named = make_package(1, names=("a", "b"))
    other = profile("multi_class_bottom_up").model_copy(update={"head": HeadConfig(identities=("a", "c"))})
    with pytest.raises(LabelsError, match=r"head\.identities must be among a, b, got c"):
        complete_profile(named, other)
    named.skeleton = Skeleton(nodes=("head", "tail"))
    with pytest.raises(SkeletonError, match=r"must have edges \(labels.edges\) that join its 2 nodes, got none"):
        complete_profile(named, profile("bottom_up"))
    named.skeleton = Skeleton(nodes=("head", "tail", "ear", "eye"), edges=((0, 1), (2, 3)))
    with pytest.raises(SkeletonError, match="join all its nodes, got none to ear, eye"):
        complete_profile(named, profile("bottom_up"))


def crop_px_of(lengths):
    """What `choose_crop_px` gives for animals with a tail so many px behind their head."""
    package = make_package(len(lengths))
    package.frames = [
        replace(frame, points=np.array([[[20, 30], [25, 30], [20 + length, 30]]], np.float32), identities=(None,))
        for frame, length in zip(package.frames, lengths, strict=True)
    ]
    package.skeleton = Skeleton(nodes=("nose", "body", "tail"))
    return choose_crop_px(package, profile("centered_instance", anchor=None))


def test_one_stray_point_does_not_decide_the_crop(case, caplog):
    case("crop_from_one_stray_point")  # one tail of 60 is 130 px off
    lengths = [10.0] * 60
    without = crop_px_of(lengths)
    assert not caplog.text
    lengths[3] += 130
    assert crop_px_of(lengths) == without
    assert "a crop of 16 px cuts off 1 of 60 labeled animals" in caplog.text
    assert "tail 135 px off in frame 3 of" in caplog.text


def test_animals_that_are_long_now_and_then_fit_into_the_crop(caplog):
    assert crop_px_of([10.0] * 58 + [19.0, 19.5]) == crop_px_of([19.5] * 60)
    assert crop_px_of([10.0, 90.0]) == crop_px_of([90.0]), "two are too few to say which one slipped"
    assert not caplog.text


def test_what_does_not_fit_is_named():
    package = make_package(1)
    with pytest.raises(SkeletonError, match="node must be one of head, tail, got 'nose'"):
        build_samples(package, profile("centroid", anchor="nose"))
    with pytest.raises(ConfigError, match="crop_px"):
        build_samples(package, profile("centered_instance"))
    package.frames = []
    with pytest.raises(LabelsError, match=r"blobs\.pkg\.slp: must have at least one labeled frame"):
        build_samples(package, profile("centroid"))


WORSE = {
    "gamma": {"gamma": (0.5, 2.0)},
    "blur": {"blur_px": 3.0},
    "JPEG": {"jpeg_quality": 10},
    "cut out": {"cut_out": 0.6},
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("worse", WORSE)
def test_what_makes_images_worse_moves_no_point(worse, channels):
    still = {"rotation_deg": 0, "scale": (1, 1), "shift_px": 0}
    package = make_package(12)
    drawn = []
    for changes in ({}, WORSE[worse]):
        config = profile("single_instance", {**still, **changes})
        samples = build_samples(package, config)
        images = [np.repeat(image, channels, axis=2) for image in samples.images]
        samples = replace(samples, images=images)
        stream = iterate_batches(samples, config.augmentation, batch_size=12, seed=3)
        drawn.append(next(stream))
    (plain, points, *_), (worsened, moved, *_) = drawn
    assert worsened.shape == plain.shape and worsened.dtype == np.uint8
    differs = (plain != worsened).any(axis=(1, 2, 3))
    assert differs.sum() >= 3
    assert sorted(map(tuple, points[..., 0].reshape(12, -1))) == sorted(map(tuple, moved[..., 0].reshape(12, -1)))


def test_gamma_keeps_black_and_white_and_blur_the_mean():
    rng = np.random.default_rng(0)
    jitter = draw_intensity_jitter(AugmentationConfig(**NO_LIGHT, gamma=(2.0, 2.0)), rng)
    assert (jitter.values[[0, 128, 255]] == [0, 64, 255]).all()
    image = rng.integers(0, 255, (40, 50, 1), dtype=np.uint8)
    blurred = damage_image(image, Damage(2.0, None, None))
    assert abs(float(blurred.mean()) - float(image.mean())) < 2
    assert blurred.std() < image.std() / 3


def test_what_is_cut_out_is_as_bright_as_the_image():
    image = np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)
    covered = damage_image(image, Damage(0.0, None, (0.25, 0.5, 0.5, 0.4)))
    assert (covered[10:30, 25:45] == image.mean(axis=(0, 1)).round()).all()
    covered[10:30, 25:45] = image[10:30, 25:45]
    np.testing.assert_array_equal(covered, image)


def test_what_is_switched_off_draws_no_number():
    """So that trainings of older profiles see what they saw."""
    rng, other = np.random.default_rng(1), np.random.default_rng(1)
    assert draw_damage(AugmentationConfig(), rng) == Damage(0.0, None, None)
    assert rng.random() == other.random()
