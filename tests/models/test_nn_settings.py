"""Settings that today's SLEAP wrote, in our terms."""

import pytest
import yaml
from torch_files import settings

from poseflow.core.errors import ModelError
from poseflow.models import find_format, needed_files, read_model_folder


@pytest.fixture
def read(tmp_path):
    def write_and_read(values):
        path = tmp_path / "training_config.yaml"
        path.write_text(values if isinstance(values, str) else yaml.safe_dump(values))
        return read_model_folder(tmp_path)

    return write_and_read


def test_a_folder_is_known_by_its_files(read, tmp_path):
    read(settings("centroid"))
    assert find_format(tmp_path) == "sleap_nn"
    assert [file.name for file in needed_files(tmp_path)] == ["training_config.yaml", "best.ckpt"]
    for name in ("training_config.json", "best_model.h5"):
        (tmp_path / name).touch()
    assert find_format(tmp_path) == "sleap"
    (tmp_path / "best.ckpt").touch()
    assert find_format(tmp_path) == "sleap"
    (tmp_path / "config.yaml").touch()
    assert find_format(tmp_path) == "poseflow"


def test_preprocessing_and_network_become_a_profile_of_ours(read):
    folder = read(settings("centered_instance", scale=0.5, max_height=300))
    config = folder.config
    assert config.input.model_dump() == {
        "channels": 1,
        "scale": 0.5,
        "crop_px": 32,
        "anchor": "thorax",
        "heading": None,
    }
    assert (config.head.output_stride, config.head.sigma_px, config.backbone.down_blocks) == (2, 2.5, 3)
    assert folder.frame_size == (300, None)
    assert yaml.safe_load(folder.text)["preprocessing"]["scale"] == 0.5


def test_heads_have_their_own_strides_and_the_last_word_on_nodes(read):
    folder = read(settings("bottomup"))
    assert folder.skeleton.nodes == ("head", "thorax", "tail")
    assert folder.skeleton.edges == ((1, 0), (1, 2))
    assert folder.config.heads["part_affinity_fields"].output_stride == 4
    for name, kind in (
        ("multi_class_bottomup", "multi_class_bottom_up"),
        ("multi_class_topdown", "multi_class_top_down"),
    ):
        config = read(settings(name)).config
        assert (config.kind, config.head.identities) == (kind, ("f", "m"))


def test_a_skeleton_that_the_model_has_not_learnt_is_passed_over(read):
    values = settings("bottomup")
    values["data_config"]["skeletons"].insert(0, {"nodes": [{"name": "corner"}], "edges": [], "symmetries": []})
    assert read(values).skeleton.nodes == ("head", "thorax", "tail")
    for none in ({}, [], None):
        values["data_config"]["skeletons"] = none
        with pytest.raises(ModelError, match=r"skeletons must have one with .*got none"):
            read(values)


def test_keys_that_are_absent_have_the_defaults_of_sleap_nn(read):
    values = settings("single_instance")
    values["data_config"].pop("preprocessing")
    values["model_config"]["backbone_config"]["unet"] = {}
    folder = read(values)
    assert (folder.config.backbone.max_stride, folder.config.backbone.filters) == (16, 32)
    assert (folder.config.input.scale, folder.frame_size) == (1.0, None)


def changed(kind, **model):
    values = settings(kind)
    values["model_config"] |= model
    return values


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ("{", "while parsing a flow node"),
        ("", "it must have data_config and model_config, got others"),
        ({"data_config": {}, "model_config": {}}, "KeyError: 'head_configs'"),
        (changed("centroid", head_configs={"centroid": None}), "must have one of single_instance, .*got none"),
        (changed("centroid", head_configs={"bottomup_segmentation": {}}), "got bottomup_segmentation"),
        (changed("centroid", backbone_config={"unet": None, "convnext": {}}), "must have one of unet, got convnext"),
        (settings("centroid", unet={"stacks": 2}), "stacks must be 1, got 2"),
        (settings("centroid", unet={"middle_block": False}), "middle_block must be True, got False"),
        (settings("centroid", unet={"stem_stride": 2}), "stem_stride must be null, got 2"),
        (settings("centroid", unet={"max_stride": 12}), "max_stride must be a power of 2, at least 2, got 12"),
        (settings("centroid", unet={"filters": 10**9}), "filters: .*less than or equal to 4096"),
        (settings("centered_instance", crop_size=None), "crop_size must be a number of px, got none"),
        (settings("centered_instance", crop_mode="bbox"), "crop_mode must be fixed, got bbox"),
        (settings("centroid", tiling={"enabled": True}), "tiling must not be enabled"),
        (settings("centroid", max_height="tall"), "max_height and max_width must be numbers of px or null"),
    ],
)
def test_settings_that_are_none_name_the_file_and_the_fault(read, values, fault):
    with pytest.raises(ModelError, match=rf"training_config\.yaml: must be the settings.*{fault}") as caught:
        read(values)
    assert "\n" not in str(caught.value)
