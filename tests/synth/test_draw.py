"""Drawn animals: each part is where its label says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseflow.synth.animals import ANIMALS, BODY_NODES
from poseflow.synth.draw import draw_animal, draw_cover
from poseflow.synth.fur import D_RANGE, U_RANGE, Fur, paint_fur
from poseflow.synth.layout import lay_out
from poseflow.synth.scenery import paint_scenery

BLACK = (0.0,)


def marked_fur(place, rows=80, columns=300, length=100.0, half_width=20.0) -> Fur:
    """A black animal with one white dot, some 2.5 px in radius, at a place (u, d)."""
    u = np.linspace(*U_RANGE, 2 * columns + 1)[1::2] - place[0]
    d = np.linspace(*D_RANGE, 2 * rows + 1)[1::2, None] - place[1]
    dot = np.exp(-((u * length) ** 2 + (d * half_width) ** 2) / (2 * 1.8**2))
    return Fur(np.round(dot * 255).astype(np.uint8)[..., None], np.full(dot.shape, 255, np.uint8), BLACK, BLACK, BLACK)


def center_of_light(frame):
    weight = frame[..., 0].astype(float)
    y, x = np.mgrid[: weight.shape[0], : weight.shape[1]]
    return np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()


@given(
    node=st.integers(0, len(BODY_NODES) - 1),
    bend=st.floats(-1.25, 1.25),
    yaw=st.floats(-0.75, 0.75),
    heading=st.floats(-3.1, 3.1),
    x=st.floats(180, 181),
)
@settings(max_examples=60)
def test_each_part_is_drawn_where_its_label_is(make_body, node, bend, yaw, heading, x):
    body = make_body(bend, yaw, heading, hip=(x, 160.3))
    frame = np.zeros((320, 400, 1), np.uint8)
    draw_animal(frame, body, 0, marked_fur(BODY_NODES[node]))
    np.testing.assert_allclose(center_of_light(frame), body.nodes()[0, node], atol=0.25)


def test_motion_blur_smears_along_the_way_and_stays_centered(make_body):
    body = make_body(heading=0.4)
    body.velocity[0] = (16.0, 6.0)
    sharp, blurred = np.zeros((320, 400, 1), np.uint8), np.zeros((320, 400, 1), np.uint8)
    fur = marked_fur(BODY_NODES[7])
    draw_animal(sharp, body, 0, fur)
    draw_animal(blurred, body, 0, fur, exposure=0.6)
    np.testing.assert_allclose(center_of_light(blurred), center_of_light(sharp), atol=0.3)
    assert blurred.max() < 0.75 * sharp.max()


@pytest.mark.parametrize("heading", [0.0, 0.7, 2.9])
def test_the_tail_is_drawn_where_its_labels_are(make_body, heading):
    body = make_body(heading=heading)
    fur = marked_fur(BODY_NODES[0])
    bare = Fur(fur.color * 0, fur.opacity * 0, (255.0,), (255.0,), BLACK)
    frame = np.zeros((320, 400, 1), np.uint8)
    draw_animal(frame, body, 0, bare)
    across = np.array([-np.sin(heading), np.cos(heading)])
    for node in (11, 12):
        point = body.nodes()[0, node]
        cuts = point + np.arange(-8, 8.25, 0.25)[:, None] * across
        light = np.array([frame[round(y), round(x), 0] for x, y in cuts], float)
        assert light.max() > 200
        assert (light * np.arange(-8, 8.25, 0.25)).sum() / light.sum() == pytest.approx(0, abs=0.4)


@pytest.mark.parametrize("light", ["day", "infrared"])
def test_furs_can_be_told_apart(light):
    furs = [paint_fur(animal, animal.size * 100, light, 240.0, np.random.default_rng(0)).color for animal in ANIMALS]
    import cv2

    alike = [cv2.resize(fur, (120, 60), interpolation=cv2.INTER_AREA).astype(float) for fur in furs]
    for i, one in enumerate(alike):
        for other in alike[i + 1 :]:
            assert np.abs(one - other).max() > 30


def test_an_animal_beyond_the_border_is_cut_off_and_raises_nothing(make_body):
    fur = marked_fur(BODY_NODES[5])
    for hip in [(-10.0, 50.0), (395.0, 310.0), (-500.0, 50.0), (200.0, 1000.0)]:
        frame = np.zeros((320, 400, 1), np.uint8)
        draw_animal(frame, make_body(bend=0.5, hip=hip), 0, fur, exposure=0.5)


def test_the_hide_covers_what_is_under_it():
    layout = lay_out(480, 320, None, np.random.default_rng(3))
    scenery = paint_scenery(layout, "day", 240.0, seed=3)
    empty, full = scenery.background.copy(), np.full_like(scenery.background, 255)
    draw_cover(empty, scenery.hide)
    draw_cover(full, scenery.hide)
    x, y = (round(value) for value in layout.hide_center)
    np.testing.assert_array_equal(empty[y - 20 : y + 20, x - 20 : x + 20], full[y - 20 : y + 20, x - 20 : x + 20])
    assert not np.array_equal(empty, full)
