"""Crops and smaller frames, cut in the graph."""

import numpy as np
import pytest

from poseflow.networks.decoding import (
    crop_images,
    crop_images_at_corners,
    crop_images_between_pixels,
    resize_bytes,
    resize_images,
    shrink_images,
)

pytestmark = pytest.mark.backend


@pytest.mark.slow
@pytest.mark.parametrize("size", [(40, 60), (5, 60), (40, 3)], ids=["large", "low", "slim"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_crops_are_the_pixels_round_the_center_and_black_beyond_the_frame(size, dtype):
    images = np.random.default_rng(0).integers(1, 255, (2, *size, 3)).astype(dtype)
    centers = [[30.4, 20.6], [2.0, 3.0], [59.0, 39.0], [np.nan, np.nan], [-3, 70], [-500, 20], [20, 900]]
    frames = np.array([1, 0, 1, 0, 1, 0, 1], np.int32)
    crops, origins = (np.asarray(output) for output in crop_images(images, frames, np.float32(centers), 8))
    assert crops.dtype == dtype
    padded = np.pad(images, ((0, 0), (999, 999), (999, 999), (0, 0)))
    for crop, origin, frame in zip(crops, origins.astype(int), frames, strict=True):
        x, y = origin + 999
        np.testing.assert_array_equal(crop, padded[frame, y : y + 8, x : x + 8])
    np.testing.assert_array_equal(origins[0], [26, 17])


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.25, 0.4, 0.3])
@pytest.mark.parametrize("size", [(80, 120), (81, 119), (79, 122)])
def test_a_spot_lies_where_the_scale_puts_it(scale, size):
    rows, columns = np.mgrid[: size[0], : size[1]].astype(np.float32)
    spot = np.exp(-((columns - 91) ** 2 + (rows - 53) ** 2) / (2 * 5**2))
    small = np.asarray(shrink_images((spot * 255)[None, :, :, None], scale, 96, 128))[0, :, :, 0]
    assert small.shape == (96, 128)
    y, x = (np.arange(96) @ small.sum(1) / small.sum(), np.arange(128) @ small.sum(0) / small.sum())
    np.testing.assert_allclose([x, y], [(91 + 0.5) * scale - 0.5, (53 + 0.5) * scale - 0.5], atol=0.03)


def test_padding_is_below_and_at_the_right():
    small = np.asarray(shrink_images(np.full((1, 10, 12, 1), 7, np.uint8), 1.0, 16, 16))
    assert (small[0, :10, :12] == 7).all()
    assert small.sum() == 7 * 10 * 12


def test_crops_between_pixels_have_the_center_in_their_very_middle():
    rows, columns = np.mgrid[:40, :60].astype(np.float32)
    images = np.stack([rows, columns], axis=-1)[None]  # each pixel says where it is
    centers = np.array([[30.4, 20.6], [12.5, 13.5]], np.float32)
    crops, origins = (
        np.asarray(output) for output in crop_images_between_pixels(images, np.zeros(2, np.int32), centers, 8)
    )
    np.testing.assert_allclose(crops.mean(axis=(1, 2))[:, ::-1], centers, atol=1e-4)
    np.testing.assert_allclose(crops[:, 0, 0, ::-1], origins, atol=1e-4)
    np.testing.assert_array_equal(crops[1], images[0, 10:18, 9:17], err_msg="at whole pixels nothing is interpolated")


@pytest.mark.parametrize("center", [[0.3, 20], [59.2, 39], [-200, 20], [np.nan, np.nan]])
def test_outside_of_the_frame_crops_between_pixels_are_black(center):
    images = np.full((2, 40, 60, 1), 9, np.uint8)
    crops, origins = (
        np.asarray(output)
        for output in crop_images_between_pixels(images, np.ones(1, np.int32), np.array([center], np.float32), 8)
    )
    x, y = (origins[0] + np.arange(8)[:, None]).T
    inside = ((y >= 0) & (y <= 39))[:, None] & ((x >= 0) & (x <= 59))
    np.testing.assert_allclose(crops[0, :, :, 0], 9.0 * inside, rtol=1e-6)


def test_plain_resizing_sees_the_nearest_pixels_alone():
    image = np.zeros((1, 8, 8, 1), np.uint8)
    image[0, 0] = 40
    quarter = np.asarray(resize_images(image, (2, 2), 4, 4))[0, :, :, 0]
    assert quarter.sum() == 0, "rows 1 and 2 are what the first of two rows lies between"
    half = np.asarray(resize_images(image, (4, 4), 4, 4))[0, :, :, 0]
    np.testing.assert_allclose(half[0], 20)


def resize_row(row, new):
    """Pillow's triangle filter in exact numbers: each pixel the mean of those it covers, weighted by nearness."""
    step = len(row) / new
    reach = max(step, 1.0)
    resized = []
    for place in range(new):
        middle = (place + 0.5) * step
        weights = np.maximum(1 - np.abs((np.arange(len(row)) + 0.5 - middle) / reach), 0)
        resized.append(np.floor((weights * row).sum() / weights.sum() + 0.5))
    return np.array(resized)


@pytest.mark.backend
@pytest.mark.parametrize("size", [(7, 9), (13, 20), (26, 11), (40, 31)])
def test_bytes_are_resized_with_averaging_to_whole_grey_levels(size):
    images = np.random.default_rng(0).integers(0, 256, (2, 26, 20, 3)).astype(np.uint8)
    along = np.apply_along_axis(resize_row, 2, images, size[1]) if size[1] != 20 else images
    expected = np.apply_along_axis(resize_row, 1, along, size[0]) if size[0] != 26 else along
    found = np.asarray(resize_bytes(images, size))
    assert np.abs(found - expected).max() <= 1
    assert (found == expected).mean() > 0.97


@pytest.mark.backend
@pytest.mark.parametrize("crop_px", [8, 9])
def test_a_crop_at_a_corner_begins_at_the_pixel_nearest_to_it(crop_px):
    images = np.random.default_rng(0).integers(0, 255, (1, 40, 40, 1)).astype(np.uint8)
    centers = np.array([[20.25, 19.75], [1.5, 39.0]], np.float32)
    crops, corners = (np.asarray(part) for part in crop_images_at_corners(images, np.zeros(2, int), centers, crop_px))
    np.testing.assert_allclose(corners, centers - crop_px / 2 + 0.5)
    padded = np.pad(images[0, ..., 0], 20)
    for crop, corner in zip(crops[..., 0], corners, strict=True):
        left, top = np.floor(corner + crop_px // 2).astype(int) - crop_px // 2 + 20
        np.testing.assert_array_equal(crop, padded[top : top + crop_px, left : left + crop_px])
