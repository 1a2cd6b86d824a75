"""Tracking from tables alone: right on cases small enough to draw, equal to a plain twin, blind to how rows are cut."""

import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseflow.config import TrackingConfig
from poseflow.core.errors import ConfigError
from poseflow.core.skeleton import Skeleton
from poseflow.tables import Predictions, iter_predictions, read_predictions, write_predictions
from poseflow.tracking import follow_animals, link_tracks

sys.path.insert(0, str(Path(__file__).parent))
from twin import link_plainly

NODES = 4
SKELETON = Skeleton(nodes=tuple("abcd"))
BODY = np.array([[0, 0], [20, 2], [-20, 4], [3, 11]], np.float32)
WINDOW = {"candidates": "window"}


def make_predictions(where: dict[int, list], **changes) -> Predictions:
    """Bodies whose first node lies at the places given for each frame."""
    frame_idx = [frame for frame, places in where.items() for _ in places]
    points = [BODY + np.array(place[:2]) for places in where.values() for place in places]
    scores = [place[2] if len(place) > 2 else 0.9 for places in where.values() for place in places]
    frames = [(0, max(where) + 1)]
    points = np.array(points).reshape(-1, NODES, 2)
    plain = Predictions.from_instances(SKELETON, frame_idx, points, scores, frames)
    return replace(plain, **{"point_scores": plain.point_scores * plain.score[:, None], **changes})


def tracks_by_frame(predictions: Predictions, config: TrackingConfig) -> dict[int, dict[float, int]]:
    """Frame → {x of the first node: track}."""
    tracks = link_tracks(predictions, config)
    found: dict[int, dict[float, int]] = {}
    for row, frame, track in zip(tracks.row, tracks.frame_idx, tracks.track, strict=True):
        found.setdefault(int(frame), {})[float(predictions.points[row, 0, 0])] = int(track)
    return found


@pytest.mark.parametrize("similarity", ["centroid", "oks", "iou", "normalized"])
@pytest.mark.parametrize("matching", ["hungarian", "greedy"])
def test_two_animals_keep_their_tracks(similarity, matching):
    where = {frame: [(100 + 5 * frame, 100), (300 - 5 * frame, 150)] for frame in range(30)}
    found = tracks_by_frame(make_predictions(where), TrackingConfig(similarity=similarity, matching=matching, **WINDOW))
    first, second = found[0][100], found[0][300]
    assert {first, second} == {0, 1}
    assert all(found[frame] == {100 + 5 * frame: first, 300 - 5 * frame: second} for frame in range(30) if frame != 20)


def test_hungarian_takes_the_best_total_and_greedy_the_best_pair():
    predictions = make_predictions({0: [(100, 0, 0.9), (110, 0, 0.8)], 1: [(109, 0), (130, 0)]})
    assert tracks_by_frame(predictions, TrackingConfig(similarity="centroid", **WINDOW))[1] == {109: 0, 130: 1}
    greedy = TrackingConfig(similarity="centroid", matching="greedy", **WINDOW)
    assert tracks_by_frame(predictions, greedy)[1] == {109: 1, 130: 0}


def test_a_gap_within_the_window_starts_a_tracklet_but_no_track():
    predictions = make_predictions({0: [(100, 0)], 1: [(100, 0)], 4: [(102, 0)], 5: [(102, 0)]})
    tracks = link_tracks(predictions, TrackingConfig(window_frames=3, **WINDOW))
    assert tracks.track.tolist() == [0, 0, 0, 0]
    assert tracks.tracklet.tolist() == [0, 0, 1, 1]


def test_a_gap_beyond_the_window_starts_a_track():
    predictions = make_predictions({0: [(100, 0)], 4: [(100, 0)]})
    config = TrackingConfig(window_frames=3, max_gap_frames=0, **WINDOW)
    assert link_tracks(predictions, config).track.tolist() == [0, 1]


def test_with_all_tracks_taken_a_newcomer_resumes_the_nearest_lost_one():
    predictions = make_predictions({0: [(100, 0, 0.9), (300, 0, 0.8)], 50: [(280, 0), (120, 0)]})
    found = tracks_by_frame(predictions, TrackingConfig(max_tracks=2, **WINDOW))
    assert found[50] == {280: 1, 120: 0}


def test_no_more_tracks_than_allowed():
    predictions = make_predictions({0: [(100, 0)], 1: [(100, 0, 0.9), (300, 0, 0.8)], 2: [(100, 0)]})
    found = tracks_by_frame(predictions, TrackingConfig(max_tracks=1, **WINDOW))
    assert found == {0: {100: 0}, 1: {100: 0}, 2: {100: 0}}


def test_of_a_known_number_of_animals_the_best_are_kept():
    predictions = make_predictions({0: [(100, 0, 0.5), (300, 0, 0.9), (500, 0, 0.7)], 1: [(300, 0)]})
    assert set(tracks_by_frame(predictions, TrackingConfig(animals=2, **WINDOW))[0]) == {300, 500}


def test_a_hidden_animal_keeps_its_track_as_long_as_allowed():
    predictions = make_predictions({0: [(100, 0, 0.9), (300, 0, 0.8)], 1: [(300, 0)], 20: [(300, 0, 0.9), (110, 0)]})
    hidden = {"window_frames": 2, "similarity": "centroid", "max_distance_px": 50, "candidates": "window"}
    assert tracks_by_frame(predictions, TrackingConfig(max_gap_frames=18, **hidden))[20] == {300: 1, 110: 0}
    assert tracks_by_frame(predictions, TrackingConfig(max_gap_frames=None, **hidden))[20] == {300: 1, 110: 0}
    assert tracks_by_frame(predictions, TrackingConfig(max_gap_frames=17, **hidden))[20] == {300: 1, 110: 2}


def test_an_animal_in_view_keeps_its_track_from_one_that_was_hidden_nearer():
    predictions = make_predictions({0: [(100, 0, 0.9), (140, 0, 0.8)], **{f: [(130, 0)] for f in range(1, 9)}})
    config = TrackingConfig(similarity="centroid", max_gap_frames=None, window_frames=2, **WINDOW)
    assert tracks_by_frame(predictions, config)[8] == {130: 1}


def test_a_median_of_candidates_is_not_swayed_by_one_bad_pose():
    bad = {0: [(100, 0, 0.9), (160, 0, 0.8)], 1: [(100, 0, 0.9), (160, 0, 0.8)], 2: [(130, 0, 0.9), (160, 0, 0.8)]}
    predictions = make_predictions({**bad, 3: [(131, 0)]})
    robust = TrackingConfig(similarity="centroid", quantile=0.5, **WINDOW)
    assert tracks_by_frame(predictions, robust)[3] == {131: 1}
    assert tracks_by_frame(predictions, robust.model_copy(update={"quantile": 1.0}))[3] == {131: 0}


def test_animals_that_cross_while_unseen_keep_their_tracks_by_their_speed():
    where = {f: [(100 + 10 * f, 100, 0.9), (300 - 10 * f, 100, 0.8)] for f in range(20) if not 7 <= f <= 12}
    kalman = TrackingConfig(candidates="kalman", similarity="centroid", window_frames=8, kalman={"damping": 1.0})
    found = tracks_by_frame(make_predictions(where), kalman)
    assert found[19] == {290: 0, 110: 1}
    window = TrackingConfig(similarity="centroid", window_frames=8, **WINDOW)
    assert tracks_by_frame(make_predictions(where), window)[19] == {290: 1, 110: 0}, "where it was misleads"


def test_a_track_that_replaced_another_becomes_it_once_all_animals_are_in_view():
    where = {f: [(100, 0, 0.9), (300, 0, 0.8)] for f in range(3)} | {f: [(100, 0)] for f in range(3, 20)}
    where |= {f: [(100, 0, 0.9), (500, 0, 0.8)] for f in range(20, 23)}
    config = TrackingConfig(animals=2, max_gap_frames=0, **WINDOW)
    found = tracks_by_frame(make_predictions(where), config.model_copy(update={"connect_breaks": True}))
    assert found[22] == {100: 0, 500: 1}
    assert tracks_by_frame(make_predictions(where), config)[22] == {100: 0, 500: 2}


def test_breaks_need_the_number_of_animals():
    with pytest.raises(ValueError, match="animals must be the known number"):
        TrackingConfig(connect_breaks=True)


def test_low_scores_and_few_points_are_left_out():
    predictions = make_predictions({0: [(100, 0, 0.9), (300, 0, 0.1), (500, 0, 0.8)]})
    points = predictions.points.copy()
    points[1, 1:] = np.nan
    config = TrackingConfig(min_instance_score=0.2, min_points=2, **WINDOW)
    assert list(tracks_by_frame(replace(predictions, points=points), config)[0]) == [100]


def test_a_low_score_continues_a_track_but_opens_none():
    predictions = make_predictions({0: [(100, 0, 0.9)], 1: [(100, 0, 0.3), (400, 0, 0.2)]})
    found = tracks_by_frame(predictions, TrackingConfig(min_instance_score=0, min_new_track_score=0.5, **WINDOW))
    assert found == {0: {100: 0}, 1: {100: 0}}


def test_flow_takes_an_animal_along():
    """Two animals swap places between frames; only flow knows."""
    predictions = make_predictions({0: [(100, 0, 0.9), (200, 0, 0.8)], 1: [(100, 0, 0.9), (200, 0, 0.8)]})
    shifted = np.repeat(predictions.points[:, None], 1, axis=1)
    shifted[:2] = shifted[[1, 0]]
    predictions = replace(predictions, shifted=shifted)
    assert tracks_by_frame(predictions, TrackingConfig(window_frames=1))[1] == {100: 1, 200: 0}
    assert tracks_by_frame(predictions, TrackingConfig(window_frames=1, **WINDOW))[1] == {100: 0, 200: 1}


def test_an_animal_that_flow_lost_is_sought_where_it_was():
    predictions = make_predictions({0: [(100, 0)], 1: [(101, 0)]})
    predictions = replace(predictions, shifted=np.full((2, 1, NODES, 2), np.nan, np.float32))
    assert link_tracks(predictions, TrackingConfig(window_frames=1)).track.tolist() == [0, 0]


@pytest.mark.parametrize(
    "limit",
    [
        {"similarity": "centroid", "max_distance_px": 20},
        {"similarity": "oks", "max_distance_px": 20},
        {"similarity": "oks", "min_similarity": 0.01},
        {"similarity": "iou", "min_similarity": 0.1},
    ],
    ids=str,
)
def test_pairs_too_unlike_are_never_linked(limit):
    predictions = make_predictions({0: [(100, 0)], 1: [(115, 0)], 2: [(180, 0)]})
    assert link_tracks(predictions, TrackingConfig(**limit, **WINDOW)).track.tolist() == [0, 0, 1]


@pytest.mark.parametrize("similarity", ["centroid", "oks", "iou"])
def test_of_pairs_alike_in_nothing_the_nearer_is_linked(similarity):
    predictions = make_predictions({0: [(0, 0, 0.9), (5000, 0, 0.8)], 1: [(3000, 0, 0.9), (9000, 0, 0.8)]})
    found = tracks_by_frame(predictions, TrackingConfig(similarity=similarity, **WINDOW))
    assert found[1] == {3000: 0, 9000: 1}


def test_flow_that_reaches_less_far_than_the_window_is_an_error():
    with pytest.raises(ConfigError, match=r"window_frames must be at most predict\.flow\.window_frames.* 0 .*got 5"):
        link_tracks(make_predictions({0: [(0, 0)]}), TrackingConfig())


@pytest.mark.parametrize("where", [{0: []}, {0: [(5, 5, 0.0)]}])
def test_nothing_to_track_is_no_tracks(where):
    assert len(link_tracks(make_predictions(where), TrackingConfig(min_instance_score=0.1, **WINDOW))) == 0


def make_crowd(seed: int, frames: int = 40, lags: int = 3) -> Predictions:
    """Up to four animals that wander, vanish and crowd; points missing; flow lost here and there."""
    rng = np.random.default_rng(seed)
    paths = np.cumsum(rng.normal(0, 6, (frames, 4, 2)), axis=0) + rng.uniform(0, 60, (4, 2))
    seen = rng.random((frames, 4)) < rng.choice([0.5, 0.9])
    seen[rng.random(frames) < 0.15] = False
    frame_idx, animal = np.nonzero(seen)
    points = (paths[frame_idx, animal][:, None] + BODY + rng.normal(0, 1, (len(animal), NODES, 2))).astype(np.float32)
    points[rng.random(points.shape[:2]) < 0.2] = np.nan
    plain = Predictions.from_instances(SKELETON, frame_idx, points, rng.random(len(animal)), [(0, frames)])
    shifted = plain.points[:, None] + rng.normal(0, 3, (len(plain), lags, NODES, 2)).astype(np.float32)
    shifted[rng.random(shifted.shape[:2]) < 0.1] = np.nan
    sure = rng.random(plain.point_scores.shape, np.float32) * (plain.point_scores > 0)
    return replace(plain, shifted=shifted, point_scores=sure)


def test_a_pose_of_which_hardly_anything_is_sure_is_no_animal():
    where = {frame: [(10, 10, 0.36), (60, 60, 0.34)] for frame in range(3)}
    predictions = make_predictions(where)
    unsure = replace(predictions, point_scores=np.full((6, NODES), 0.4, np.float32))
    assert link_tracks(unsure, TrackingConfig(**WINDOW)).row.tolist() == [0, 2, 4]
    assert len(link_tracks(unsure, TrackingConfig(min_instance_score=0, **WINDOW))) == 6
    partial = replace(predictions, point_scores=np.full((6, NODES), 0.9, np.float32))
    assert len(link_tracks(partial, TrackingConfig(**WINDOW))) == 6, "few points, but these are sure"
    assert len(link_tracks(unsure, TrackingConfig(min_instance_score=0.5, min_partial_score=0.3, **WINDOW))) == 0


configs = st.builds(
    lambda animals, max_tracks, connect_breaks, **rest: TrackingConfig(
        animals=animals,
        max_tracks=max_tracks and max(max_tracks, animals or 0),
        connect_breaks=connect_breaks and animals is not None,
        **rest,
    ),
    candidates=st.sampled_from(["flow", "window", "kalman"]),
    similarity=st.sampled_from(["centroid", "oks", "iou", "normalized"]),
    quantile=st.sampled_from([1.0, 0.5]),
    max_gap_frames=st.sampled_from([0, 0, 6, None]),
    connect_breaks=st.booleans(),
    matching=st.sampled_from(["hungarian", "greedy"]),
    window_frames=st.integers(1, 3),
    min_similarity=st.sampled_from([0.0, 0.3]),
    max_distance_px=st.sampled_from([None, 25.0]),
    max_tracks=st.sampled_from([None, 2, 4]),
    animals=st.sampled_from([None, 2, 3]),
    min_instance_score=st.sampled_from([0.0, 0.2, 0.5]),
    min_partial_score=st.sampled_from([0.0, 0.6]),
    min_new_track_score=st.sampled_from([0.0, 0.5]),
    min_points=st.sampled_from([1, 2]),
)


@pytest.mark.slow
@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), config=configs)
def test_fast_and_plain_tracker_agree(seed, config):
    if config.max_tracks is None:
        config = config.model_copy(update={"max_tracks": 5})  # the plain one tries every matching
    predictions = make_crowd(seed)
    tracks = link_tracks(predictions, config)
    found = dict(
        zip(tracks.row.tolist(), zip(tracks.track.tolist(), tracks.tracklet.tolist(), strict=True), strict=True)
    )
    assert found == link_plainly(predictions, config)


@pytest.mark.slow
@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), config=configs, block_rows=st.integers(1, 60))
def test_tracks_do_not_depend_on_blocks(seed, config, block_rows):
    predictions = make_crowd(seed)
    whole = link_tracks(predictions, config)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("poseflow.tracking.tracker.BLOCK_ROWS", block_rows)
        cut = link_tracks(predictions, config)
    for name in ("row", "frame_idx", "track", "tracklet"):
        np.testing.assert_array_equal(getattr(cut, name), getattr(whole, name))


@pytest.mark.parametrize("batch_frames", [1, 7, 1000])
def test_tracks_of_shards_are_those_of_the_whole(tmp_path, batch_frames):
    whole = make_crowd(3, frames=60)
    for name, (start, stop) in {"a": (0, 20), "b": (20, 21), "c": (21, 60)}.items():
        rows = (whole.frame_idx >= start) & (whole.frame_idx < stop)
        arrays = ("frame_idx", "score", "points", "point_scores", "shifted", "class_scores", "hidden")
        shard = replace(whole, **{array: getattr(whole, array)[rows] for array in arrays}, frames=((start, stop),))
        write_predictions(shard, tmp_path / name)
    config = TrackingConfig(window_frames=3)
    expected = link_tracks(whole, config)
    blocks = iter_predictions([tmp_path / "c", tmp_path / "a", tmp_path / "b"], batch_frames)
    found = link_tracks(blocks, config)
    for name in ("row", "frame_idx", "track", "tracklet"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


@cache
def read_animals(path: Path) -> tuple[tuple[str, ...], list[tuple[int, np.ndarray, int]]]:
    """Nodes; and frame, points and track's number of each labeled animal."""
    import sleap_io

    found = sleap_io.load_slp(str(path), open_videos=False)
    numbers = {track: number for number, track in enumerate(found.tracks)}
    nodes = tuple(found.skeletons[0].node_names)
    animals = [
        (frame.frame_idx, instance.numpy(), numbers[instance.track])
        for frame in found
        for instance in frame.instances
        if instance.track is not None
    ]
    return nodes, animals


@pytest.mark.parametrize(
    ("labels", "animals"),
    [("courtship/courtship_part1.slp", 2), ("flies13/flies13_part1.slp", 2), ("tracking/animals.slp", 4)],
)
@pytest.mark.parametrize("similarity", ["oks", "centroid"])
@pytest.mark.parametrize("candidates", ["window", "kalman"])
@pytest.mark.parametrize("missed", [0.0, 0.1], ids=["all seen", "one in ten missed"])
def test_real_animals_are_never_switched(real_data, labels, animals, similarity, candidates, missed):
    rng = np.random.default_rng(0)
    nodes, labeled = read_animals(real_data / labels)
    instances = [animal for animal in labeled if rng.random() >= missed]
    frame_idx, points, names = zip(*sorted(instances, key=lambda instance: instance[0]), strict=True)
    predictions = Predictions.from_instances(Skeleton(nodes=nodes), frame_idx, points)
    tracks = link_tracks(predictions, TrackingConfig(candidates=candidates, similarity=similarity, min_points=1))
    assert len(tracks) == len(instances)
    pairs = set(zip(np.array(names)[tracks.row].tolist(), tracks.track.tolist(), strict=True))
    assert len(pairs) == animals


@pytest.mark.parametrize(
    ("labels", "animals", "known"),
    [
        ("fly_pair/centered_pair_predictions.slp", ("1", "2"), "animals"),
        ("tracking/two_flies_noisy_detections.slp", ("M", "F"), "max_tracks"),
    ],
    ids=["surplus finds have low scores", "nothing has a score"],
)
@pytest.mark.parametrize("candidates", ["window", "kalman"])
def test_of_fragments_and_false_finds_two_whole_animals_are_made(real_data, labels, animals, known, candidates):
    import sleap_io

    found = sleap_io.load_slp(str(real_data / labels), open_videos=False)
    rows = [(frame.frame_idx, instance) for frame in found for instance in frame.instances]
    np.random.default_rng(0).shuffle(rows)
    scores = np.array([getattr(instance, "score", 1.0) for _, instance in rows], np.float32)
    order = np.lexsort((-scores, [frame for frame, _ in rows]))
    names = [instance.track.name if instance.track else None for _, instance in (rows[i] for i in order)]
    skeleton = Skeleton(nodes=tuple(found.skeletons[0].node_names))
    predictions = Predictions.from_instances(
        skeleton, [frame for frame, _ in rows], [instance.numpy() for _, instance in rows], scores
    )
    assert len(set(names)) > 2
    tracks = link_tracks(predictions, TrackingConfig(candidates=candidates, min_points=1, **{known: 2}))
    pairs = {(names[row], track) for row, track in zip(tracks.row.tolist(), tracks.track.tolist(), strict=True)}
    assert len(pairs) == 2
    assert {name for name, _ in pairs} == set(animals)
    assert len(tracks) == sum(name in animals for name in names)


def of_one_node(frames, similarity="oks"):
    """Two animals of one node, 40 px apart, that move 12 px a frame."""
    x = np.stack([12 * np.arange(frames), 40 + 12 * np.arange(frames)], 1)
    points = np.stack([x, np.full(x.shape, 50)], 2).reshape(-1, 1, 2)
    return Predictions.from_instances(
        Skeleton(nodes=("body",)), np.repeat(np.arange(frames), 2), points, np.tile([0.9, 0.8], frames), [(0, frames)]
    )


@pytest.mark.parametrize("similarity", ["oks", "iou", "normalized", "centroid"])
@pytest.mark.parametrize("min_similarity", [0.0, 0.5])
def test_animals_of_one_node_are_linked_by_distance(similarity, min_similarity):
    config = TrackingConfig(candidates="window", similarity=similarity, min_similarity=min_similarity)
    tracks, outcome = follow_animals(of_one_node(50), config)
    np.testing.assert_array_equal(tracks.track, np.tile([0, 1], 50))
    assert not [item for item in outcome.review_items if item.kind == "jump"]


def test_more_points_than_there_are_nodes_cannot_be_asked_for():
    predictions = of_one_node(3)
    link_tracks(predictions, TrackingConfig(candidates="window", min_points=2))
    points = np.tile(predictions.points, (1, 2, 1))
    two = Predictions.from_instances(Skeleton(nodes=("a", "b")), predictions.frame_idx, points, frames=[(0, 3)])
    with pytest.raises(ConfigError, match=r"tracking\.min_points must be at most the number of nodes, 2, got 3"):
        link_tracks(two, TrackingConfig(candidates="window", min_points=3))


def test_one_node(case):
    folder = case("one_node")
    tracks = link_tracks(read_predictions([folder / "pred.parquet"]), TrackingConfig(candidates="window"))
    assert (len(tracks.row), set(tracks.track)) == (100, {0, 1}), "two animals, far from each other"
