"""What is at stake at a moment is never more than there is."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wandering import make_recording

from poseflow.config import TrackingConfig
from poseflow.tracking import follow_animals
from poseflow.tracking.linking.ambiguity import Doubt
from poseflow.tracking.review.items import find_moments_of_tracks

doubts = st.builds(
    Doubt, st.integers(0, 99), st.just("jump"), st.integers(0, 2), st.integers(-1, 2), st.floats(0.1, 0.99)
)


@given(st.lists(doubts, max_size=12))
def test_no_more_frames_are_at_stake_than_tracks_have_rows(found):
    for doubt in found:
        doubt.rows_before = doubt.frame  # tracks that are in each of 100 frames
    found.sort(key=lambda doubt: (doubt.frame, doubt.track))
    moments = find_moments_of_tracks(found, dict.fromkeys(range(3), 100))
    for moment in moments:
        assert 0 < moment.frames <= len(moment.tracks) * 100
        assert 0 <= moment.damage <= moment.frames
    assert not found or {moment.frame for moment in moments} <= {doubt.frame for doubt in found}


def test_doubts_of_one_track_that_are_joined_count_once():
    found = [Doubt(frame, "jump", 0, -1, 0.5, frame) for frame in (10, 20, 30)]
    (moment,) = find_moments_of_tracks(found, {0: 60})
    assert (moment.frame, moment.frames) == (10, 50)
    assert moment.damage == pytest.approx((1 - 0.5**3) * 50)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("changes", [{}, {"max_tracks": 3}, {"animals": 3, "connect_breaks": True}, {"mode": "both"}])
def test_of_a_tracked_recording_no_more_is_at_stake_than_its_rows(seed, changes):
    whole = make_recording(seed)
    tracks, outcome = follow_animals(whole, TrackingConfig(candidates="window", window_frames=2, **changes))
    for moment in outcome.moments:
        rows = Counter(tracks.track[tracks.frame_idx >= moment.frame - 100].tolist())
        assert moment.damage <= moment.frames <= sum(rows[track] for track in moment.tracks)


@pytest.mark.parametrize("seed", range(4))
def test_rows_from_a_doubt_on_are_counted_through_connected_tracks(seed):
    """Against the finished table."""
    whole = make_recording(seed)
    config = TrackingConfig(candidates="window", window_frames=2, animals=3, connect_breaks=True)
    tracks, outcome = follow_animals(whole, config)
    alone = [moment for moment in outcome.moments if len(moment.tracks) == 1]
    for moment in alone:
        rows = np.sum(tracks.track == moment.tracks[0])
        assert moment.frames <= rows
