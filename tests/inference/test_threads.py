"""A shard's table is the same to the last byte, whatever threads there are; with a network that costs nothing."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from poseflow.config import FlowConfig, PredictConfig
from poseflow.core.skeleton import Skeleton
from poseflow.inference import Pipeline, predict_shard
from poseflow.inference import flow_batches as flow_module
from poseflow.inference import predict as predict_module
from poseflow.inference.flow import shift_points, shrink_image
from poseflow.media import container, index_video, open_video, write_video
from poseflow.tables import Instances, read_predictions

FRAMES, SIZE = 61, 160


def points_of(number):
    """Points (2, 3, 2) of animals that drift with the texture; in some frames there is one, or none."""
    both = (
        np.array([[[30, 40], [44, 40], [37, 52]], [[100, 90], [112, 96], [104, 108]]], np.float32) + 0.8 * number % 20
    )
    return both[: 0 if number % 13 == 5 else 1 if number % 7 == 3 else 2]


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    texture = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (SIZE, SIZE), np.uint8), (0, 0), 2)
    texture = cv2.normalize(texture, None, 0, 255, cv2.NORM_MINMAX)
    moved = (np.roll(texture, (number // 2, number), (0, 1))[..., None] for number in range(FRAMES))
    path = tmp_path_factory.mktemp("threads") / "a.mp4"
    write_video(path, moved, fps=25, gop=8)
    return index_video(path)


def make_pipeline(begin):
    """Finds the animals of batch after batch from frame `begin` on."""
    position = begin

    def run(images):
        nonlocal position
        first, position = position, position + len(images)
        return (np.arange(first, position),)

    def assemble(outputs):
        found = [points_of(number) for number in outputs[0]]
        points = np.concatenate(found)
        frames = np.repeat(np.arange(len(found)), [len(own) for own in found])
        scores = np.linspace(0.9, 0.8, len(points))
        return Instances.from_arrays(frames, scores, points, np.full(points.shape[:2], 0.9))

    return Pipeline(Skeleton(nodes=("a", "b", "c")), 1, (), (), run, assemble)


def predict(index, out, frames=(0, FRAMES), config=PredictConfig()):
    begin = frames[0] // config.batch_size * config.batch_size
    predict_shard(index, make_pipeline(begin), frames, out, config)
    return out.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("frames", [(0, FRAMES), (11, 40)], ids=["whole", "shard"])
def test_threads_and_blocks_change_no_byte(index, tmp_path, monkeypatch, frames):
    tables = []
    for threads, batches_per_write in ((1, 1), (2, 3), (7, 32)):
        monkeypatch.setattr(flow_module, "count_processors", lambda threads=threads: threads)
        monkeypatch.setattr(container, "count_processors", lambda threads=threads: threads)
        monkeypatch.setattr(predict_module, "BATCHES_PER_WRITE", batches_per_write)
        tables.append(predict(index, tmp_path / f"{threads}.parquet", frames))
    assert tables[1:] == tables[:1] * 2
    assert len(read_predictions(tmp_path / "1.parquet")) > 40


@pytest.mark.parametrize("decoding", ["hardware", "auto"])
def test_what_decodes_changes_no_byte(index, tmp_path, decoding):
    expected = predict(index, tmp_path / "software.parquet")
    assert predict(index, tmp_path / "a.parquet", config=PredictConfig(decoding=decoding)) == expected


@pytest.mark.parametrize(
    ("decoding", "uses_gpu", "on_gpu"),
    [
        ("software", True, False),
        ("hardware", False, True),
        ("auto", False, False),
        ("auto", True, True),
    ],
)
def test_auto_decodes_on_a_gpu_where_networks_run_on_one(index, tmp_path, monkeypatch, decoding, uses_gpu, on_gpu):
    asked = []
    monkeypatch.setattr(
        predict_module, "open_video", lambda index, on_gpu=False: asked.append(on_gpu) or open_video(index)
    )
    pipeline = replace(make_pipeline(0), uses_gpu=uses_gpu)
    predict_shard(index, pipeline, (0, 8), tmp_path / "a.parquet", PredictConfig(decoding=decoding))
    assert asked == [on_gpu]


def test_what_is_shifted_is_what_flow_says_of_each_frame_alone(index, tmp_path):
    config, threads = PredictConfig(flow=FlowConfig(window_frames=3)), cv2.getNumThreads()
    predict(index, tmp_path / "a.parquet", (0, 50), config)
    found = read_predictions(tmp_path / "a.parquet")
    with open_video(index) as video:
        seen = [shrink_image(image, config.flow) for _, image in video.read(0, FRAMES, 1)]
    for number in range(50):
        expected = shift_points(seen[number], seen[number + 1 : number + 4], points_of(number), config.flow)
        np.testing.assert_allclose(found.shifted[found.frame_idx == number], expected, atol=1 / 16 + 1e-4)
    assert cv2.getNumThreads() == threads, "the process's own setting stays"
