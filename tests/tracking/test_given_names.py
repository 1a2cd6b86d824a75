"""Names that a person gives where no network knows any."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseflow.tables import Tracks
from poseflow.tracking.identity.given_names import Bearers, GivenName

FRAMES = 30


def all_rows(tracks=3):
    """A row for each of the tracks in each frame."""
    frame, track = np.repeat(np.arange(FRAMES), tracks), np.tile(np.arange(tracks, dtype=np.int32), FRAMES)
    nothing = np.full(len(frame), -1, np.int16)
    return Tracks(np.arange(len(frame)), frame, track, track, nothing, nothing.astype(np.float32), ())


def named(*given_names):
    """The name of each (track, frame)."""
    rows = Bearers([GivenName(*one) for one in given_names], np.arange(3, dtype=np.int32)).name(all_rows())
    return dict(zip(zip(rows.track.tolist(), rows.frame_idx.tolist(), strict=True), rows.identity, strict=True))


def test_to_rename_a_track_is_to_name_all_of_it():
    names = named((10, 1, "bello"))
    assert {names[1, frame] for frame in range(FRAMES)} == {"bello"}
    assert {names[0, frame] for frame in range(FRAMES)} == {None}


def test_a_name_holds_until_another_is_given():
    names = named((10, 1, "bello"), (20, 1, "rex"))
    assert [names[1, frame] for frame in (0, 19, 20, 29)] == ["bello", "bello", "rex", "rex"]


def test_a_name_goes_over_to_the_track_of_which_it_is_said_later():
    names = named((10, 1, "bello"), (20, 2, "bello"))
    assert [names[1, frame] for frame in (0, 19, 20, 29)] == ["bello", "bello", None, None]
    assert [names[2, frame] for frame in (0, 19, 20, 29)] == [None, None, "bello", "bello"]


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(0, FRAMES - 1), st.integers(0, 2), st.sampled_from("xyz")), max_size=8))
def test_no_two_animals_of_a_frame_have_one_name(given_names):
    names = named(*sorted(given_names, key=lambda given: given[0]))
    for frame in range(FRAMES):
        given = [names[track, frame] for track in range(3) if names[track, frame]]
        assert len(set(given)) == len(given)


def test_connected_tracks_are_one():
    rows = Bearers([GivenName(5, 2, "bello")], np.array([0, 1, 1], np.int32)).name(all_rows(2))
    assert {name for name, track in zip(rows.identity, rows.track, strict=True) if track == 1} == {"bello"}
    assert rows.identity_score[1] == pytest.approx(1)
