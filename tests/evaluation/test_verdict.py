"""What is said of accuracy: of one animal by pixels, of several by mAP too."""

import numpy as np
import pytest

from poseflow.config import EvaluationConfig
from poseflow.core.skeleton import Skeleton
from poseflow.evaluation import PredictedPoses, evaluate_poses, find_concerns, say_accuracy
from poseflow.labels import FrameLabels

SKELETON = Skeleton(nodes=("nose", "paw", "tail"))
BODY = np.array([[200, 100], [160, 110], [40, 100]], np.float32)
"""An animal 160 px long and 10 px high, whose box has little area."""


def measure(errors_px, animals=1, frames=20):
    """Each node is so far off, in a direction that changes from frame to frame."""
    truth, found = [], {}
    for number, angle in enumerate(np.linspace(0, 2 * np.pi, frames, endpoint=False)):
        poses = np.stack([BODY + np.array([0, 150 * place]) for place in range(animals)]).astype(np.float32)
        shift = np.array(errors_px, np.float32)[:, None] * np.array([np.cos(angle), np.sin(angle)], np.float32)
        truth.append(FrameLabels("cage.mp4", number, poses, (None,) * animals))
        found["cage.mp4", number] = PredictedPoses(poses + shift, np.ones(animals, np.float32))
    return evaluate_poses(truth, found, SKELETON, EvaluationConfig())


def test_small_errors_of_one_animal_need_no_look_whatever_its_map():
    metrics = measure([4.5, 4.5, 4.5])
    assert metrics["map_coco"] < 0.5, "what would be called far off"
    assert find_concerns(metrics) == []
    said = say_accuracy(metrics)
    assert "within 4.5 px of their labels, 90 % within 4.5 px" in said
    assert "0.0 % within 2 px, 100.0 % within 5 px" in said
    assert "mAP" not in said


def test_a_paw_far_off_needs_a_look():
    (concern,) = find_concerns(measure([2.2, 51, 2.2]))
    assert "paw (0.0 % near, 90 % of those predicted within 51.0 px)" in concern
    assert "nose" not in concern and "tail" not in concern


def test_a_node_that_is_never_found_needs_a_look():
    (concern,) = find_concerns(measure([1, np.nan, 1]))
    assert "paw (0.0 % near, never predicted)" in concern


def test_an_animal_that_is_far_off_altogether_needs_a_look():
    concerns = find_concerns(measure([20, 20, 20]))
    assert concerns[0].startswith("Predictions are far from the labels of the test frames: half are more than 20.0 px")


def test_of_several_animals_map_is_told_and_counts():
    metrics = measure([5, 5, 5], animals=2)
    assert metrics["map_coco"] < 0.5
    assert "mAP is" in find_concerns(metrics)[0]
    assert say_accuracy(metrics).endswith(f"mAP {metrics['map_coco']:.3f}")


@pytest.mark.parametrize("animals", [1, 2])
def test_nothing_found_is_told(animals):
    poses = np.stack([BODY] * animals)
    metrics = evaluate_poses([FrameLabels("v", 0, poses, (None,) * animals)], {}, SKELETON, EvaluationConfig())
    assert say_accuracy(metrics) == f"none of {animals} labeled animal{'s' * (animals > 1)} was detected"
    assert "100.0 % of the labeled animals in the test frames were not detected." in find_concerns(metrics)


def test_a_skeleton_of_one_node_goes_by_pixels():
    truth = [FrameLabels("v", number, np.full((2, 1, 2), 50, np.float32), (None,) * 2) for number in range(5)]
    found = {("v", number): PredictedPoses(np.full((2, 1, 2), 52, np.float32), np.ones(2)) for number in range(5)}
    metrics = evaluate_poses(truth, found, Skeleton(nodes=("body",)), EvaluationConfig())
    assert find_concerns(metrics) == []
    assert "within 2.8 px" in say_accuracy(metrics)
