"""Figures of tracking, on cases counted by hand."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseflow.config import EvaluationConfig, TrackingConfig
from poseflow.core.similarity import score_node_distance
from poseflow.core.skeleton import Skeleton
from poseflow.evaluation import Trajectories, evaluate_tracks
from poseflow.evaluation.clear_mot import ClearMot
from poseflow.evaluation.mot import count_interval, measure_tracks
from poseflow.tables import Predictions
from poseflow.tracking import link_tracks

BODY = np.array([[0, 0], [20, 0], [10, 5]], np.float32)
SKELETON = Skeleton(nodes=("a", "b", "c"))
APART = 300
match = ClearMot._match


@dataclass
class Labels:
    frame_idx: int
    points: np.ndarray
    identities: tuple


def make_truth(frames: int) -> Trajectories:
    points = np.stack([BODY, BODY + APART])
    return Trajectories.from_labels([Labels(frame, points, ("female", "male")) for frame in range(frames)])


def make_found(numbers: list[tuple]) -> Trajectories:
    """For each frame the tracks of the first and the second animal, None where it was not found."""
    rows = [
        (frame, number, BODY + APART * place)
        for frame, both in enumerate(numbers)
        for place, number in enumerate(both)
        if number is not None
    ]
    frame_idx, number, points = zip(*rows, strict=True) if rows else ([], [], np.empty((0, 3, 2)))
    return Trajectories(np.array(frame_idx), np.array(number), np.array(points), np.arange(len(numbers)))


def measure(numbers: list[tuple]) -> dict:
    return evaluate_tracks(make_truth(len(numbers)), make_found(numbers))


def test_perfect_tracks():
    metrics = measure([(5, 9)] * 10)
    assert (metrics["switches"], metrics["switch_frames"], metrics["fragments"]) == (0, [], 0)
    assert (metrics["mota"], metrics["idf1"], metrics["false_negatives"], metrics["false_positives"]) == (1, 1, 0, 0)
    assert (metrics["frames"], metrics["animals"], metrics["tracks"], metrics["matches"]) == (10, 2, 2, 20)


def test_animals_that_change_places_are_two_switches_in_one_frame():
    metrics = measure([(0, 1)] * 4 + [(1, 0)] * 6)
    assert (metrics["switches"], metrics["switch_frames"]) == (2, [4])
    assert metrics["switches_per_100k_frames"] == pytest.approx(20_000)
    assert metrics["idf1"] == pytest.approx(0.6)


def test_a_new_track_after_a_gap_is_a_switch_a_miss_and_a_fragment():
    metrics = measure([(0, 1)] * 3 + [(0, None)] + [(0, 2)] * 3)
    assert (metrics["switches"], metrics["false_negatives"], metrics["fragments"]) == (1, 1, 1)
    assert metrics["mota"] == pytest.approx(1 - 2 / 14)


def test_a_track_where_no_animal_is_counts_as_false():
    found = make_found([(0, 1)] * 5)
    found.points[1] += 5000
    metrics = evaluate_tracks(make_truth(5), found)
    assert (metrics["false_negatives"], metrics["false_positives"]) == (1, 1)


def test_only_frames_that_both_looked_at_count():
    truth, found = make_truth(10), make_found([(0, 1)] * 6)
    assert evaluate_tracks(truth, found)["frames"] == 6
    assert evaluate_tracks(truth, found)["false_negatives"] == 0


@pytest.mark.parametrize("numbers", [[], [(None, None)] * 3], ids=["no frames", "nothing found"])
def test_nothing_to_measure_can_be_told_as_json(numbers):
    metrics = measure(numbers)
    json.dumps(metrics, allow_nan=False)
    assert metrics["motp_px"] is None


def test_distance_is_the_mean_over_the_nodes_that_both_have():
    other = BODY + np.array([3, 4], np.float32)
    other[0] = np.nan
    assert score_node_distance(BODY[None], other[None]) == pytest.approx(5)
    assert np.isnan(score_node_distance(BODY[None], np.full((1, 3, 2), np.nan))).all()


def test_tracks_of_predictions_are_measured_by_their_labels():
    frame_idx = np.repeat(np.arange(20), 2)
    points = np.tile(np.stack([BODY, BODY + APART]), (20, 1, 1))
    predictions = Predictions.from_instances(SKELETON, frame_idx, points, np.tile([0.8, 0.9], 20), [(0, 20)])
    tracks = link_tracks(predictions, TrackingConfig(candidates="window"))
    metrics = evaluate_tracks(make_truth(20), Trajectories.from_tracks(predictions, tracks), EvaluationConfig())
    assert (metrics["switches"], metrics["mota"], metrics["tracks"]) == (0, 1, 2)


@st.composite
def crowds(draw):
    """Animals that come near each other, and tracks of them that break, swap, vanish and are invented."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    frames, animals = draw(st.integers(1, 40)), draw(st.integers(1, 4))
    events = draw(st.sampled_from([0.0, 0.05, 0.3]))
    paths = np.cumsum(rng.normal(0, 3, (frames, animals, 2)), axis=0) + rng.uniform(0, 60, (animals, 2))
    rows, track = [], np.arange(animals)
    for frame in range(frames):
        if rng.random() < events:
            track = rng.permutation(track)
        if rng.random() < events:
            track[rng.integers(animals)] = 10 + frame
        seen = rng.random(animals) >= events
        rows += [(frame, track[a], paths[frame, a] + rng.normal(0, 2, 2)) for a in range(animals) if seen[a]]
        if rng.random() < events:
            rows.append((frame, 1000 + frame, rng.uniform(0, 60, 2)))
    there = rng.random((frames, animals)) >= events / 2
    frame_idx, number = np.nonzero(there)
    bodies = paths[frame_idx, number][:, None] + BODY
    truth = Trajectories(frame_idx, number, bodies.astype(np.float32), np.arange(frames))
    places = np.array([row[2] for row in rows]).reshape(-1, 1, 2) + BODY
    found_frames = np.array([row[0] for row in rows], np.int64)
    numbers = np.array([row[1] for row in rows], np.int64)
    return truth, Trajectories(found_frames, numbers, places.astype(np.float32), np.arange(frames))


@pytest.mark.slow
@settings(max_examples=40)
@given(crowds(), st.sampled_from([5, 4096]))
def test_long_recordings_have_the_figures_that_motmetrics_gives(crowd, block_frames):
    truth, found = crowd
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("poseflow.evaluation.blocks.BLOCK_FRAMES", block_frames)
        of_motmetrics = measure_tracks(truth, found, truth.frames, 12.0)
        patch.setattr("poseflow.evaluation.mot.MOTMETRICS_FRAMES", 0)
        by_definition = measure_tracks(truth, found, truth.frames, 12.0)
    assert by_definition == {
        name: value if isinstance(value, list) else pytest.approx(value) for name, value in of_motmetrics.items()
    }


def test_an_animal_comes_back_to_its_track_while_another_has_it(monkeypatch):
    near = {0: [0.0, 20.0, 0.0, 0.0], 1: [100.0, 0.0, 5.0, 5.0]}  # px from the one track, of two animals
    truth = Trajectories(
        np.repeat(np.arange(4), 2),
        np.tile([0, 1], 4),
        np.array([BODY + np.array([near[animal][frame], 0]) for frame in range(4) for animal in (0, 1)], np.float32),
        np.arange(4),
    )
    tracked = Trajectories(np.arange(4), np.full(4, 7), np.tile(BODY, (4, 1, 1)), np.arange(4))
    of_motmetrics = measure_tracks(truth, tracked, truth.frames, 12.0)
    monkeypatch.setattr("poseflow.evaluation.mot.MOTMETRICS_FRAMES", 0)
    assert measure_tracks(truth, tracked, truth.frames, 12.0) == of_motmetrics
    assert (of_motmetrics["motp_px"], of_motmetrics["fragments"]) == (0, 1)


def test_runs_in_which_nothing_happens_are_counted_at_once(monkeypatch):
    matched = []
    monkeypatch.setattr("poseflow.evaluation.mot.MOTMETRICS_FRAMES", 0)
    monkeypatch.setattr(ClearMot, "_match", lambda *args: matched.append(args[1]) or match(*args))
    metrics = measure([(0, 1)] * 50 + [(1, 0)] * 50 + [(1, None)] * 10)
    assert matched == [0, 50, 100]
    assert (metrics["switches"], metrics["matches"], metrics["false_negatives"]) == (2, 208, 10)


def test_the_interval_of_a_count_is_the_exact_one_of_poisson():
    assert count_interval(0) == pytest.approx((0, 3.689), abs=1e-3)
    assert count_interval(10) == pytest.approx((4.795, 18.390), abs=1e-3)


def test_names_are_measured_over_time():
    truth = make_truth(200)
    found = make_found([(0, 1)] * 200)
    wrong = [
        None if frame == 7 else ("female", "male")[place ^ (frame >= 100)] for frame in range(200) for place in (0, 1)
    ]
    named = Trajectories(found.frame_idx, found.number, found.points, found.frames, identities=wrong)
    metrics = evaluate_tracks(truth, named)
    assert metrics["identity_accuracy"] == pytest.approx(198 / 400)
    assert metrics["identity_named"] == pytest.approx(398 / 400)
    assert [share for _, _, share in metrics["identity_over_time"]] == [1, 1, 1, 0.5, *[1] * 46, *[0] * 50]
    assert evaluate_tracks(truth, found)["identity_accuracy"] is None
