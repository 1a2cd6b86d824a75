"""Accuracy of poses, on cases counted by hand and against the figures that SLEAP computed itself."""

import json
import pickle
import zipfile
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseflow.config import EvaluationConfig
from poseflow.core.skeleton import Skeleton
from poseflow.evaluation import PredictedPoses, evaluate_poses, match_poses, tabulate_nodes, tabulate_points
from poseflow.evaluation.matches import match_greedily
from poseflow.evaluation.precision import score_precision

SKELETON = Skeleton(nodes=("nose", "tail"))
POSE = np.array([[0, 0], [30, 40]], np.float32)
"""Its box has 1,200 px²."""


@dataclass
class Labels:
    video: str
    frame_idx: int
    points: np.ndarray

    @property
    def identities(self):
        return (None,) * len(self.points)


def labels_of(*poses, frame_idx=0, video="a") -> Labels:
    return Labels(video, frame_idx, np.array(poses, np.float32).reshape(-1, 2, 2))


def found_of(*poses, scores=None) -> PredictedPoses:
    points = np.array(poses, np.float32).reshape(-1, 2, 2)
    return PredictedPoses(points, np.ones(len(points)) if scores is None else np.array(scores))


def test_perfect_predictions():
    truth = [labels_of(POSE, POSE + 200), labels_of(POSE, frame_idx=7)]
    found = {("a", 0): found_of(POSE + 200, POSE), ("a", 7): found_of(POSE)}
    metrics = evaluate_poses(truth, found, SKELETON)
    for form in ("paper", "coco", "sleap"):
        assert metrics[f"map_{form}"] == metrics[f"mar_{form}"] == pytest.approx(1)
    assert (metrics["frames"], metrics["animals"], metrics["false_negatives"], metrics["false_positives"]) == (
        2,
        3,
        0,
        0,
    )
    assert metrics["errors_px"]["all"]["p99"] == 0
    assert metrics["pck"] == {"2": 1, "5": 1, "10": 1}


def test_forms_differ_in_sigma():
    """Where OKS is 0.76 in COCO's form, the paper's is its fourth power."""
    distance = np.sqrt(-np.log(0.76) * 2 * 1200 * 0.05**2)
    moved = POSE + np.array([distance, 0])
    metrics = evaluate_poses([labels_of(POSE)], {("a", 0): found_of(moved)}, SKELETON)
    assert metrics["oks_mean_coco"] == pytest.approx(0.76, abs=1e-5)
    assert metrics["oks_mean_paper"] == pytest.approx(0.76**4, abs=1e-5)
    assert metrics["mar_coco"] == pytest.approx(0.6)  # reaches 0.50, 0.55, … 0.75 of the ten thresholds
    assert metrics["mar_paper"] == 0


def test_what_is_missed_and_invented_is_counted():
    truth = [labels_of(POSE, POSE + 300), labels_of(frame_idx=1), labels_of(POSE, frame_idx=2)]
    found = {("a", 0): found_of(POSE), ("a", 1): found_of(POSE)}
    metrics = evaluate_poses(truth, found, SKELETON)
    assert (metrics["animals"], metrics["false_negatives"], metrics["false_positives"]) == (3, 2, 1)
    assert metrics["false_negative_share"] == pytest.approx(2 / 3)
    assert [(frame["frame_idx"], frame["oks"]) for frame in metrics["frame_scores"]] == [(0, 0.5), (1, 0), (2, 0)]


def test_invented_animals_lower_precision_in_coco_form_only():
    truth = [labels_of(POSE)]
    found = {("a", 0): found_of(POSE, POSE + 500, scores=[0.5, 0.9])}
    metrics = evaluate_poses(truth, found, SKELETON)
    assert metrics["map_coco"] == pytest.approx(0.5)
    assert metrics["map_sleap"] == metrics["map_paper"] == pytest.approx(1)


def test_missed_and_invented_points():
    hidden = POSE.copy()
    hidden[1] = np.nan
    truth = [labels_of(POSE), labels_of(POSE, frame_idx=1), labels_of(POSE, frame_idx=2)]
    truth[1].points[0, 0] = np.nan
    truth[1].points[0, 1] = [30, 40]
    found = {("a", 0): found_of(hidden), ("a", 2): found_of(POSE)}
    metrics = evaluate_poses(truth, found, SKELETON)
    assert (metrics["points"], metrics["missing_points"], metrics["false_positive_points"]) == (4, 1, 0)
    assert metrics["missing_points_share"] == pytest.approx(1 / 4)
    assert metrics["pck"]["2"] == pytest.approx(3 / 5)  # of the missed animal's node, too


def test_errors_are_given_by_node_in_px_and_mm():
    found = found_of(POSE + np.array([[0, 0], [3, 4]], np.float32))
    metrics = evaluate_poses([labels_of(POSE)], {("a", 0): found}, SKELETON, pixels_per_mm=2.0)
    assert metrics["errors_px"]["nodes"]["nose"]["p50"] == 0
    assert metrics["errors_px"]["nodes"]["tail"]["p50"] == pytest.approx(5)
    assert metrics["errors_mm"]["nodes"]["tail"]["p99"] == pytest.approx(2.5)
    assert metrics["errors_px"]["all"] == pytest.approx(
        {"count": 2, "mean": 2.5, "p50": 2.5, "p75": 3.75, "p90": 4.5, "p95": 4.75, "p99": 4.95}
    )
    table = tabulate_nodes(metrics)
    assert table[["unit", "node"]].values.tolist() == [[u, n] for u in ("px", "mm") for n in ("all", "nose", "tail")]


def test_scale_may_be_known_for_some_videos_only():
    truth = [labels_of(POSE), labels_of(POSE, video="b")]
    found = {("a", 0): found_of(POSE + 1), ("b", 0): found_of(POSE + 2)}
    metrics = evaluate_poses(truth, found, SKELETON, pixels_per_mm={"b": 2.0})
    assert metrics["errors_mm"]["all"]["count"] == 2
    assert metrics["errors_mm"]["all"]["mean"] == pytest.approx(np.sqrt(2))
    assert metrics["videos"]["a"]["errors_mm"] is None
    assert metrics["videos"]["b"]["errors_px"]["mean"] == pytest.approx(np.sqrt(8))


def test_nothing_found_and_nothing_labeled_can_be_told_as_json():
    for truth in ([], [labels_of()], [labels_of(POSE)]):
        metrics = evaluate_poses(truth, {}, SKELETON)
        json.dumps(metrics, allow_nan=False)
        assert metrics["map_paper"] == (0 if truth and len(truth[0].points) else None)
        assert len(tabulate_nodes(metrics)) == 3
        tabulate_points(match_poses(truth, {}, SKELETON, EvaluationConfig(), coco=True), SKELETON)


def test_a_skeleton_of_one_node_is_matched_by_distance():
    skeleton = Skeleton(nodes=("centroid",))
    truth = [Labels("a", 0, np.array([[[0.0, 0]], [[100, 0]]]))]
    found = {("a", 0): PredictedPoses(np.array([[[104.0, 0]], [[60, 0]]]), np.array([0.9, 0.8]))}
    metrics = evaluate_poses(truth, found, skeleton, EvaluationConfig(match_px=50))
    assert metrics["map_paper"] is None
    assert (metrics["false_negatives"], metrics["false_positives"], metrics["errors_px"]["all"]["mean"]) == (1, 1, 4)


def test_points_are_listed_with_their_errors():
    truth = [labels_of(POSE, POSE + 300)]
    matches = match_poses(truth, {("a", 0): found_of(POSE + 1)}, SKELETON, EvaluationConfig(), coco=True)
    table = tabulate_points(matches, SKELETON, 2.0)
    assert table["matched"].tolist() == [True, True, False, False]
    assert table["node"].tolist() == ["nose", "tail"] * 2
    np.testing.assert_allclose(table["error_mm"], [np.sqrt(0.5)] * 2 + [np.nan] * 2, rtol=1e-6)


@pytest.mark.parametrize(
    ("similarity", "scores", "pairs"),
    [
        ([[0.9, 0.8]], [1, 2], {(0, 1)}),
        ([[0.9, 0.8], [0.5, 0.1]], [2, 1], {(0, 0), (1, 1)}),
        ([[0.9, 0.8], [0.5, 0.7]], [1, 2], {(0, 1), (1, 0)}),
        ([[0.0, 0.8]], [2, 1], {(0, 1)}),
        (np.empty((0, 2)), [1, 2], set()),
        (np.empty((2, 0)), [], set()),
    ],
    ids=["best score first", "best of what is left", "score before similarity", "unlike is none", "no truth", "none"],
)
def test_found_instances_choose_in_order_of_their_scores(similarity, scores, pairs):
    assert set(match_greedily(np.array(similarity, np.float64), np.array(scores))) == pairs


@settings(max_examples=60)
@given(
    similarity=st.lists(st.sampled_from([0, 0.3, 0.52, 0.7, 0.93, 1.0]), min_size=1, max_size=12),
    more=st.integers(0, 5),
    seed=st.integers(0, 99),
)
def test_precision_equals_a_plain_twin(similarity, more, seed):
    """Recall by recall, threshold by threshold."""
    rng = np.random.default_rng(seed)
    confidence = rng.permutation(len(similarity)).astype(float)
    truths = len(similarity) + more
    average, recall = score_precision(np.array(similarity, np.float64), confidence, truths)
    ranked = [s for _, s in sorted(zip(-confidence, similarity, strict=True))]
    for place, threshold in enumerate(np.linspace(0.5, 0.95, 10)):
        curve = []
        for count in range(1, len(ranked) + 1):
            right = sum(s >= threshold for s in ranked[:count])
            curve.append((right / truths, right / count))
        best = [max((p for r, p in curve if r >= at), default=0) for at in np.linspace(0, 1, 101)]
        assert average[place] == pytest.approx(np.mean(best))
        assert recall[place] == pytest.approx(curve[-1][0])


class SleapUnpickler(pickle.Unpickler):
    """Reads SLEAP's metrics without SLEAP: its arrays of points are plain arrays here."""

    def find_class(self, module, name):
        if module.startswith("sleap"):
            return type(name, (np.ndarray,), {})
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def read_sleap_metrics(path) -> dict:
    with zipfile.ZipFile(path) as archive, archive.open("metrics.npy") as file:
        np.lib.format.read_magic(file)
        np.lib.format.read_array_header_1_0(file)
        return SleapUnpickler(file, encoding="latin1").load().item()


@pytest.mark.parametrize("side", ["train", "val"])
@pytest.mark.parametrize("model", ["bottomup", "centered_instance", "centroid"])
def test_figures_equal_those_that_sleap_computed(real_data, model, side):
    import sleap_io

    folder = real_data / "sleap_models" / f"minimal_instance.UNet.{model}"
    labels = {
        name: sleap_io.load_slp(str(folder / f"labels_{name}.{side}.slp"), open_videos=False) for name in ("gt", "pr")
    }
    truth = [Labels("v", frame.frame_idx, frame.numpy()) for frame in labels["gt"]]
    found = {
        ("v", frame.frame_idx): PredictedPoses(
            frame.numpy(), np.array([instance.score for instance in frame.instances])
        )
        for frame in labels["pr"]
    }
    metrics = evaluate_poses(truth, found, Skeleton(nodes=tuple(labels["gt"].skeletons[0].node_names)))
    sleap = read_sleap_metrics(folder / f"metrics.{side}.npz")
    assert metrics["map_sleap"] == pytest.approx(sleap["oks_voc.mAP"], abs=1e-9)
    assert metrics["mar_sleap"] == pytest.approx(sleap["oks_voc.mAR"], abs=1e-9)
    assert metrics["oks_mean_coco"] == pytest.approx(sleap["oks.mOKS"], abs=1e-6)
    errors = metrics["errors_px"]["all"]
    for percent in (50, 75, 90, 95, 99):
        assert errors[f"p{percent}"] == pytest.approx(sleap[f"dist.p{percent}"], abs=1e-6)
    assert (metrics["points"] - metrics["missing_points"], metrics["missing_points"]) == (
        sleap["vis.tp"],
        sleap["vis.fn"],
    )


def test_oks_of_animals_in_a_line():
    """The case oks_of_animals_in_a_line: a box without area is no animal without size."""
    pose = np.array([[50, 50], [90, 50]], np.float32)
    truth = [labels_of(pose, frame_idx=number) for number in range(20)]
    found = {("a", number): found_of(pose + np.float32(0.3)) for number in range(20)}
    metrics = evaluate_poses(truth, found, SKELETON)
    assert (metrics["false_negatives"], metrics["false_positives"]) == (0, 0)
    assert metrics["map_coco"] == pytest.approx(1)
    assert metrics["map_paper"] >= 0.9


def test_an_animal_of_one_visible_node_is_as_large_as_the_others():
    alone = np.array([[10, 10], [np.nan, np.nan]], np.float32)
    truth = [labels_of(alone), *(labels_of(POSE, frame_idx=number) for number in (1, 2))]
    found = {("a", labels.frame_idx): found_of(labels.points[0] + 2) for labels in truth}
    (one, other, _) = match_poses(truth, found, SKELETON, EvaluationConfig(), coco=True)
    assert one.similarity[0, 0] == pytest.approx(other.similarity[0, 0])
    assert one.similarity[0, 0] > 0
    only = match_poses(truth[:1], found, SKELETON, EvaluationConfig(), coco=True)
    assert len(only[0].pairs) == 1
