"""How networks see frames, and how points come back."""

from math import ceil

import numpy as np
import pytest

from poseflow.networks.framing import Framing, SleapFraming

pytestmark = pytest.mark.backend


@pytest.mark.parametrize(("scale", "shape"), [(1.0, (1, 96, 112, 1)), (0.5, (1, 48, 64, 1)), (0.29, (1, 32, 32, 1))])
@pytest.mark.parametrize("framing", [Framing(), SleapFraming()])
def test_frames_are_padded_to_whole_strides_below_and_at_the_right(framing, scale, shape):
    seen = np.asarray(framing.preprocess(np.full((1, 90, 110, 1), 7, np.uint8), scale, 16))
    assert seen.shape == shape
    height, width = framing.scaled_px(90, scale), framing.scaled_px(110, scale)
    np.testing.assert_allclose(seen[0, : height - 1, : width - 1], 7, rtol=1e-5)
    assert (seen[0, max(height, ceil(90 * scale)) :] == 0).all(), "beyond the last pixel that holds a part of the frame"
    assert (seen[0, :, max(width, ceil(110 * scale)) :] == 0).all()


def test_sleap_rounds_down_in_single_precision():
    assert [SleapFraming().scaled_px(100, scale) for scale in (0.29, 0.295, 0.999)] == [29, 29, 99]


def test_points_come_back_where_each_says_that_they_are():
    points = np.array([[3.0, 5.0]], np.float32)
    np.testing.assert_allclose(np.asarray(Framing().unscale(points, 0.25)), [[13.5, 21.5]])
    np.testing.assert_allclose(np.asarray(SleapFraming().unscale(points, 0.25)), [[12.5, 20.5]])
    np.testing.assert_allclose(np.asarray(SleapFraming().unscale(points, 1.0)), points)


def test_sleaps_crops_are_whole_grey_levels_and_begin_half_a_pixel_early():
    images = np.random.default_rng(0).integers(0, 255, (1, 40, 40, 1)).astype(np.uint8)
    center = np.array([[20.25, 19.5]], np.float32)
    crops, origins = (np.asarray(part) for part in SleapFraming().crop(images, np.zeros(1, np.int32), center, 8))
    np.testing.assert_array_equal(crops, np.floor(crops))
    np.testing.assert_allclose(origins, center - 4)


@pytest.mark.parametrize(
    ("frame", "factor", "filled"), [((80, 100), 1.0, (80, 100)), ((40, 40), 2.0, (80, 80)), ((200, 200), 0.4, (80, 80))]
)
def test_frames_of_another_size_fit_into_that_of_training(frame, factor, filled):
    matched, found = SleapFraming((80, 100)).match_size(np.full((1, *frame, 1), 9, np.uint8))
    matched = np.asarray(matched)[0, :, :, 0]
    assert found == pytest.approx(factor)
    assert matched.shape == (80, 100)
    assert (matched[: filled[0], : filled[1]] == 9).all()
    assert matched.sum() == 9 * filled[0] * filled[1]
