"""The simulated cage: the same by seed, smooth, social, and honest about what can be seen."""

import tracemalloc
from itertools import combinations, islice, pairwise

import numpy as np
import pytest

from poseflow.synth import IDENTITIES, SKELETON, simulate_cage
from poseflow.synth.body import Bodies
from poseflow.synth.simulate import find_visible


def points_of(frames, *args, **kwargs):
    return np.stack([poses.points for poses in simulate_cage(frames, *args, **kwargs)])


@pytest.fixture(scope="module")
def long_run():
    return list(simulate_cage(1500, 4, seed=2))


def test_the_skeleton_is_the_papers():
    assert len(SKELETON.nodes) == 14
    edges = {(SKELETON.nodes[a], SKELETON.nodes[b]) for a, b in SKELETON.edges}
    chain = ["spine3", "spine4", "spine5", "tail1", "tail2", "tail3", "tail4"]
    head = {("spine1", node) for node in ("nose", "left_eye", "right_eye", "left_ear", "right_ear")}
    assert edges == {("spine3", "spine2"), ("spine2", "spine1"), *head, *pairwise(chain)}
    assert IDENTITIES[:4] == ("female", "male", "pupshaved", "pupunshaved")


def test_the_same_seed_gives_the_same_poses_and_another_seed_others():
    np.testing.assert_array_equal(points_of(40, 3, seed=5), points_of(40, 3, seed=5))
    assert not np.array_equal(points_of(40, 3, seed=5), points_of(40, 3, seed=6))


def test_a_frame_does_not_depend_on_the_length_of_the_recording():
    np.testing.assert_array_equal(points_of(30, 4, seed=1), points_of(90, 4, seed=1)[:30])


@pytest.mark.parametrize("animals", range(1, 7))
def test_each_number_of_animals_can_be_had(animals):
    poses = next(simulate_cage(1, animals, seed=0))
    assert poses.identities == IDENTITIES[:animals]
    assert poses.points.shape == (animals, 14, 2)
    assert poses.visible.shape == (animals, 14)
    assert sorted(poses.order) == list(range(animals))


@pytest.mark.parametrize("animals", [0, 7])
def test_another_number_is_refused(animals):
    with pytest.raises(ValueError, match=f"animals must be 1 to 6, got {animals}"):
        next(simulate_cage(1, animals))


@pytest.mark.slow
def test_everyone_stays_in_the_cage(long_run):
    layout = long_run[0].layout
    points = np.stack([poses.points for poses in long_run])
    slack = 0.12 * layout.body_px  # an ear or a haunch may touch the wall
    assert (points > layout.low - slack).all()
    assert (points < layout.high + slack).all()


def test_motion_is_smooth(long_run):
    """No node jumps, and speed changes little from frame to frame: px per frame, of animals of 80 to 105 px."""
    points = np.stack([poses.points for poses in long_run])
    speed = np.linalg.norm(np.diff(points, axis=0), axis=-1)
    assert speed.max() < 20
    spine = points[:, :, SKELETON.nodes.index("spine3")]
    change = np.linalg.norm(np.diff(spine, 2, axis=0), axis=-1)
    assert np.percentile(change, 99) < 1.5
    assert change.max() < 6


def test_animals_rest_and_walk(long_run):
    spine = np.stack([poses.points[:, SKELETON.nodes.index("spine3")] for poses in long_run])
    speed = np.linalg.norm(np.diff(spine, axis=0), axis=-1)
    assert 0.2 < (speed < 0.3).mean() < 0.8
    assert 0.1 < (speed > 2.0).mean() < 0.8


def test_animals_meet_and_go_under_the_hide(long_run):
    layout = long_run[0].layout
    met = sum(
        any(np.linalg.norm(a - b) < 0.6 * layout.body_px for a, b in combinations(poses.points[:, 7], 2))
        for poses in long_run
    )
    hidden = sum(layout.under_hide(poses.points[:, 7]).any() for poses in long_run)
    assert met > 100
    assert hidden > 50
    assert all(not poses.visible[layout.under_hide(poses.points)].any() for poses in long_run[::25])


def test_who_lies_on_whom_does_not_change_while_they_touch(long_run):
    changes = 0
    for before, after in pairwise(long_run):
        for a, b in combinations(range(4), 2):
            touch = np.linalg.norm(before.points[a, 7] - before.points[b, 7]) < 0.45 * before.layout.body_px
            changes += touch and (before.order.index(a) < before.order.index(b)) != (
                after.order.index(a) < after.order.index(b)
            )
    assert changes == 0


def test_nodes_under_a_body_are_hidden_and_those_on_top_are_not():
    """Two copies of an animal that lies alone on the floor, one on the other."""
    poses = next(poses for poses in simulate_cage(2000, 1, seed=4) if poses.visible.all())
    twins = Bodies(*(np.repeat(getattr(poses.bodies, name), 2, axis=0) for name in Bodies.__dataclass_fields__))
    visible = find_visible(twins.nodes(), twins, (0, 1), poses.layout)
    spines = slice(SKELETON.nodes.index("spine1"), SKELETON.nodes.index("spine5") + 1)
    assert not visible[0, spines].any()
    assert visible[1].all()
    assert find_visible(twins.nodes(), twins, (1, 0), poses.layout)[0].all()


def test_nodes_outside_the_image_are_hidden():
    poses = next(simulate_cage(1, 1, seed=0))
    bodies = poses.bodies
    moved = Bodies(bodies.line - 5000.0, *(getattr(bodies, name) for name in list(Bodies.__dataclass_fields__)[1:]))
    points = poses.points - 5000.0
    assert not find_visible(points, moved, (0,), poses.layout).any()


@pytest.mark.slow
def test_memory_does_not_grow():
    def peak(frames):
        stream = simulate_cage(frames, 4, seed=0)
        for _ in islice(stream, 20):
            pass
        tracemalloc.start()
        for _ in stream:
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(150) < peak(30) + 200_000  # the 120 poses more are 1 MB
