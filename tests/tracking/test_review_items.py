"""What is at stake at a review item is never more than there is."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wandering import make_recording

from poseflow.config import TrackingConfig
from poseflow.tracking import follow_animals
from poseflow.tracking.linking.ambiguity import AmbiguousLink
from poseflow.tracking.review.items import find_items_of_tracks

links = st.builds(
    AmbiguousLink, st.integers(0, 99), st.just("jump"), st.integers(0, 2), st.integers(-1, 2), st.floats(0.1, 0.99)
)


@given(st.lists(links, max_size=12))
def test_no_more_frames_are_at_stake_than_tracks_have_rows(found):
    for link in found:
        link.rows_before = link.frame  # tracks that are in each of 100 frames
    found.sort(key=lambda link: (link.frame, link.track))
    items = find_items_of_tracks(found, dict.fromkeys(range(3), 100))
    for item in items:
        assert 0 < item.frames <= len(item.tracks) * 100
        assert 0 <= item.expected_errors <= item.frames
    assert not found or {item.frame for item in items} <= {link.frame for link in found}


def test_ambiguous_links_of_one_track_that_are_joined_count_once():
    found = [AmbiguousLink(frame, "jump", 0, -1, 0.5, frame) for frame in (10, 20, 30)]
    (item,) = find_items_of_tracks(found, {0: 60})
    assert (item.frame, item.frames) == (10, 50)
    assert item.expected_errors == pytest.approx((1 - 0.5**3) * 50)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "changes", [{}, {"max_tracks": 3}, {"animals": 3, "connect_breaks": True}, {"identity": "per_tracklet"}]
)
def test_of_a_tracked_recording_no_more_is_at_stake_than_its_rows(seed, changes):
    whole = make_recording(seed)
    tracks, outcome = follow_animals(whole, TrackingConfig(candidates="window", window_frames=2, **changes))
    for item in outcome.review_items:
        rows = Counter(tracks.track[tracks.frame_idx >= item.frame - 100].tolist())
        assert item.expected_errors <= item.frames <= sum(rows[track] for track in item.tracks)


@pytest.mark.parametrize("seed", range(4))
def test_rows_from_an_ambiguous_link_on_are_counted_through_connected_tracks(seed):
    """Against the finished table."""
    whole = make_recording(seed)
    config = TrackingConfig(candidates="window", window_frames=2, animals=3, connect_breaks=True)
    tracks, outcome = follow_animals(whole, config)
    alone = [item for item in outcome.review_items if len(item.tracks) == 1]
    for item in alone:
        rows = np.sum(tracks.track == item.tracks[0])
        assert item.frames <= rows
