"""Figures of tracking, on cases counted by hand."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

from poseflow.config import EvaluationConfig, TrackingConfig
from poseflow.evaluation import Trajectories, evaluate_tracks
from poseflow.evaluation.tracks import score_node_distance
from poseflow.skeleton import Skeleton
from poseflow.tables import Predictions
from poseflow.tracking import link_tracks

BODY = np.array([[0, 0], [20, 0], [10, 5]], np.float32)
SKELETON = Skeleton(nodes=("a", "b", "c"))
APART = 300


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
    assert (metrics["mota"], metrics["idf1"], metrics["misses"], metrics["false_positives"]) == (1, 1, 0, 0)
    assert (metrics["frames"], metrics["animals"], metrics["tracks"], metrics["matches"]) == (10, 2, 2, 20)


def test_animals_that_change_places_are_two_switches_in_one_frame():
    metrics = measure([(0, 1)] * 4 + [(1, 0)] * 6)
    assert (metrics["switches"], metrics["switch_frames"]) == (2, [4])
    assert metrics["switches_per_100k_frames"] == pytest.approx(20_000)
    assert metrics["idf1"] == pytest.approx(0.6)


def test_a_new_track_after_a_gap_is_a_switch_a_miss_and_a_fragment():
    metrics = measure([(0, 1)] * 3 + [(0, None)] + [(0, 2)] * 3)
    assert (metrics["switches"], metrics["misses"], metrics["fragments"]) == (1, 1, 1)
    assert metrics["mota"] == pytest.approx(1 - 2 / 14)


def test_a_track_where_no_animal_is_counts_as_false():
    found = make_found([(0, 1)] * 5)
    found.points[1] += 5000
    metrics = evaluate_tracks(make_truth(5), found)
    assert (metrics["misses"], metrics["false_positives"]) == (1, 1)


def test_only_frames_that_both_looked_at_count():
    truth, found = make_truth(10), make_found([(0, 1)] * 6)
    assert evaluate_tracks(truth, found)["frames"] == 6
    assert evaluate_tracks(truth, found)["misses"] == 0


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
