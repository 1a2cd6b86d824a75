"""Prediction of recordings: it finds what is there, and where it is cut does not show."""

from itertools import pairwise

import numpy as np
import pytest

from poseflow.config import FlowConfig, PredictConfig
from poseflow.core.errors import ModelError, VideoError
from poseflow.inference import flow_batches, load_pipeline, predict_shard
from poseflow.inference import predict as predict_module
from poseflow.tables import read_predictions

CONFIG = PredictConfig(batch_size=4, max_instances=3, precision="float32", flow=FlowConfig(window_frames=3))


@pytest.fixture(scope="module")
def pipeline(blob_models):
    return load_pipeline(blob_models, CONFIG)


@pytest.fixture(scope="module")
def whole(blob_video, pipeline, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "whole.parquet"
    predict_shard(blob_video, pipeline, (0, blob_video.frames), path, CONFIG)
    return read_predictions(path)


def test_animals_are_found_where_they_are(whole, blob_points):
    assert len(whole) == 2 * len(blob_points)
    for frame, truth in enumerate(blob_points):
        found = whole.points[whole.frame_idx == frame]
        errors = np.linalg.norm(truth[:, None] - found[None], axis=-1).mean(axis=-1)
        assert errors.min(axis=1).max() < 2


def test_shifted_points_lie_on_the_next_frames_animals(whole, blob_points):
    for lag in range(1, 4):
        for frame in range(len(blob_points) - lag):
            moved = whole.shifted[whole.frame_idx == frame, lag - 1]
            errors = np.linalg.norm(blob_points[frame + lag][:, None] - moved[None], axis=-1).mean(axis=-1)
            assert errors.min(axis=1).max() < 3
    assert np.isnan(whole.shifted[whole.frame_idx == len(blob_points) - 1]).all(), "after the end there is nothing"


@pytest.mark.parametrize("shards", [3, 7, 43])
def test_the_union_of_shards_is_the_whole_table(whole, blob_video, pipeline, tmp_path, shards):
    cuts = np.linspace(0, blob_video.frames, shards + 1).astype(int)
    paths = []
    for start, stop in pairwise(cuts):
        paths.append(tmp_path / f"{start}.parquet")
        predict_shard(blob_video, pipeline, (int(start), int(stop)), paths[-1], CONFIG)
    union = read_predictions(paths)
    for name in ("frame_idx", "score", "points", "point_scores", "shifted"):
        np.testing.assert_array_equal(getattr(union, name), getattr(whole, name), err_msg=name)
    assert union.frames == whole.frames


def test_a_frame_that_cannot_be_decoded_is_said_and_the_rest_goes_on(
    whole, blob_video, pipeline, tmp_path, monkeypatch
):
    open_video = predict_module.open_video

    class BrokenVideo:
        def __init__(self, index, **settings):
            self.index, self.video = index, open_video(index, **settings)

        def __enter__(self):
            self.video.__enter__()
            return self

        def __exit__(self, *error):
            return self.video.__exit__(*error)

        def read(self, start, stop, channels):
            for number, image in self.video.read(start, stop, channels):
                yield number, None if number in (0, 17, 18) else image

    monkeypatch.setattr(predict_module, "open_video", BrokenVideo)
    predict_shard(blob_video, pipeline, (0, 30), tmp_path / "broken.parquet", CONFIG)
    broken = read_predictions(tmp_path / "broken.parquet")
    assert broken.failed_frames.tolist() == [0, 17, 18]
    assert broken.frames == ((0, 30),)
    expected = (whole.frame_idx < 30) & ~np.isin(whole.frame_idx, [0, 17, 18])
    np.testing.assert_array_equal(broken.points, whole.points[expected])
    assert np.isnan(broken.shifted[broken.frame_idx == 16, 0]).all()
    assert np.isfinite(broken.shifted[broken.frame_idx == 16, 2]).all()


def test_without_flow_there_are_the_same_animals(whole, blob_video, pipeline, tmp_path):
    config = CONFIG.model_copy(update={"flow": FlowConfig(window_frames=0)})
    predict_shard(blob_video, pipeline, (0, 21), tmp_path / "still.parquet", config)
    still = read_predictions(tmp_path / "still.parquet")
    np.testing.assert_array_equal(still.points, whole.points[whole.frame_idx < 21])
    assert still.lags == 0


def test_a_detector_may_have_a_threshold_of_its_own(blob_models, blob_video, tmp_path):
    strict = CONFIG.model_copy(update={"centroid_threshold": 9.0})  # above every peak
    predict_shard(blob_video, load_pipeline(blob_models, strict), (0, 4), tmp_path / "none.parquet", strict)
    assert len(read_predictions(tmp_path / "none.parquet")) == 0


def test_an_empty_range_is_an_empty_table(blob_video, pipeline, tmp_path):
    predict_shard(blob_video, pipeline, (7, 7), tmp_path / "none.parquet", CONFIG)
    assert len(read_predictions(tmp_path / "none.parquet")) == 0


def test_a_fault_in_a_thread_ends_the_shard_without_a_table(blob_video, pipeline, tmp_path, monkeypatch):
    def fail(*_):
        raise RuntimeError("flow is broken")

    monkeypatch.setattr(flow_batches, "shift_points", fail)
    with pytest.raises(RuntimeError, match="flow is broken"):
        predict_shard(blob_video, pipeline, (0, 20), tmp_path / "none.parquet", CONFIG)
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_fit_is_named(blob_models, blob_video, pipeline, tmp_path):
    with pytest.raises(VideoError, match="frames must be 0 <= start <= stop <= 43"):
        predict_shard(blob_video, pipeline, (0, 99), tmp_path / "x.parquet", CONFIG)
    with pytest.raises(ModelError, match=r"models must be of one of these sets of kinds: .*got centroid in"):
        load_pipeline(blob_models[:1], CONFIG)
    with pytest.raises(ModelError, match="nothing: must be a model's folder, got nothing there"):
        load_pipeline([tmp_path / "nothing"], CONFIG)
