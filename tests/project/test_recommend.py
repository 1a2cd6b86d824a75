"""Settings of models by what labels show."""

import numpy as np
import pytest
import sleap_io as sio
from hypothesis import given
from hypothesis import strategies as st

from poseflow.config import parse_yaml, read_model_config
from poseflow.core.errors import LabelsError
from poseflow.core.geometry import find_headings
from poseflow.project import LabeledAnimals, recommend, recommend_models
from poseflow.project.look import look_at_labels
from poseflow.project.recommend import LEAST_PX, REACH, choose_heading, receptive_field_px

NODES = ("head", "middle", "tail")


def make_labels(length=100.0, animals=2, frames=30, frame_px=(1000, 1000), **changes):
    """Animals along a line of that length, turned at random, in the middle of each frame."""
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 2 * np.pi, (frames, animals, 1))
    # The diagonal of a turned line's bounding box is its length.
    along = np.stack([np.cos(angle), np.sin(angle)], axis=-1) * np.array([-0.5, 0.0, 0.5])[:, None] * length
    places = rng.uniform(0, 900, (frames, animals, 1, 2))
    return LabeledAnimals(NODES, list(places + along), frame_px=frame_px, **changes)


@pytest.mark.slow
@given(
    length=st.floats(2, 3000),
    animals=st.integers(1, 12),
    frames=st.integers(1, 3000),
    frame_px=st.sampled_from([None, (480, 640), (2048, 2048)]),
    identities=st.sampled_from([(), ("anna", "ben")]),
)
def test_what_is_recommended_is_sound_and_every_value_has_a_reason(length, animals, frames, frame_px, identities):
    labels = make_labels(length, animals, 3, frame_px, identities=identities)
    labels = LabeledAnimals(NODES, labels.poses * (-(-frames // 3)), identities, frame_px)
    made = recommend_models(labels)
    profiles = {name: read_model_config(values) for name, values in made.models.items()}
    assert all(profile.kind == name for name, profile in profiles.items())
    assert (animals == 1) == ("single_instance" in profiles)
    assert all(reason for _, reason in made.reasons)
    for name, profile in profiles.items():
        if name != "centroid":
            seen = labels.length_px * profile.input.scale
            assert seen >= LEAST_PX * 0.999 or profile.input.scale == 1
            assert receptive_field_px(profile.backbone.down_blocks) >= REACH * seen or profile.backbone.down_blocks == 6
    assert parse_yaml(made.write(), "text")["models"] == made.models


def test_the_anchor_is_a_node_that_is_there_and_in_the_middle():
    labels = make_labels()
    assert recommend_models(labels).models["centroid"]["input"]["anchor"] == "middle"
    hidden = [np.where(np.array([False, True, False])[:, None], np.nan, poses) for poses in labels.poses[:20]]
    mostly_hidden = LabeledAnimals(NODES, [*hidden, *labels.poses[20:]])
    assert recommend_models(mostly_hidden).models["centroid"]["input"]["anchor"] != "middle"


def test_animals_are_turned_by_the_node_that_makes_them_most_alike():
    rng = np.random.default_rng(1)
    nodes = ("wing", "middle", "head", "leg", "unseen")
    rigid = np.array([[-10, 30], [0, 0], [0, -40], [25, 5], [0, -20]], float)
    poses = []
    for angle in rng.uniform(0, 2 * np.pi, 60):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        pose = rigid + rng.normal(0, [[8], [0.5], [1], [12], [0.1]], (5, 2))
        pose[4, :] = np.nan if len(poses) % 3 else pose[4]
        poses.append((pose @ turn.T + rng.uniform(100, 900, 2))[None].repeat(2, axis=0))
    made = recommend_models(LabeledAnimals(nodes, poses, frame_px=(1000, 1000)))
    assert made.models["centroid"]["input"]["anchor"] == "middle"
    assert [own["input"]["heading"] for own in made.models.values()] == ["head", "head"]
    assert any("turned by it, nodes lie" in reason for _, reason in made.reasons)


def test_animals_that_all_lie_alike_are_not_turned():
    rng = np.random.default_rng(2)
    line = np.array([[-50, 0], [0, 0], [50, 0]]) + 400
    labels = LabeledAnimals(NODES, [line + rng.normal(0, 5, (2, 3, 2)) for _ in range(30)], frame_px=(1000, 1000))
    assert all("heading" not in own["input"] for own in recommend_models(labels).models.values())


def turn_about(pose, animals, rng):
    """The pose (nodes, 2) turned and put anywhere, two of each: so many poses (2, nodes, 2)."""
    angles = rng.uniform(0, 2 * np.pi, animals)
    turns = np.stack([[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]]).transpose(2, 0, 1)
    return [(pose @ turn.T + rng.uniform(100, 900, 2))[None].repeat(2, axis=0) for turn in turns]


def test_a_node_that_lies_on_the_anchor_or_is_never_seen_with_it_turns_nobody():
    nodes = ("on it", "middle", "instead", "head", "tail")
    poses = turn_about(np.array([[0, 0], [0, 0], [3, 0], [0, -40], [0, 40]], float), 40, np.random.default_rng(3))
    for number, pose in enumerate(poses):
        pose[:, 2 if number % 2 else 1] = np.nan
    assert choose_heading(LabeledAnimals(nodes, poses), "middle")[0] in ("head", "tail")


def test_animals_of_one_pose_are_not_turned():
    pose = np.array([[[0.0, 0.0], [30.0, 0.0], [60.0, 10.0]]])
    for poses in ([pose], [pose, pose + 200]):
        assert choose_heading(LabeledAnimals(NODES, poses), NODES[1]) is None


def test_of_a_great_many_animals_some_tell_the_heading(monkeypatch):
    pose = np.array([[0, 0], [10, 3], [0, -40]], float)
    labels = LabeledAnimals(NODES, turn_about(pose, 3000, np.random.default_rng(4)))
    looked_at = []
    monkeypatch.setattr(
        recommend, "find_headings", lambda poses, *nodes: looked_at.append(len(poses)) or find_headings(poses, *nodes)
    )
    assert choose_heading(labels, "head")
    assert looked_at == [2000, 2000], "of 6000 animals, for each node"


def test_many_animals_in_a_small_frame_are_seen_in_one_pass():
    assert set(recommend_models(make_labels(100, 4, frame_px=(200, 200))).models) == {"bottom_up"}
    assert set(recommend_models(make_labels(100, 4, frame_px=(900, 900))).models) == {"centroid", "centered_instance"}


def test_more_labels_are_worth_more_steps():
    few, many = (recommend_models(make_labels(animals=1, frames=frames)).models for frames in (20, 2000))
    assert few["single_instance"]["training"]["max_epochs"] < many["single_instance"]["training"]["max_epochs"]


def test_a_detector_needs_no_more_steps_than_it_takes_to_find_animals():
    many = recommend_models(make_labels(frames=3000)).models
    steps = {name: one["training"]["max_epochs"] * one["training"]["steps_per_epoch"] for name, one in many.items()}
    assert steps["centroid"] == 2000 < steps["centered_instance"]


@pytest.mark.parametrize(
    ("labels", "shares"),
    [
        (make_labels(animals=1), {"single_instance": 30}),
        (make_labels(), {"centroid": 6, "centered_instance": 24}),
        (make_labels(100, 4, frame_px=(200, 200)), {"bottom_up": 30}),
    ],
)
def test_minutes_are_shared_among_the_networks(labels, shares):
    made = recommend_models(labels, minutes=30)
    assert {name: one["training"]["minutes"] for name, one in made.models.items()} == shares
    without = recommend_models(labels).models
    assert all("minutes" not in one["training"] for one in without.values())
    for name, one in made.models.items():
        assert one["training"] == {**without[name]["training"], "minutes": shares[name]}


def test_labels_that_show_no_size_are_refused():
    with pytest.raises(LabelsError, match="at least two labeled nodes"):
        recommend_models(LabeledAnimals(("thorax",), [np.zeros((1, 1, 2))]))


def test_what_holds_no_labels_is_passed_over_in_a_folder(tmp_path, caplog):
    video, skeleton = sio.Video(filename="cage.mp4", open_backend=False), sio.Skeleton(["nose", "tail"])
    instance = sio.Instance.from_numpy(np.array([[1.0, 2.0], [30.0, 4.0]]), skeleton=skeleton)
    frames = [sio.LabeledFrame(video=video, frame_idx=0, instances=[instance])]
    sio.save_slp(sio.Labels(frames), str(tmp_path / "a.slp"), embed=False, verbose=False)
    (tmp_path / "training_config.json").write_text('{"data": {}, "model": {}}')
    (tmp_path / "cut_off.slp").write_bytes((tmp_path / "a.slp").read_bytes()[:5000])
    (tmp_path / "cageDLC.csv").write_text("scorer,D,D,D\nbodyparts,n,n,n\ncoords,x,y,likelihood\n0,1,2,0.5\n")
    found = look_at_labels(tmp_path, "labels")
    assert (found.files, found.frames, list(found.patterns)) == (1, 1, ["labels/*.slp"])
    assert "cut_off.slp must be a label file, got a damaged one" in caplog.text
    assert "got DeepLabCut's predictions" in caplog.text
    assert "training_config" not in caplog.text
    with pytest.raises(LabelsError, match="cut_off"):
        look_at_labels(tmp_path / "cut_off.slp", "labels")
