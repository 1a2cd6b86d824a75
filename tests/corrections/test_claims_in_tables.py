"""Claims of the log reach the pose table, whatever tracks or predicts, and what takes them back gives it as it was."""

import numpy as np
import pandas as pd
import pytest
from corrected_cage import ANIMALS, FRAMES, SKELETON, Cage, animals_at, pose_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poseflow.corrections import (
    AbsenceClaim,
    AnimalClaim,
    ContinuationClaim,
    NameClaim,
    PointsClaim,
    Retraction,
    Sighting,
    claims_between,
    from_points,
    stamp,
    take_back,
)

NODES = SKELETON.nodes


def sighting(frame, animal, shift=0.0, animals=range(ANIMALS)):
    """An animal as the first release showed it, or `shift` px aside, among the others."""
    poses = np.array([pose_of(one, frame) for one in animals]) + shift
    return Sighting.of("cage", frame, NODES, poses, None if animal is None else list(animals).index(animal))


def drag(frame=10, animal=1, node="nose", by=6.0, **changes):
    point = pose_of(animal, frame)[NODES.index(node)] + [by, 0]
    return PointsClaim(**stamp("kim") | changes, where=sighting(frame, animal), points={node: tuple(point)})


def absent(frame=10, animal=1, **changes):
    return AbsenceClaim(**stamp("kim") | changes, where=sighting(frame, animal))


def added(frame=10, place=3, **changes):
    return AnimalClaim(
        **stamp("kim"), where=sighting(frame, None), points=from_points(pose_of(place, frame), NODES), **changes
    )


def swap(frame=20, a=0, b=1):
    """Two animals have each other's tracks from this frame on."""
    return [
        ContinuationClaim(**stamp("kim"), where=sighting(frame, now), before=sighting(frame - 1, then))
        for now, then in ((a, b), (b, a))
    ]


def test_a_dragged_node_an_added_a_deleted_animal_and_a_swap_are_in_the_table(cage):
    before = cage.make()
    assert not before["edited"].any()
    cage.claim(drag(10, 1), absent(12, 2), added(14, 3, name="late"), *swap(20))
    after = cage.make()
    dragged = after[after["nose.edited"] & (after.frame_idx == 10)]
    assert dragged["nose.x"].tolist() == [pose_of(1, 10)[0, 0] + 6] and not dragged["tail.edited"].any()
    assert len(animals_at(after, 12)) == ANIMALS - 1
    late = animals_at(after, 14).iloc[-1]
    assert (late["identity"], late["track"], late["edited"]) == ("late", ANIMALS, True)
    assert animals_at(after, 19)["track"].tolist() == animals_at(before, 19)["track"].tolist()
    a, b, c = animals_at(before, 20)["track"]
    for frame in range(20, FRAMES):
        assert animals_at(after, frame)["track"].tolist() == [b, a, c]
    assert after["edited"].sum() == 2, "names and tracks are no poses"


def test_claims_survive_another_tracking_and_another_release(cage):
    cage.release(missed=frozenset({(0, 30)}))
    missing = AnimalClaim(
        **stamp(), where=sighting(30, None, animals=(1, 2)), points=from_points(pose_of(0, 30), NODES)
    )
    cage.claim(drag(10, 1), absent(12, 2), added(14, 3), *swap(20), missing)
    first = cage.make()
    assert first["edited"].sum() == 3 and len(animals_at(first, 30)) == ANIMALS
    for changes in ({"candidates": "kalman"}, {"min_instance_score": 0.75}, {"similarity": "centroid"}):
        again = cage.make(**changes)
        assert again.loc[again["edited"], "frame_idx"].tolist() == first.loc[first["edited"], "frame_idx"].tolist()
    # the other release puts points 15 px aside, does not detect what was deleted, and detects what was added
    cage.release(shift=15, missed=frozenset({(2, 12)}), seed=1)
    other = cage.make()
    assert animals_at(other, 10).iloc[1]["nose.x"] == pose_of(1, 10)[0, 0] + 6
    assert animals_at(other, 10).iloc[1]["tail.x"] == pose_of(1, 10)[2, 0] + 15
    assert [len(animals_at(other, frame)) for frame in (11, 12, 14)] == [ANIMALS, ANIMALS - 1, ANIMALS + 1]
    a, b, c = animals_at(other, 19)["track"]
    assert animals_at(other, 20)["track"].tolist() == [b, a, c]
    own = animals_at(other, 30)
    assert len(own) == ANIMALS, "the animal that was added in frame 30 is the one that is detected there"
    assert own.iloc[0]["nose.x"] == pose_of(0, 30)[0, 0] and own.iloc[0]["edited"]
    assert "orphan" not in cage.review_list


def test_undo_takes_each_back(cage):
    before = cage.make()
    claims = [drag(10, 1), absent(12, 2), added(14, 3), *swap(20)]
    cage.claim(*claims)
    cage.make()
    for claim in claims:
        take_back(cage.log, cage.claims, claim.id)
    pd.testing.assert_frame_equal(cage.make(), before)


def test_what_finds_no_animal_or_two_is_listed_and_not_lost(cage):
    cage.claim(drag(10, 1), drag(10, 2, node="tail"))
    cage.release(missed=frozenset({(1, 10)}))
    after = cage.make()
    assert after["edited"].sum() == 1
    (line,) = [line for line in cage.review_list.splitlines() if ",orphan," in line]
    assert cage.claims[0].id in line and "no animal is where it was seen" in line
    cage.release()
    assert cage.make()["edited"].sum() == 2, "it holds again where there is an animal"


def test_an_absence_holds_by_itself_where_nothing_is_detected(cage):
    cage.claim(absent(10, 1))
    cage.release(missed=frozenset({(1, 10)}))
    assert len(animals_at(cage.make(), 10)) == ANIMALS - 1
    assert "orphan" not in cage.review_list


def test_of_two_animals_as_near_none_is_chosen(cage):
    """An animal that was seen between two that are there now, as far from either."""
    pose = (pose_of(0, 10) + pose_of(1, 10)) / 2
    long = pose + np.array([[100, 0], [0, 0], [0, 0]])
    where = Sighting.of("cage", 10, NODES, [long], 0)
    cage.claim(PointsClaim(**stamp(), where=where, points={"nose": (1.0, 1.0)}))
    assert not cage.make()["edited"].any()
    assert "several animals are as near" in cage.review_list


@pytest.mark.parametrize("pair", ["nodes", "existence", "names", "continuations"])
def test_the_earlier_of_two_that_contradict_each_other_is_listed(cage, pair):
    pairs = {
        "nodes": [drag(10, 1, by=6), drag(10, 1, by=-6)],
        "existence": [drag(10, 1), absent(10, 1)],
        "names": [NameClaim(**stamp(), where=sighting(10, animal), name="anna") for animal in (0, 1)],
        "continuations": [swap(20)[0], ContinuationClaim(**stamp(), where=sighting(20, 0), before=sighting(19, 2))],
    }
    earlier, later = pairs[pair]
    cage.claim(later, earlier)  # the order of lines does not matter, but that of times does
    cage.make()
    (line,) = [line for line in cage.review_list.splitlines() if ",superseded," in line]
    assert earlier.id in line.split(",")[-1] or earlier.id in line
    assert f"{later.id}, which is later" in line


def test_a_false_animal_is_taken_out_along_its_path(cage, monkeypatch):
    monkeypatch.setattr("poseflow.corrections.standing.BLOCK_FRAMES", 7)
    body = {frame: pose_of(2, frame).mean(axis=0) for frame in (5, 30)}
    path = tuple((frame, *center) for frame, center in body.items())
    cage.claim(AbsenceClaim(**stamp(), where=sighting(5, 2), path=path), drag(10, 1))
    counts = cage.make().groupby("frame_idx").size()
    assert [counts[frame] for frame in (4, 5, 10, 30, 31)] == [3, 2, 2, 2, 3]
    assert [one.kind for one in claims_between(cage.claims, "cage", 20, 21)] == ["absence"]
    assert [one.kind for one in claims_between(cage.claims, "cage", 10, 11)] == ["absence", "points"]


def test_a_claim_of_an_animal_that_tracking_would_leave_out_keeps_it(cage):
    cage.claim(drag(10, 1))
    assert animals_at(cage.make(min_instance_score=0.95), 10)["edited"].tolist() == [True]


def test_animals_that_are_added_in_a_row_are_one(cage):
    cage.claim(*[added(frame, 3) for frame in range(10, 14)])
    after = cage.make()
    assert set(after.loc[after["edited"], "track"]) == {ANIMALS}


def test_an_animal_that_is_added_where_a_track_has_a_gap_continues_it(cage):
    cage.release(missed=frozenset({(1, 10), (1, 11)}))
    before = cage.make()
    claims = [
        AnimalClaim(**stamp(), where=sighting(f, None, animals=(0, 2)), points=from_points(pose_of(1, f), NODES))
        for f in (10, 11)
    ]
    cage.claim(*claims)
    after = cage.make()
    for frame in (10, 11):
        assert animals_at(after, frame)["track"].tolist() == animals_at(before, 9)["track"].tolist()


def test_the_number_of_a_track_that_an_added_animal_is_said_to_be_is_no_name(cage):
    cage.release(missed=frozenset({(1, 10), (1, 11)}))
    track = animals_at(cage.make(), 9)["track"].tolist()[1]
    cage.claim(
        added(10, 3, name=f"track_{track}"),
        added(11, 3, name="track_7"),
        added(14, 3, name=f"track_{track}"),
        added(20),
    )
    after = cage.make()
    assert after["identity"].isna().all()
    edited = after[after["edited"]].set_index("frame_idx")["track"]
    assert edited[10] == track and edited[11] == 7 and edited[14] != track
    assert f"track_{track} is another animal's name or track in this frame" in cage.review_list


def test_a_path_that_goes_on_beyond_the_video_ends_with_it(cage):
    center = pose_of(2, 5).mean(axis=0)
    cage.claim(AbsenceClaim(**stamp(), where=sighting(5, 2), path=((5, *center), (10**12, *center))))
    assert animals_at(cage.make(), 5)["track"].size == ANIMALS - 1


@pytest.mark.slow
def test_an_added_animal_can_be_corrected_and_deleted_again(cage):
    cage.claim(added(14, 3))
    seen = np.array([pose_of(one, 14) for one in range(4)])
    where = Sighting.of("cage", 14, NODES, seen, 3)
    cage.claim(PointsClaim(**stamp(), where=where, points={"tail": (99.0, 99.0)}))
    row = animals_at(cage.make(), 14)
    assert row[row["tail.x"] == 99]["edited"].tolist() == [True]
    cage.claim(AbsenceClaim(**stamp(), where=where))
    assert len(animals_at(cage.make(), 14)) == ANIMALS


independent = st.lists(
    st.tuples(st.integers(1, FRAMES - 1), st.integers(0, ANIMALS - 1), st.sampled_from(["drag", "absent", "added"])),
    unique_by=lambda one: one[0],
    max_size=5,
)


def make_claim(frame, animal, kind):
    return {
        "drag": lambda: drag(frame, animal),
        "absent": lambda: absent(frame, animal),
        "added": lambda: added(frame, 3 + animal),
    }[kind]()


@pytest.mark.slow
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(independent, st.randoms(use_true_random=False))
def test_independent_claims_commute_and_retractions_give_the_table_as_it_was(tmp_path_factory, drawn, random):
    cage = Cage(tmp_path_factory.mktemp("cage"))
    before = cage.make()
    claims = [make_claim(*one) for one in drawn]
    cage.claim(*claims)
    once = cage.make()
    assert once["edited"].sum() == sum(kind != "absent" for *_, kind in drawn)
    other = Cage(tmp_path_factory.mktemp("cage"))
    times = [stamp() for _ in claims]
    random.shuffle(times)
    other.claim(*[claim.model_copy(update=time) for claim, time in zip(claims, times, strict=True)])
    pd.testing.assert_frame_equal(other.make(), once)
    random.shuffle(claims)
    cage.claim(*[Retraction(**stamp(), retracts=claim.id) for claim in claims])
    pd.testing.assert_frame_equal(cage.make(), before)
