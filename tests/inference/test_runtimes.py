"""Whatever runs a pipeline's networks, its instances are the same; and so they are however many threads it has."""

import os
import sys

import numpy as np
import pytest
from sleap_folders import write_sleap_folder

from poseflow.config import FlowConfig, GroupingConfig, PredictConfig
from poseflow.core.errors import ConfigError
from poseflow.core.files import read_json
from poseflow.inference import load_pipeline, predict_shard
from poseflow.inference.profile import STEPS, Profile
from poseflow.media import index_video, write_video

pytest.importorskip("onnx", reason="needs poseflow[runtimes]")
pytest.importorskip("onnxruntime", reason="needs poseflow[runtimes]")

from poseflow.inference.runtimes.graphs import draw_graph
from poseflow.inference.runtimes.onnx_runtime import OnnxRuntime
from poseflow.inference.stages import build_crop_stage, build_peak_stage
from poseflow.networks.onnx.network import split_at_network

RUNTIMES = ["onnxruntime", "openvino"]
PIPELINES = {
    "single_instance": ["single_instance"],
    "top_down": ["centroid", "centered_instance"],
    "bottom_up": ["multi_instance"],
    "multi_class_top_down": ["centroid", "multi_class_topdown"],
    "multi_class_bottom_up": ["multi_class_bottomup"],
}
CONFIG = PredictConfig(
    batch_size=4,
    max_instances=3,
    peak_threshold=0,
    precision="float32",
    nms_oks=1,
    grouping=GroupingConfig(min_edge_score=1e-6, length_penalty=0),
    flow=FlowConfig(window_frames=1),
)
IMAGES = np.random.default_rng(0).integers(0, 255, (4, 150, 170, 1)).astype(np.uint8)
SIZES = [
    pytest.param({}, id="as they are"),
    pytest.param({"target_height": 120, "target_width": 130}, id="resized", marks=pytest.mark.slow),
]


def write_models(folder, kind, **preprocessing):
    for head in PIPELINES[kind]:
        write_sleap_folder(folder / head, head, 1, input_scaling=0.5, **preprocessing)
    return [folder / head for head in PIPELINES[kind]]


@pytest.mark.slow
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("kind", PIPELINES)
def test_random_networks_find_the_same_in_all_of_them(tmp_path, kind, sizes):
    folders = write_models(tmp_path, kind, **sizes)
    expected = load_pipeline(folders, CONFIG).find(IMAGES)
    assert len(expected) >= len(IMAGES)
    for runtime in RUNTIMES:
        found = load_pipeline(folders, CONFIG.model_copy(update={"runtime": runtime})).find(IMAGES)
        np.testing.assert_array_equal(found.frame_idx, expected.frame_idx)
        np.testing.assert_allclose(found.points, expected.points, atol=0.01)
        np.testing.assert_allclose(found.point_scores, expected.point_scores, atol=1e-5)
        np.testing.assert_allclose(found.class_scores, expected.class_scores, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_points_are_the_same_to_the_last_bit_whatever_the_threads(tmp_path, monkeypatch, runtime):
    folders = write_models(tmp_path, "top_down")
    found = []
    for cores in ({0}, {0, 1}, {0, 1, 2}):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, cores=cores: cores, raising=False)
        found.append(load_pipeline(folders, CONFIG.model_copy(update={"runtime": runtime})).find(IMAGES))
    assert len(found[0]) > 0
    for other in found[1:]:
        for name in ("frame_idx", "points", "point_scores", "score"):
            np.testing.assert_array_equal(getattr(other, name), getattr(found[0], name), err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["centered_instance", "multi_instance"])
def test_what_stands_round_a_network_is_cut_off_it_to_the_last_bit(tmp_path, kind):
    write_sleap_folder(tmp_path / kind, kind, 1, input_scaling=0.5)
    runtime = OnnxRuntime()
    model = runtime.load(tmp_path / kind, "float32")
    if kind == "centered_instance":
        centers = np.array([[70, 61.3], [155, 140], [np.nan, np.nan], [3, 99]], np.float32)
        stage, arrays = build_crop_stage(model, CONFIG, runtime), [IMAGES, np.array([0, 2, 3, 1], np.int32), centers]
    else:
        stage, arrays = build_peak_stage(model, CONFIG, 8, runtime), [IMAGES]
    whole, _ = draw_graph(stage.function, arrays)
    before, network, after = split_at_network(whole)
    assert {node.name.split("_")[0] for node in network.graph.node} == {"network"}
    assert network.graph.node[0].op_type == "Conv"
    assert not any(node.op_type == "Conv" for node in before.graph.node)
    assert any(node.op_type == "Conv" for node in after.graph.node)
    values = dict(zip((one.name for one in whole.graph.input), arrays, strict=True))
    for part in (before, network, after):
        names = [one.name for one in part.graph.input]
        made = runtime.open(part)([values[name] for name in names])
        values |= dict(zip((one.name for one in part.graph.output), made, strict=True))
    for one, expected in zip(whole.graph.output, runtime.open(whole)(arrays), strict=True):
        np.testing.assert_array_equal(values[one.name], expected)


def test_a_graph_without_a_network_is_not_cut():
    graph, _ = draw_graph(lambda image: (image + 1,), [IMAGES.astype(np.float32)])
    assert split_at_network(graph) is None


def test_a_package_that_is_missing_is_named(tmp_path, monkeypatch):
    folders = write_models(tmp_path, "single_instance")
    for name in [*sys.modules]:
        if name.startswith(("onnx.", "poseflow.inference.runtimes.", "poseflow.networks.onnx")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ConfigError, match=r"runtime openvino must have the package onnx, as in .*poseflow\[runtimes\]"):
        load_pipeline(folders, CONFIG.model_copy(update={"runtime": "openvino"}))


def test_a_runtime_that_is_not_installed_says_what_it_needs(tmp_path):
    folders = write_models(tmp_path, "single_instance")
    with pytest.raises(ConfigError, match=r"TensorrtExecutionProvider.*onnxruntime-gpu"):
        load_pipeline(folders, CONFIG.model_copy(update={"runtime": "tensorrt"}))


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["keras", "onnxruntime"])
def test_a_profile_says_where_the_time_goes(tmp_path, runtime):
    write_video(tmp_path / "a.mp4", iter(np.concatenate([IMAGES, IMAGES, IMAGES])), 25)
    folders = write_models(tmp_path, "top_down")
    config = CONFIG.model_copy(update={"runtime": runtime})
    pipeline, profile = load_pipeline(folders, config), Profile()
    predict_shard(index_video(tmp_path / "a.mp4"), pipeline, (0, 12), tmp_path / "a.parquet", config, profile=profile)
    profile.measure_networks(pipeline)
    assert profile.frames == 12
    profile.write(tmp_path / "profile.json")
    kept = read_json(tmp_path / "profile.json")
    steps = {"first batch": kept["first_batch_s"], **kept["steps_s"]}
    assert steps == {**profile.seconds, "flow": profile.seconds["flow"] / profile.flow_threads}
    assert all(profile.seconds[step] > 0 for step in STEPS)
    assert 0 < profile.networks * 12 < profile.wall
    lines = profile.describe().splitlines()
    for step in ("decode", "copy", "networks", "peaks and crops", "assembly", "flow", "write", "whole", "processor"):
        assert sum(line.startswith(f"{step:<20}") for line in lines) == 1
    assert lines[-1].startswith("networks alone: ")
