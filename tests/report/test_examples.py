import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseflow.core.skeleton import Skeleton
from poseflow.report.drawing import draw_pose
from poseflow.report.examples import cut_out, dots, draw_example, find_windows, place_matrix
from poseflow.report.localization import cut_portrait, find_typical
from poseflow.report.palette import PREDICTION

PAIR = Skeleton.from_names(["a", "b"], [("a", "b")])


def test_animals_that_touch_share_a_window_and_others_do_not():
    near = np.array([[[10, 10], [30, 30]], [[25, 25], [50, 50]], [[200, 10], [220, 30]]], np.float32)
    windows = find_windows(near, (300, 300))
    assert len(windows) == 2
    assert (windows[0, :2] < 10).all() and (windows[0, 2:] > 50).all()


def test_the_whole_image_is_shown_where_there_is_no_animal():
    empty = np.full((1, 2, 2), np.nan, np.float32)
    assert find_windows(empty, (30, 60)).tolist() == [[-0.5, -0.5, 59.5, 29.5]]
    image = np.zeros((30, 60, 1), np.uint8)
    assert draw_example(image, empty[:0], empty[:0], PAIR).ndim == 3


@given(
    corner=st.tuples(st.floats(-20, 20), st.floats(-20, 20)),
    zoom=st.floats(0.5, 9),
    angle=st.floats(-3.1, 3.1),
)
def test_points_are_placed_where_their_pixels_are(corner, zoom, angle):
    """A pixel's middle comes to the middle of its enlarged square, turned round the middle of the canvas."""
    size = (80, 50)
    matrix = place_matrix(np.array(corner), zoom, size, angle)
    point = np.array([3.0, 4.0])
    flat = (point - corner + 0.5) * zoom - 0.5 - (np.array(size) - 1) / 2
    turned = (flat[0] + 1j * flat[1]) * np.exp(1j * angle) + 39.5 + 24.5j
    assert matrix @ [*point, 1] == pytest.approx([turned.real, turned.imag], abs=1e-6)


def test_an_enlarged_bright_pixel_lies_under_its_point():
    image = np.zeros((40, 40, 1), np.uint8)
    image[12, 17] = 255
    enlarged = cut_out(np.repeat(image, 3, axis=2), np.array([10.25, 8.5]), 8.0, (120, 90))[..., 0].astype(float)
    rows, columns = np.indices(enlarged.shape)
    bright = enlarged > 100
    found = np.array([(columns * enlarged)[bright].sum(), (rows * enlarged)[bright].sum()]) / enlarged[bright].sum()
    assert found == pytest.approx((np.array([17, 12]) - [10.25, 8.5] + 0.5) * 8 - 0.5, abs=0.3)


def test_skeletons_are_drawn_to_fractions_of_a_pixel_and_missing_points_are_not():
    canvas = np.zeros((40, 40, 3), np.uint8)
    pose = np.array([[[20.5, 10.0], [np.nan, np.nan]]])
    draw_pose(canvas, pose[0], PAIR, PREDICTION, dots(3.0))
    weight = (canvas == np.array(PREDICTION)).all(axis=2)
    rows, columns = np.nonzero(weight)
    assert (columns.mean(), rows.mean()) == pytest.approx((20.5, 10.0), abs=0.2)


def test_the_typical_pose_is_whole_and_of_usual_size_whichever_way_it_looks():
    base = np.array([[0, 0], [10, 0], [10, 20], [0, 20]], np.float32)
    poses = []
    for turn, scale in ((0.3, 1.3), (1.0, 0.7), (2.5, 1.0), (0.1, 1.2), (4.0, 0.8)):
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        poses.append(scale * base @ rotation + 100)
    hidden = base.copy()
    hidden[0] = np.nan
    assert find_typical(np.array([*poses, hidden], np.float32)) == 2


@pytest.mark.parametrize("turn", [0.0, 1.1, 2.2, 3.3, 4.4, 5.5])
def test_a_portrait_lies_level_with_the_first_node_to_the_left(turn):
    line = np.stack([np.linspace(-30, 30, 5), [0, 2, 0, -2, 0]], axis=1)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    portrait = cut_portrait(np.zeros((200, 200, 1), np.uint8), (line @ rotation.T + 100).astype(np.float32))
    x, y = portrait.points.T
    assert (np.diff(x) > 0).all()
    assert np.ptp(y) < 0.1 * np.ptp(x)
    assert (portrait.points >= 0).all() and (portrait.points < portrait.image.shape[1::-1]).all()
    assert np.ptp(x) == pytest.approx(60 * portrait.zoom, rel=0.01)


def test_tiles_lie_within_the_image():
    """The image's first pixel is the first of the tile of an animal in the corner: nothing beyond it is shown."""
    image = np.zeros((200, 300, 1), np.uint8)
    image[0, 0] = 255
    corner = np.array([[[8, 8], [25, 17]]], np.float32)
    drawn = draw_example(image, corner, corner[:0], PAIR)
    zoom = drawn.shape[1] / (25 + 8 + 0.5)
    rows, columns = np.nonzero((drawn > 200).all(axis=2))
    assert (columns.max(), rows.max()) == pytest.approx((zoom, zoom), rel=0.2)
    assert (columns.min(), rows.min()) == (0, 0)


def test_a_single_tile_has_the_animals_shape_but_is_not_slim():
    level = np.array([[[20, 100], [280, 100]]], np.float32)
    height, width, _ = draw_example(np.zeros((200, 300, 1), np.uint8), level, level, PAIR).shape
    assert (width, height) == (600, 360)
