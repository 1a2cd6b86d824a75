"""Ambiguous links, on cases small enough to draw; and names by appearance and motion together."""

from dataclasses import replace

import numpy as np
import pytest

from poseflow.config import TrackingConfig
from poseflow.core.errors import ConfigError
from poseflow.core.skeleton import Skeleton
from poseflow.tables import Predictions
from poseflow.tracking import Corrections, follow_animals, link_tracks
from poseflow.tracking.linking.ambiguity import (
    CLEAR,
    CROSSED,
    JUMPED,
    AmbiguityLog,
    AmbiguousLink,
    find_ambiguous_links,
)

CONFIG = TrackingConfig(candidates="window")
SKELETON = Skeleton(nodes=("a", "b", "c"))
BODY = np.array([[0, 0], [20, 3], [-18, 4]], np.float32)


@pytest.mark.parametrize(
    ("gains", "matched", "expected"),
    [
        ([{0: 0.9, 1: 0.1}, {0: 0.1, 1: 0.9}], [0, 1], []),
        ([{0: 0.9, 1: 0.8}, {0: 0.8, 1: 0.9}], [0, 1], [("crossing", 0, 1), ("crossing", 1, 0)]),
        ([{0: 0.9, 1: 0.85}], [0], [("crossing", 0, 1)]),
        ([{0: 0.9}, {0: 0.85}], [0, -1], [("crossing", 0, -1)]),
        ([{0: 0.05}], [0], [("jump", 0, -1)]),
        ([{0: 0.9, 1: 0.1}, {1: 0.2}], [0, 1], []),
        ([{}], [3], []),
    ],
    ids=["clear", "might be exchanged", "track left over", "instance left over", "unlike", "one way only", "new"],
)
def test_a_link_is_ambiguous_where_another_gains_as_much_or_it_is_unlike(gains, matched, expected):
    found = find_ambiguous_links(5, gains, matched, [1.0] * len(gains), CONFIG)
    assert [(link.kind, link.track, link.other) for link in found] == expected


def test_the_less_is_gained_the_lower_is_the_confidence_of_a_link():
    confidence = [
        find_ambiguous_links(0, [{0: 0.5 + margin, 1: 0.5}], [0], [1.0], CONFIG)[0].confidence
        for margin in (0.0, 0.1, 0.2, 0.2999)
    ]
    assert confidence == sorted(confidence)
    assert (confidence[0], confidence[-1]) == (CROSSED, pytest.approx(CLEAR, abs=1e-3))


def test_distances_are_weighed_by_the_size_of_the_animal():
    config = TrackingConfig(candidates="window", similarity="centroid")
    near = [{0: 1e6 - 5, 1: 1e6 - 25}]
    assert not find_ambiguous_links(0, near, [0], [50.0], config)
    assert find_ambiguous_links(0, near, [0], [100.0], config)[0].kind == "crossing"
    assert find_ambiguous_links(0, [{0: 1e6 - 95}], [0], [100.0], config)[0].confidence == JUMPED


def test_ambiguous_links_of_a_track_that_are_close_in_time_are_one_at_its_worst_frame():
    log = AmbiguityLog(CONFIG)
    cuts = []
    for frame in range(60):
        ambiguous = [AmbiguousLink(frame, "crossing", 0, 1, 0.9 - 0.01 * frame)] if 10 <= frame < 31 else []
        cuts += [frame for track in log.note(frame, ambiguous, [0, 1]) if track == 0]
    assert cuts == [10, 20, 30], "where it begins, and every ten frames"
    (link,) = log.close()
    assert link.frame == 30


def make_crossing(appearance_right=0.7, frames=60):
    """Two animals that run through each other, and exchange their places by a find that is wrong."""
    numbers = np.arange(frames)
    x = np.stack([100 + 4 * numbers, 340 - 4 * numbers], 1)
    points = np.stack([x, np.broadcast_to([100, 101], x.shape)], 2)[:, :, None] + BODY
    plain = Predictions.from_instances(
        SKELETON, np.repeat(numbers, 2), points.reshape(-1, 3, 2), np.tile([0.9, 0.8], frames)
    )
    appearance = np.tile(
        [[appearance_right, 1 - appearance_right], [1 - appearance_right, appearance_right]], (frames, 1)
    )
    return replace(plain, class_scores=appearance.astype(np.float32), class_names=("anna", "bert"))


def test_names_stay_with_the_looks_where_motion_goes_astray():
    predictions = make_crossing()
    assert len(set(link_tracks(predictions, CONFIG).track[::2])) == 2, "motion alone switches them"
    config = TrackingConfig(identity="per_tracklet", candidates="window", naming={"appearance_window_frames": 3})
    tracks, outcome = follow_animals(predictions, config)
    right = [name == ("anna", "bert")[row % 2] for row, name in zip(tracks.row, tracks.identity, strict=True)]
    assert np.mean(right) > 0.9
    assert all(right[:50]) and all(right[-50:])
    assert all(abs(item.frame - 30) < 15 for item in outcome.review_items)


def test_names_that_looks_do_not_tell_are_not_given():
    tracks, outcome = follow_animals(make_crossing(0.5), TrackingConfig(identity="per_tracklet", candidates="window"))
    assert set(tracks.identity) == {None}
    assert np.isnan(tracks.identity_score).all()
    assert outcome.review_items


def test_two_animals_in_a_frame_never_have_one_name():
    predictions = make_crossing()
    alike = np.tile(np.array([[0.9, 0.1], [0.8, 0.2]], np.float32), (60, 1))
    tracks = link_tracks(
        replace(predictions, class_scores=alike), TrackingConfig(identity="per_tracklet", candidates="window")
    )
    for frame in range(60):
        names = [name for name, at in zip(tracks.identity, tracks.frame_idx, strict=True) if at == frame and name]
        assert len(set(names)) == len(names)


def test_who_looks_like_nobody_is_not_named():
    nobody = np.full((120, 2), 0.02, np.float32)
    predictions = replace(make_crossing(), class_scores=nobody)
    assert set(link_tracks(predictions, TrackingConfig(identity="per_tracklet", candidates="window")).identity) == {
        None
    }


def test_what_a_person_says_outweighs_looks():
    config = TrackingConfig(identity="per_tracklet", candidates="window", naming={"piece_frames": 20})
    corrections = Corrections(tracks={50: {100: None}}, names={100: "bert"})
    tracks, _ = follow_animals(make_crossing(), config, corrections)
    named = dict(zip(tracks.row.tolist(), tracks.identity, strict=True))
    assert (named[100], named[101]) == ("bert", "anna")
    assert (named[0], named[1]) == ("anna", "bert")


def test_names_by_tracklets_need_models_that_tell_animals_apart():
    plain = Predictions.from_instances(SKELETON, [0], [BODY])
    with pytest.raises(ConfigError, match=r"tracking\.identity must be none .*got per_tracklet"):
        link_tracks(plain, TrackingConfig(identity="per_tracklet", candidates="window"))
