"""Bodies: places on an animal and points in the image are two sides of one thing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseflow.synth.animals import BODY_NODES, SKELETON, silhouette
from poseflow.synth.body import TAIL_LINKS, drag_tail

bends = st.floats(-1.25, 1.25)


@pytest.mark.slow
@given(bend=bends, yaw=st.floats(-0.75, 0.75), heading=st.floats(-3.1, 3.1), u=st.floats(0, 1), d=st.floats(-1, 1))
@settings(max_examples=200)
def test_a_place_on_the_body_is_found_again_from_its_point_in_the_image(make_body, bend, yaw, heading, u, d):
    body = make_body(bend, yaw, heading)
    d *= float(silhouette(np.array([u]))[0])
    point = body.place(0, np.array([u]), np.array([d]))
    found_u, found_d = body.project(0, point)
    assert found_u[0] * 100 == pytest.approx(u * 100, abs=0.35)
    assert found_d[0] * 20 == pytest.approx(d * 20, abs=0.35)


def test_left_and_right_are_the_animals_own(make_body):
    up = make_body(heading=-np.pi / 2).nodes()[0]  # y grows downwards: this animal looks up
    x = dict(zip(SKELETON.nodes, up[:, 0], strict=True))
    y = dict(zip(SKELETON.nodes, up[:, 1], strict=True))
    assert x["left_eye"] < x["nose"] < x["right_eye"]
    assert x["left_ear"] < x["spine1"] < x["right_ear"]
    along = ["nose", "left_eye", "left_ear", "spine1", "spine2", "spine3", "spine4", "spine5"]
    along += ["tail1", "tail2", "tail3", "tail4"]
    assert (np.diff([y[node] for node in along]) > 0).all()


def test_the_body_covers_its_own_spine_and_not_what_lies_beside_it(make_body):
    body = make_body(bend=0.8)
    spine_u = BODY_NODES[5:, 0]
    assert body.covers(0, body.place(0, spine_u, np.zeros(5))).all()
    assert not body.covers(0, body.place(0, spine_u, np.full(5, 1.1))).any()
    assert not body.covers(0, body.place(0, np.array([-0.05, 1.05]), np.zeros(2))).any()


@given(bend=bends)
@settings(max_examples=30)
def test_the_spine_is_as_long_as_the_animal_however_it_bends(make_body, bend):
    line = make_body(bend).line[0]
    assert np.linalg.norm(np.diff(line, axis=0), axis=1).sum() == pytest.approx(120.0)  # from u = -0.1 to 1.1


def test_a_dragged_tail_keeps_its_length_and_comes_to_lie_on_the_animals_path(make_body):
    body = make_body()
    tail, line = body.tail, body.line
    for _ in range(100):
        line = line + np.array([2.0, 0.0])
        tail = drag_tail(tail, line, np.array([80.0]), max_bend=0.4)
    links = np.linalg.norm(np.diff(tail[0], axis=0), axis=1)
    np.testing.assert_allclose(links, 8.0, atol=1e-9)
    np.testing.assert_allclose(tail[0, :, 1], 150.0, atol=1e-6)


def test_a_tail_joint_bends_no_more_than_it_may(make_body):
    body = make_body()
    folded = body.tail.copy()
    folded[0, :, 0] = 2 * folded[0, 0, 0] - folded[0, :, 0] - np.linspace(0, 1, TAIL_LINKS + 1)
    folded[0, 1:, 1] += 1
    tail = drag_tail(folded, body.line, np.array([80.0]), max_bend=0.4)
    links = np.diff(tail[0], axis=0)
    turns = np.diff(np.unwrap(np.arctan2(links[:, 1], links[:, 0])))
    assert np.abs(turns).max() <= 0.4 + 1e-9
