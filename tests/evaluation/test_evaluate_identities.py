"""Right names, on cases counted by hand."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseflow.config import EvaluationConfig
from poseflow.core.skeleton import Skeleton
from poseflow.evaluation import PredictedPoses, evaluate_identities, match_poses

SKELETON = Skeleton(nodes=("nose", "tail"))
POSE = np.array([[0, 0], [30, 40]], np.float32)
NAMES = ("anna", "bert")


@dataclass
class Labels:
    video: str
    frame_idx: int
    points: np.ndarray
    identities: tuple


def measure(*frames, names=NAMES, video="a"):
    """Frames as (labels, found): each a list of (place, name); animals stand 300 px apart."""
    truth, found = [], {}
    for number, sides in enumerate(frames):
        labeled, given = ([(POSE + 300 * place, name) for place, name in side] for side in sides)
        points = np.array([pose for pose, _ in labeled], np.float32).reshape(-1, 2, 2)
        truth.append(Labels(video, number, points, tuple(name for _, name in labeled)))
        points = np.array([pose for pose, _ in given], np.float32).reshape(-1, 2, 2)
        found[video, number] = PredictedPoses(points, np.ones(len(points)), tuple(name for _, name in given))
    return evaluate_identities(match_poses(truth, found, SKELETON, EvaluationConfig(), coco=True), names)


def test_every_labeled_animal_counts_and_only_the_right_name_is_right():
    metrics = measure(
        ([(0, "anna"), (1, "bert")], [(1, "bert"), (0, "anna")]),
        ([(0, "anna"), (1, "bert")], [(0, "bert"), (1, "anna")]),
        ([(0, "anna"), (1, "bert")], [(1, None)]),
    )
    assert (metrics["correct"], metrics["animals"], metrics["accuracy"]) == (2, 6, pytest.approx(1 / 3))
    assert metrics["confusion"] == {
        "labels": ["anna", "bert"],
        "predicted": ["anna", "bert", "unnamed", "not detected"],
        "counts": [[1, 1, 0, 1], [1, 1, 1, 0]],
    }
    assert metrics["videos"] == {"a": {"accuracy": pytest.approx(1 / 3), "correct": 2, "animals": 6}}


def test_a_name_in_another_place_is_no_right_one():
    """The pose is nearest to anna of all, and still 300 px away: she was missed."""
    metrics = measure(([(0, "anna")], [(1, "anna")]))
    assert metrics["accuracy"] == 0
    assert metrics["confusion"]["counts"] == [[0, 0, 0, 1]]


def test_animals_without_a_name_in_the_labels_do_not_count():
    assert measure(([(0, None), (1, "bert")], [(0, "anna"), (1, "bert")]))["animals"] == 1
    assert measure(([(0, None)], [(0, "anna")])) is None


def test_an_animal_whom_the_models_do_not_know_is_never_right():
    metrics = measure(([(0, "carl")], [(0, "anna")]))
    assert (metrics["accuracy"], metrics["confusion"]["labels"]) == (0, ["carl"])


def test_models_that_name_nobody_are_not_measured():
    assert measure(([(0, "anna")], [(0, None)]), names=()) is None


@given(st.lists(st.tuples(st.permutations(NAMES), st.permutations(NAMES), st.integers(0, 2)), min_size=1, max_size=6))
def test_rows_of_the_confusion_matrix_are_all_animals_and_its_diagonal_the_right_ones(frames):
    scenes = [(list(enumerate(true)), list(enumerate(given))[:count]) for true, given, count in frames]
    metrics = measure(*scenes)
    counts = np.array(metrics["confusion"]["counts"])
    assert counts.sum() == metrics["animals"] == 2 * len(frames)
    assert np.trace(counts) == metrics["correct"]
    assert metrics["correct"] == sum(
        true[place] == given[place] for true, given, count in frames for place in range(count)
    )
