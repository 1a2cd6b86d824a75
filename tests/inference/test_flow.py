"""Flow-shifted points follow what moves."""

import cv2
import numpy as np
import pytest

from poseflow.config import FlowConfig
from poseflow.inference.flow import shift_points, shrink_image

TEXTURE = cv2.GaussianBlur(np.random.default_rng(0).uniform(0, 255, (300, 400)).astype(np.float32), (0, 0), 3)
TEXTURE = cv2.normalize(TEXTURE, None, 0, 255, cv2.NORM_MINMAX)


WHOLE = FlowConfig(window_frames=1, scale=1.0)


def moved_by(x, y, config=None):
    matrix = np.array([[1, 0, x], [0, 1, y]], np.float64)
    image = cv2.warpAffine(TEXTURE, matrix, (399, 299), flags=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)
    return shrink_image(image[..., None], config or FlowConfig())


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.3])
def test_points_follow_a_moving_texture_at_every_lag(scale):
    config = FlowConfig(window_frames=5, scale=scale)
    frames = [moved_by(3.3 * t, -1.7 * t, config) for t in range(6)]
    points = np.array([[[150, 140], [180, 120]], [[300, 200], [np.nan, np.nan]]], np.float32)
    shifted = shift_points(frames[0], frames[1:], points, config)
    assert shifted.shape == (2, 5, 2, 2)
    for lag in range(5):
        expected = points + np.array([3.3, -1.7]) * (lag + 1)
        np.testing.assert_allclose(shifted[:, lag], expected, atol=0.1 / scale)


def test_a_fast_animal_is_followed_from_frame_to_frame():
    """At once, 37 px are too far: with the search begun at the old place, the last two lags were 52 px off."""
    config = FlowConfig(window_frames=5)
    points = np.array([[[150, 140], [180, 120]]], np.float32)
    shifted = shift_points(moved_by(0, 0), [moved_by(7.5 * t, 0) for t in range(1, 6)], points, config)
    np.testing.assert_allclose(shifted[0], points + 7.5 * np.arange(1, 6)[:, None, None] * [1, 0], atol=0.2)


def test_a_missing_frame_leaves_its_lag_open_and_no_other():
    frames = [moved_by(2 * t, 0) for t in range(4)]
    points = np.array([[[150, 140]]], np.float32)
    shifted = shift_points(frames[0], [frames[1], None, frames[3]], points, FlowConfig(window_frames=5))
    assert np.isfinite(shifted[0, [0, 2]]).all()
    assert np.isnan(shifted[0, [1, 3, 4]]).all()


def test_the_window_round_an_animal_gives_the_flow_of_the_whole_frame():
    before, after = moved_by(0, 0, WHOLE), moved_by(6, 4, WHOLE)
    points = np.array([[[200, 150], [215, 160]]], np.float32)
    whole, found, _ = cv2.calcOpticalFlowPyrLK(
        before, after, points[0], None, winSize=(WHOLE.patch_px, WHOLE.patch_px), maxLevel=WHOLE.levels
    )
    assert found.all()
    np.testing.assert_allclose(shift_points(before, [after], points, WHOLE)[0, 0], whole, atol=0.05)


def test_points_at_and_beyond_the_border_do_no_harm():
    points = np.array(
        [[[0, 0], [399, 299], [-20, 500]], [[np.nan, np.nan], [-300, -300], [np.nan, np.nan]]], np.float32
    )
    shifted = shift_points(moved_by(0, 0), [moved_by(1, 1)], points, FlowConfig(window_frames=1))
    assert shifted.shape == (2, 1, 3, 2)
    assert np.isnan(shifted[1, 0, 0]).all()
