"""Models of today's SLEAP: the points that sleap-nn itself finds, from recordings."""

import csv
from collections import defaultdict

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from torch_files import OUTPUTS, write_nn_folder

import poseflow
from poseflow.config import KINDS
from poseflow.networks.framing import SleapFraming, SleapNNFraming

FLIES, ROBOT = "fly_pair/centered_pair_low_quality.mp4", "sleap_nn_models/small_robot.mp4"
FRAMES = 50
REFERENCES = {
    "single": (ROBOT, ["single_instance"]),
    "topdown": (FLIES, ["centroid", "centered_instance"]),
    "bottomup": (FLIES, ["bottomup"]),
}


def read_reference(path, nodes):
    """Poses (animals, nodes, 2) by frame."""
    poses = defaultdict(lambda: defaultdict(lambda: np.full((len(nodes), 2), np.nan)))
    with path.open() as file:
        for row in csv.DictReader(file):
            pose = poses[int(row["frame_idx"])][int(row["instance"])]
            pose[nodes.index(row["node"])] = float(row["x"] or "nan"), float(row["y"] or "nan")
    return {frame: np.stack(list(found.values())) for frame, found in poses.items()}


def distances(points, expected):
    """Of the nodes of the animals that lie nearest to one another."""
    apart = np.linalg.norm(points[:, None] - expected, axis=-1)
    differ = np.isfinite(points[:, None, :, 0]) != np.isfinite(expected[..., 0])
    apart = np.where(differ, 1e6, np.nan_to_num(apart))
    return apart[linear_sum_assignment(apart.sum(axis=2))]


@pytest.mark.parametrize("name", REFERENCES)
def test_recordings_give_the_points_of_sleap_nn(real_data, name):
    video, kinds = REFERENCES[name]
    models = poseflow.load_model([real_data / f"sleap_nn_models/minimal_instance_{kind}" for kind in kinds])
    found = models.predict(real_data / video, stop=FRAMES)
    expected = read_reference(real_data / f"sleap_nn_models/reference_{name}.csv", models.skeleton.nodes)
    for frame in range(FRAMES):
        points = found.points[found.frame_idx == frame]
        assert len(points) == len(expected.get(frame, ()))
        if len(points):
            assert distances(points, expected[frame]).max() < 1e-3


SIZES = {"scaled": {"scale": 0.5}, "matched": {"max_height": 50, "max_width": 90}}


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", [kind for kind in OUTPUTS if "centered" not in kind and "topdown" not in kind])
def test_models_of_every_kind_run_on_frames_of_any_size(tmp_path, kind, size):
    folders = [tmp_path / "model"]
    write_nn_folder(folders[0], kind, **SIZES[size])
    if kind == "centroid":
        folders.append(tmp_path / "crops")
        write_nn_folder(folders[1], "multi_class_topdown", **SIZES[size])
    models = poseflow.load_model(folders, peak_threshold=0.0)
    images = np.random.default_rng(0).integers(0, 255, (3, 61, 75, 3)).astype(np.uint8)
    found = models.predict(images)
    assert found.points.shape[1:] == (3, 2)
    assert np.isfinite(found.points).any(axis=(1, 2)).all()
    names = any(KINDS[name].names_animals for name in KINDS if "multi_class" in kind) or kind == "centroid"
    assert found.class_scores.shape[1] == (2 if names else 0)


@pytest.mark.slow
def test_a_name_is_given_to_the_likeliest_of_all_peaks_however_low_it_is(tmp_path, monkeypatch):
    """Networks that have learnt nothing find hundreds of peaks; looking at all of them at once is the oracle."""
    write_nn_folder(tmp_path, "multi_class_bottomup", seed=2)
    images = np.random.default_rng(0).integers(0, 255, (2, 96, 128, 1)).astype(np.uint8)
    found = poseflow.load_model(tmp_path, max_instances=2).predict(images)
    monkeypatch.setattr(SleapFraming, "count_peaks", lambda self, animals: 4096)
    whole = poseflow.load_model(tmp_path, max_instances=2).predict(images)
    monkeypatch.setattr(SleapFraming, "count_peaks", lambda self, animals: 32)
    monkeypatch.setattr(SleapNNFraming, "takes_all_peaks", False)
    highest = poseflow.load_model(tmp_path, max_instances=2).predict(images)
    np.testing.assert_array_equal(found.points, whole.points)
    assert found.points.shape != highest.points.shape or not np.array_equal(
        found.points, highest.points, equal_nan=True
    ), "the highest peaks alone give other points, so that this test shows something"
