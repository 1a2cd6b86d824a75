"""Heading maps against their definition, and crops that are turned by what they say."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseflow.networks.decoding import crop_images_turned, read_headings, turn_back
from poseflow.networks.heads.heading import Heading, draw_headings

pytestmark = pytest.mark.backend

ANGLES = st.floats(0, 2 * np.pi)


def unit(angles):
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1).astype(np.float32)


def draw_by_the_definition(anchors, ahead, height, width, stride, radius):
    maps = np.full((len(anchors), height // stride, width // stride, 2), np.nan)
    for b, row, column in np.ndindex(maps.shape[:3]):
        away = np.linalg.norm(anchors[b] - np.array([column, row]) * stride, axis=-1)
        if np.isfinite(away).any() and np.nanmin(away) <= radius:
            way = ahead[b, np.nanargmin(away)] - anchors[b, np.nanargmin(away)]
            maps[b, row, column] = way / np.linalg.norm(way)
    return maps


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_maps_follow_the_definition(stride):
    rng = np.random.default_rng(stride)
    anchors = rng.uniform(-5, 35, (2, 4, 2)).astype(np.float32)
    ahead = anchors + unit(rng.uniform(0, 7, (2, 4))) * rng.uniform(0.2, 9, (2, 4, 1)).astype(np.float32)
    anchors[0, 1], ahead[1, 2] = np.nan, np.nan
    maps = np.asarray(draw_headings(anchors, ahead, 24, 32, stride, 6.3))
    np.testing.assert_allclose(maps, draw_by_the_definition(anchors, ahead, 24, 32, stride, 6.3), atol=1e-5)
    assert np.isnan(maps).any() and np.isfinite(maps).any()


def test_far_from_all_anchors_nothing_is_learned():
    head = Heading(output_stride=2, radius_px=4)
    points = np.array([[[[8, 8], [9, 8]]]], np.float32)
    targets = np.asarray(head.draw_targets(points, None, (32, 32), None))
    right = np.where(np.isnan(targets), 7.0, targets).astype(np.float32)
    assert float(head.score(targets, right, 20.0)) == pytest.approx(0, abs=1e-5)
    assert float(head.score(targets, -right, 20.0)) == pytest.approx(4, abs=1e-4), "the other way: 2 off"
    for nobody in (np.full_like(points, np.nan), points[:, :, [0, 0]]):
        targets = np.asarray(head.draw_targets(nobody, None, (32, 32), None))
        assert float(head.score(targets, np.full((1, 16, 16, 2), 0.5, np.float32), 20.0)) == 0


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(2, 60), st.floats(2, 60), ANGLES), min_size=1, max_size=3), st.sampled_from([2, 4]))
def test_an_anchor_finds_which_way_its_animal_heads(animals, stride):
    """A radius of one stride is enough: the nearest cell is never farther than that."""
    places, ways = np.array([own[:2] for own in animals], np.float32)[None], unit([own[2] for own in animals])[None]
    apart = np.linalg.norm(places[0, :, None] - places[0], axis=-1) + 1e9 * np.eye(len(animals))
    alone = apart.min(axis=1) > 2 * stride * 2**0.5
    maps = np.nan_to_num(np.asarray(draw_headings(places, places + ways, 64, 64, stride, float(stride))))
    found = np.asarray(read_headings(maps, np.append(places, [[[np.nan, np.nan]]], axis=1), stride))
    assert np.isnan(found[0, -1]).all()
    np.testing.assert_allclose(found[0, :-1][alone], ways[0][alone], atol=1e-3)


def test_an_anchor_must_lie_in_its_own_disc():
    with pytest.raises(ValueError, match="radius_px must be at least output_stride"):
        Heading(output_stride=8, radius_px=4)


@pytest.mark.parametrize("length", [0.3, 1.0, 20.0])
def test_turned_crops_are_those_of_opencv(length):
    rng = np.random.default_rng(0)
    images = cv2.GaussianBlur(rng.integers(0, 256, (2, 90, 120)).astype(np.uint8), (0, 0), 2)[..., None]
    images = np.stack([cv2.GaussianBlur(image, (0, 0), 1.5)[..., None] for image in images[..., 0]])
    frames, centers = np.array([0, 1, 1, 0], np.int32), rng.uniform([20, 20], [100, 70], (4, 2)).astype(np.float32)
    ways = unit(np.array([0.3, 2.5, 4.0, -np.pi / 2]))
    crops = np.asarray(crop_images_turned(images, frames, centers, length * ways, 48))
    assert crops.shape == (4, 48, 48, 1)
    for crop, frame, center, (x, y) in zip(crops, frames, centers, ways.astype(float), strict=True):
        axes = np.array([[-y, x], [-x, -y]])
        matrix = np.column_stack([axes, 24 - axes @ center])
        expected = cv2.warpAffine(images[frame], matrix, (48, 48), flags=cv2.INTER_LINEAR)[..., None]
        inside = cv2.warpAffine(np.full_like(images[frame], 255), matrix, (48, 48), flags=cv2.INTER_LINEAR) == 255
        assert inside.mean() > 0.5
        np.testing.assert_allclose(crop[inside], expected[inside], atol=2)
        outside = cv2.warpAffine(np.full_like(images[frame], 255), matrix, (48, 48), flags=cv2.INTER_LINEAR) == 0
        assert (crop[outside] == 0).all()


@settings(max_examples=30, deadline=None)
@given(st.floats(30, 90), st.floats(30, 60), ANGLES, st.floats(-12, 12), st.floats(-12, 12))
def test_what_lies_in_a_crop_goes_back_to_its_place(x, y, angle, right, below):
    """A spot is drawn in the frame, found in the crop as a center of mass, and taken back."""
    spot, center, way = np.array([x + right, y + below]), np.array([[x, y]], np.float32), unit([angle])
    columns, rows = np.meshgrid(np.arange(120), np.arange(90))
    image = 200 * np.exp(-((columns - spot[0]) ** 2 + (rows - spot[1]) ** 2) / (2 * 2.0**2))
    crop = np.asarray(
        crop_images_turned(image[None, ..., None].astype(np.float32), np.zeros(1, np.int32), center, way, 64)
    )
    weights = crop[0, ..., 0] / crop.sum()
    found = np.array([(weights * np.arange(64)).sum(), (weights * np.arange(64)[:, None]).sum()], np.float32)
    back = np.asarray(turn_back(found[None, None], center, way, 64))
    np.testing.assert_allclose(back[0, 0], spot, atol=0.05)
    ahead = np.array([[[32.0, 22.0]]], np.float32)  # up
    np.testing.assert_allclose(np.asarray(turn_back(ahead, center, way, 64))[0, 0], center[0] + 10 * way[0], atol=1e-3)
