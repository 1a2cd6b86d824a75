"""Exported models, from frames to points, compute what Keras does; and predicting with them needs no TensorFlow."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import yaml
from sleap_folders import write_sleap_folder
from typer.testing import CliRunner

from poseflow.cli import app
from poseflow.config import FlowConfig, GroupingConfig, PredictConfig
from poseflow.core.errors import ConfigError, ModelError
from poseflow.core.files import read_json, write_json
from poseflow.inference import load_pipeline
from poseflow.inference.whole import put_together
from poseflow.media import index_video, open_video, write_video
from poseflow.models.exported import ExportSettings
from poseflow.models.loading import load_model
from poseflow.steps.export_model import export_models
from poseflow.tables import read_predictions

onnxruntime = pytest.importorskip("onnxruntime", reason="needs poseflow[runtimes]")

SIZE = (150, 170)
KINDS = {
    "single_instance": ["single_instance"],
    "centroid": ["centroid"],
    "centered_instance": ["centered_instance"],
    "topdown": ["centroid", "centered_instance"],
    "multi_class_topdown": ["multi_class_topdown"],
    "multi_class_topdown_combined": ["centroid", "multi_class_topdown"],
    "bottomup": ["multi_instance"],
    "multi_class_bottomup": ["multi_class_bottomup"],
}
# What sleap-nn 0.3.5 gives for each, in its order; Bonsai takes outputs by their place.
OUTPUTS = {
    "single_instance": ["peaks", "peak_vals"],
    "centroid": ["centroids", "centroid_vals", "instance_valid"],
    "centered_instance": ["peaks", "peak_vals"],
    "topdown": ["centroids", "centroid_vals", "peaks", "peak_vals", "instance_valid"],
    "multi_class_topdown": ["peaks", "peak_vals", "class_logits"],
    "multi_class_topdown_combined": [
        *("centroids", "centroid_vals", "peaks", "peak_vals", "class_logits", "instance_valid"),
    ],
    "bottomup": ["peaks", "peak_vals", "peak_mask", "line_scores", "candidate_mask"],
    "multi_class_bottomup": ["peaks", "peak_vals", "peak_mask", "class_probs"],
}
CONFIG = PredictConfig(
    batch_size=4,
    max_instances=3,
    peak_threshold=0,
    nms_oks=1,
    grouping=GroupingConfig(min_edge_score=1e-6, length_penalty=0),
    flow=FlowConfig(window_frames=0),
)
BONSAI = {
    *("sleap_nn_version", "export_timestamp", "export_format", "model_type", "model_name", "checkpoint_path"),
    *("backbone", "n_nodes", "n_edges", "node_names", "edge_inds", "input_scale", "input_channels", "output_stride"),
    *("crop_size", "max_instances", "max_peaks_per_node", "max_batch_size", "precision", "peak_threshold"),
    *("input_dtype", "normalization", "n_classes", "class_names", "training_config_embedded", "training_config_hash"),
}


def write_models(folder, kind, **preprocessing):
    settings = {"input_scaling": 0.5, **preprocessing}
    for head in KINDS[kind]:
        write_sleap_folder(folder / head, head, 1, **settings)
    return {head: folder / head for head in KINDS[kind]}


def make_images(count, size=SIZE, seed=0):
    return np.random.default_rng(seed).integers(0, 255, (count, *size, 1)).astype(np.uint8)


def run_onnx(path, images):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    assert (given.name, given.type) == ("image", "tensor(uint8)")
    assert given.shape[1:] == [images.shape[3], *images.shape[1:3]]
    outputs = session.run(None, {"image": images.transpose(0, 3, 1, 2)})
    return dict(zip([one.name for one in session.get_outputs()], outputs, strict=True))


def check_same(found, expected):
    for name, wanted in expected.items():
        wanted = np.asarray(wanted)
        if wanted.dtype == bool:
            np.testing.assert_array_equal(found[name], wanted, err_msg=name)
        else:
            atol = 0.01 if name in ("peaks", "centroids") else 1e-4
            np.testing.assert_allclose(found[name], wanted, atol=atol, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_an_onnx_file_computes_what_keras_does_of_any_number_of_frames(tmp_path, kind):
    models = write_models(tmp_path, kind)
    out = tmp_path / "out"
    export_models(models, out, ExportSettings("onnx", "float32", SIZE, CONFIG))
    whole = put_together([load_model(folder, "float32") for folder in models.values()], CONFIG)
    assert whole.model_type == kind
    for count in (1, 3):
        images = make_images(count)
        found = run_onnx(out / "model.onnx", images)
        assert [*found] == OUTPUTS[kind]
        check_same(found, whole.run(images))
    assert found[OUTPUTS[kind][1]].any()

    described = json.loads((out / "export_metadata.json").read_text())
    assert described.keys() == BONSAI
    assert described["model_type"] == kind
    assert described["node_names"] == ["head", "thorax", "left", "right"]
    settings = yaml.safe_load((out / "training_config.yaml").read_text())
    assert [node["name"] for node in settings["data_config"]["skeletons"][0]["nodes"]] == described["node_names"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["single_instance", "topdown", "multi_class_topdown_combined"])
@pytest.mark.parametrize("preprocessing", [{}, {"target_height": 120, "target_width": 140}], ids=["own", "resized"])
def test_its_points_are_those_of_predict(tmp_path, kind, preprocessing):
    models = write_models(tmp_path, kind, **preprocessing)
    export_models(models, tmp_path / "out", ExportSettings("onnx", "float32", SIZE, CONFIG))
    images = make_images(4)
    outputs = run_onnx(tmp_path / "out" / "model.onnx", images)
    expected = load_pipeline([*models.values()], CONFIG).find(images)
    for frame, peaks in enumerate(outputs["peaks"].reshape(4, -1, 4, 2)):
        own = expected.points[expected.frame_idx == frame]
        assert len(own) > 0
        distances = np.abs(own[:, None] - peaks[None]).max(axis=(2, 3))
        assert distances.min(axis=1).max() < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["topdown", "bottomup", "multi_class_bottomup"])
def test_openvino_and_saved_models_compute_the_same(tmp_path, kind):
    openvino = pytest.importorskip("openvino")
    import tensorflow as tf

    models = write_models(tmp_path, kind)
    for to in ("openvino", "savedmodel"):
        export_models(models, tmp_path / to, ExportSettings(to, "float32", SIZE, CONFIG))
    images = make_images(2)
    expected = put_together([load_model(folder, "float32") for folder in models.values()], CONFIG).run(images)
    hints = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(str(tmp_path / "openvino" / "model.xml"), "CPU", hints)
    found = compiled(images.transpose(0, 3, 1, 2))
    check_same({output.any_name: found[output] for output in compiled.outputs}, expected)
    saved = tf.saved_model.load(str(tmp_path / "savedmodel" / "saved_model"))
    check_same({name: value.numpy() for name, value in saved.serve(images).items()}, expected)


@pytest.mark.slow
def test_half_precision_moves_points_little(tmp_path):
    models = write_models(tmp_path, "single_instance")
    settings = ExportSettings("onnx", "float16", SIZE, CONFIG)
    export_models(models, tmp_path / "out", settings)
    expected = put_together([load_model(folder, "float32") for folder in models.values()], CONFIG).run(make_images(2))
    found = run_onnx(tmp_path / "out" / "model.onnx", make_images(2))
    np.testing.assert_allclose(found["peak_vals"], expected["peak_vals"], atol=1e-3)
    assert np.median(np.abs(found["peaks"] - np.asarray(expected["peaks"]))) < 0.5
    assert json.loads((tmp_path / "out" / "export_metadata.json").read_text())["precision"] == "fp16"


REAL = {
    "topdown": ["minimal_instance.UNet.centroid", "minimal_instance.UNet.centered_instance"],
    "bottomup": ["minimal_instance.UNet.bottomup"],
    "single_instance": ["minimal_robot.UNet.single_instance"],
    "multi_class_topdown": ["min_tracks_2node.UNet.topdown_multiclass"],
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", REAL)
def test_sleaps_own_models_find_the_same_in_real_frames(real_data, tmp_path, kind):
    models = {name: real_data / "sleap_models" / name for name in REAL[kind]}
    video = {
        "single_instance": "robot/small_robot.mp4",
        "multi_class_topdown": "flies13/flies13_part1.mp4",
    }.get(kind, "fly_pair/centered_pair_low_quality.mp4")
    loaded = [load_model(folder, "float32") for folder in models.values()]
    index = index_video(real_data / video)
    with open_video(index) as opened:
        channels = loaded[0].config.input.channels
        images = np.stack([image for _, image in opened.read(0, 3, channels)])
    if kind == "multi_class_topdown":  # a crop of them
        side = loaded[0].config.input.crop_px
        images = np.ascontiguousarray(images[:, 400 : 400 + side, 400 : 400 + side])
    config = CONFIG.model_copy(update={"peak_threshold": 0.2, "grouping": GroupingConfig()})
    export_models(models, tmp_path / "out", ExportSettings("onnx", "float32", images.shape[1:3], config))
    expected = put_together(loaded, config).run(images)
    assert np.isfinite(np.asarray(expected["peaks"])).any()
    check_same(run_onnx(tmp_path / "out" / "model.onnx", images), expected)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    models = write_models(folder, "topdown")
    export_models(models, folder / "out", ExportSettings("onnx", "float32", None, CONFIG))
    write_video(folder / "a.mp4", iter(make_images(9)), 25)
    return folder, models


PREDICT = """
import sys
from poseflow.cli import main
sys.argv = ["poseflow", "predict", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
assert not {"tensorflow", "keras", "jax"} & sys.modules.keys(), "Keras was imported"
"""


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["onnxruntime", pytest.param("openvino", marks=pytest.mark.slow)])
def test_predictions_by_exported_models_import_no_tensorflow(exported, runtime, tmp_path):
    folder, models = exported
    settings = [part for one in ("peak_threshold=0", "max_instances=3", "nms_oks=1") for part in ("--set", one)]
    for name, own, which in (
        ("keras", models.values(), "keras"),
        ("other", [folder / "out" / m for m in models], runtime),
    ):
        given = [part for model in own for part in ("-m", str(model))]
        out = str(tmp_path / f"{name}.parquet")
        call = [str(folder / "a.mp4"), *given, "--out", out, *settings, "--set", f"runtime={which}"]
        if which == "keras":
            assert CliRunner().invoke(app, ["predict", *call]).exit_code == 0
        else:
            subprocess.run([sys.executable, "-c", PREDICT, *call], check=True)
    one, other = (read_predictions(tmp_path / f"{name}.parquet") for name in ("keras", "other"))
    assert len(one) > 9
    np.testing.assert_array_equal(other.frame_idx, one.frame_idx)
    np.testing.assert_allclose(other.points, one.points, atol=0.01)


def test_an_exported_model_that_is_damaged_or_given_to_keras_is_told(exported, tmp_path):
    folder, _ = exported
    copy = tmp_path / "centroid"
    copy.mkdir()
    for name in ("exported.json", "network.onnx"):
        (copy / name).write_bytes((folder / "out" / "centroid" / name).read_bytes())
    others = [folder / "out" / "centered_instance"]
    with pytest.raises(ModelError, match="runs by runtime onnxruntime or openvino, got keras"):
        load_pipeline([copy, *others], CONFIG)
    (copy / "network.onnx").write_bytes(b"no network")
    with pytest.raises(ModelError, match=r"network\.onnx: must be what `poseflow export-model` wrote"):
        load_pipeline([copy, *others], CONFIG.model_copy(update={"runtime": "onnxruntime"}))
    (copy / "exported.json").write_text("{}")
    with pytest.raises(ModelError, match=r"exported\.json: must be what `poseflow export-model` wrote"):
        load_pipeline([copy, *others], CONFIG.model_copy(update={"runtime": "onnxruntime"}))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            lambda config: config["head"].update(output_stride=2 * config["head"]["output_stride"]),
            "output_stride of conf",
        ),
        (lambda config: config["input"].update(crop_px=None), r"input\.crop_px must be a number of px"),
    ],
)
def test_an_exported_model_whose_settings_are_of_another_network_is_told(exported, tmp_path, change, fault):
    folder, _ = exported
    copy = tmp_path / "centered_instance"
    shutil.copytree(folder / "out" / "centered_instance", copy)
    described = read_json(copy / "exported.json")
    change(described["config"])
    write_json(described, copy / "exported.json")
    with pytest.raises(ModelError, match=fault):
        load_pipeline([folder / "out" / "centroid", copy], CONFIG.model_copy(update={"runtime": "onnxruntime"}))


def test_a_folder_that_holds_other_things_is_not_replaced(tmp_path):
    models = write_models(tmp_path, "single_instance")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"mine\.txt"):
        export_models(models, tmp_path / "out", ExportSettings("onnx", "float32", None, CONFIG))
