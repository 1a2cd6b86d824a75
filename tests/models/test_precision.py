"""Which number format a network of ours predicts in, where the settings leave it open."""

import pytest
import yaml

from poseflow.config import HeadConfig, ModelConfig
from poseflow.core.files import write_json
from poseflow.core.skeleton import Skeleton
from poseflow.models import loading
from poseflow.models.loading import load_model
from poseflow.networks.build import build_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    skeleton = Skeleton(nodes=("head", "tail"))
    backbone = {"filters": 16, "down_blocks": 1, "middle": False, "convs_per_block": 1, "batch_norm": False}
    config = ModelConfig(kind="single_instance", backbone=backbone, head=HeadConfig(output_stride=2))
    made = tmp_path_factory.mktemp("model")
    (made / "config.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")))
    write_json(skeleton.model_dump(mode="json"), made / "skeleton.json")
    build_model(config, skeleton).save_weights(made / "model.weights.h5")
    return made


@pytest.mark.parametrize(
    ("trained", "here", "asked", "expected"),
    [
        ("mixed_bfloat16", "mixed_bfloat16", "auto", "bfloat16"),
        ("mixed_bfloat16", "float32", "auto", "float32"),
        ("float32", "mixed_bfloat16", "auto", "float32"),
        (None, "mixed_bfloat16", "auto", "float32"),
        ("float32", "mixed_bfloat16", "mixed_bfloat16", "bfloat16"),
        ("mixed_bfloat16", "mixed_bfloat16", "float32", "float32"),
    ],
)
def test_a_format_is_taken_that_was_asked_for_or_trained_in(folder, monkeypatch, trained, here, asked, expected):
    write_json({"precision": trained} if trained else {}, folder / "training.json")
    monkeypatch.setattr(loading, "choose_precision", lambda precision: here if precision == "auto" else precision)
    network = load_model(folder, asked).network
    assert network.get_layer("down0_conv0").compute_dtype == expected
