"""Every kind of pipeline, from frames to the predictions table: animals, names, and what is at the edges."""

from itertools import pairwise

import numpy as np
import pytest
from blobs import TOLD_APART, draw_frame

from poseflow.config import FlowConfig, PredictConfig, TrackingConfig
from poseflow.inference import load_pipeline, predict_shard
from poseflow.tables import read_predictions
from poseflow.tracking import link_tracks

pytestmark = pytest.mark.slow

NAMING = ["multi_class_bottom_up", "multi_class_top_down"]
KINDS = ["centered_instance", "bottom_up", *NAMING]
CONFIG = PredictConfig(batch_size=4, max_instances=3, precision="float32", flow=FlowConfig(window_frames=1))
PAIR = np.array([[[20, 30], [38, 30]], [[70, 52], [70, 70]]], np.float32)  # female, male


@pytest.fixture(scope="module")
def load(one_pass_models, blob_models):
    """Pipeline of a kind, with other settings where asked for."""
    known = {}

    def load_one(kind, **settings):
        key = (kind, *settings.items())
        if key not in known:
            centroid, centered_instance = blob_models
            folders = {
                "centered_instance": [centroid, centered_instance],
                "multi_class_top_down": [centroid, one_pass_models / kind],
            }.get(kind, [one_pass_models / kind])
            known[key] = load_pipeline(folders, CONFIG.model_copy(update=settings))
        return known[key]

    return load_one


def find(pipeline, *scenes):
    """Instances of each scene (points of animals, shades)."""
    frames = np.stack([draw_frame(*scene) for scene in scenes])
    found = pipeline.find(np.concatenate([frames] + [frames[:1]] * (4 - len(frames))))
    return [found.take(found.frame_idx == number) for number in range(len(scenes))]


def errors_px(truth, found):
    """Each true animal's mean distance to the nearest found one."""
    distance = np.linalg.norm(truth[:, None] - found.points[None], axis=-1)
    return np.nanmean(distance, axis=-1).min(axis=1)


@pytest.mark.parametrize("kind", KINDS)
def test_animals_are_found_where_they_are_and_named(load, kind, named_video, blob_points, tmp_path):
    pipeline = load(kind)
    predict_shard(named_video, pipeline, (0, named_video.frames), tmp_path / "whole.parquet", CONFIG)
    whole = read_predictions(tmp_path / "whole.parquet")
    assert len(whole) == 2 * len(blob_points)
    assert whole.class_names == (("female", "male") if kind in NAMING else ())
    for frame, truth in enumerate(blob_points):
        rows = whole.frame_idx == frame
        distance = np.linalg.norm(truth[:, None] - whole.points[rows][None], axis=-1).mean(axis=-1)
        assert distance.min(axis=1).max() < 2
        if whole.class_names:
            assert whole.class_scores[rows].argmax(axis=1).tolist() == distance.argmin(axis=0).tolist()
    if whole.class_names:
        assert 0 <= whole.class_scores.min() <= whole.class_scores.max() <= 1


@pytest.mark.parametrize("kind", NAMING)
def test_tracks_have_the_names_of_the_labels(load, kind, named_video, blob_points, tmp_path):
    predict_shard(named_video, load(kind), (0, named_video.frames), tmp_path / "whole.parquet", CONFIG)
    whole = read_predictions(tmp_path / "whole.parquet")
    tracks = link_tracks(whole, TrackingConfig(identity="per_frame", window_frames=1))
    assert len(tracks) == 2 * len(blob_points)
    for row, frame, name in zip(tracks.row, tracks.frame_idx, tracks.identity, strict=True):
        truth = blob_points[frame, ("female", "male").index(name)]
        assert np.linalg.norm(whole.points[row] - truth, axis=-1).mean() < 2


@pytest.mark.parametrize("kind", KINDS)
def test_the_union_of_shards_is_the_whole_table(load, kind, named_video, tmp_path):
    paths = []
    for start, stop in pairwise([0, 43, 0, 7, 8, 30, 43]):
        if start < stop:
            paths.append(tmp_path / f"{start}-{stop}.parquet")
            predict_shard(named_video, load(kind), (start, stop), paths[-1], CONFIG)
    whole, union = read_predictions(paths[:1]), read_predictions(paths[1:])
    for name in ("frame_idx", "score", "points", "point_scores", "shifted", "class_scores"):
        np.testing.assert_array_equal(getattr(union, name), getattr(whole, name), err_msg=name)


@pytest.mark.parametrize("kind", KINDS)
def test_an_animal_that_leaves_has_no_row_and_the_other_keeps_its_name(load, kind):
    both, left = find(load(kind), (PAIR, TOLD_APART), (PAIR[1:], TOLD_APART[1:]))
    assert (len(both), len(left)) == (2, 1)
    assert errors_px(PAIR[1:], left).max() < 2
    if left.class_scores.shape[1]:
        assert left.class_scores[0].argmax() == 1


@pytest.mark.parametrize("kind", KINDS)
def test_no_animal_is_no_row(load, kind):
    (nobody,) = find(load(kind), (PAIR[:0], ()))
    assert nobody.points.shape == (0, 2, 2)
    assert nobody.class_scores.shape == (0, len(load(kind).identities))


@pytest.mark.parametrize("kind", KINDS)
def test_of_more_animals_than_allowed_the_best_are_kept(load, kind):
    (all_found,) = find(load(kind), (PAIR, TOLD_APART))
    (best,) = find(load(kind, max_instances=1), (PAIR, TOLD_APART))
    assert len(best) == 1
    if "bottom_up" in kind:  # of crops the centroids' scores decide
        np.testing.assert_allclose(best.points, all_found.points[:1], atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_two_animals_that_overlap_entirely_are_one(load, kind):
    """What lies under another animal is not seen; no pose is given twice."""
    (found,) = find(load(kind), (PAIR[[0, 0]], TOLD_APART[:1] * 2))
    assert len(found) == 1
    assert errors_px(PAIR[:1], found).max() < 2


def test_running_and_assembling_are_two_steps_of_one(load):
    pipeline = load("bottom_up")
    frames = np.stack([draw_frame(PAIR, TOLD_APART)] * 4)
    outputs = pipeline.run(frames)
    assert [output.shape for output in outputs] == [(4, 2, 6, 2), (4, 2, 6), (4, 1, 6, 6)]
    assert all(isinstance(output, np.ndarray) for output in outputs)
    np.testing.assert_array_equal(pipeline.assemble(outputs).points, pipeline.find(frames).points)
