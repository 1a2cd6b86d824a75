"""Settings that SLEAP wrote, in our terms."""

import json

import pytest
from sleap_folders import node, settings

from poseflow.core.errors import ModelError
from poseflow.models import read_model_folder


@pytest.fixture
def read(tmp_path):
    def write_and_read(values):
        (tmp_path / "training_config.json").write_text(values if isinstance(values, str) else json.dumps(values))
        return read_model_folder(tmp_path)

    return write_and_read


def test_a_skeleton_is_read_through_its_references(read):
    skeleton = read(settings()).skeleton
    assert skeleton.nodes == ("head", "thorax", "left", "right")
    assert [tuple(skeleton.nodes[i] for i in edge) for edge in skeleton.edges] == [
        ("thorax", "right"),
        ("thorax", "head"),
        ("thorax", "left"),
    ]
    assert skeleton.symmetries == ((2, 3),)


def test_the_heads_have_the_last_word_on_the_order_of_nodes_and_edges(read):
    maps = {"part_names": ["right", "left", "thorax", "head"], "sigma": 2.5, "output_stride": 4}
    fields = {"edges": [["thorax", "left"], ["thorax", "head"]], "output_stride": 8, "sigma": 20}
    found = read(settings("multi_instance", {"confmaps": maps, "pafs": fields}))
    assert found.config.kind == "bottom_up"
    assert found.skeleton.nodes == ("right", "left", "thorax", "head")
    assert found.skeleton.edges == ((2, 1), (2, 3))


def test_preprocessing_becomes_an_input_of_ours(read):
    config = read(settings("centered_instance", ensure_rgb=True)).config
    assert config.input.model_dump() == {
        "channels": 3,
        "scale": 0.5,
        "crop_px": 96,
        "anchor": "thorax",
        "heading": None,
    }
    assert (config.head.output_stride, config.head.sigma_px, config.backbone.down_blocks) == (4, 2.5, 4)


def test_frames_have_a_size_where_both_sides_are_given_and_it_is_asked_for(read):
    size = {"target_height": 80, "target_width": 100}
    assert read(settings(**size)).frame_size is None
    assert read(settings(resize_and_pad_to_target=True)).frame_size is None
    assert read(settings(resize_and_pad_to_target=True, **size)).frame_size == (80, 100)


def test_heads_have_their_own_strides_and_classes_are_the_animals_that_are_told_apart(read):
    maps = settings()["model"]["heads"]["single_instance"]
    fields = {"edges": [["thorax", "head"]], "output_stride": 8, "sigma": 20}
    head = read(settings("multi_instance", {"confmaps": maps, "pafs": fields})).config.head
    fields = head.settings_of("part_affinity_fields")
    assert (fields.output_stride, fields.sigma_px) == (8, 20)
    classes = {"classes": ["f", "m"], "output_stride": 2, "sigma": 5}
    for name, kind, key in (
        ("multi_class_topdown", "multi_class_top_down", "class_vectors"),
        ("multi_class_bottomup", "multi_class_bottom_up", "class_maps"),
    ):
        config = read(settings(name, {"confmaps": maps, key: classes})).config
        assert (config.kind, config.head.identities) == (kind, ("f", "m"))
    maps = config.heads["class_maps"]
    assert (maps.output_stride, maps.radius_px) == (2, 5)


@pytest.mark.parametrize("head", ["centroid", "single_instance"])
def test_a_skeleton_that_the_model_has_not_learnt_is_passed_over(read, head):
    values = settings(head)
    if head == "centroid":
        del values["model"]["heads"]["centroid"]["part_names"]
    unused = {"nodes": [], "links": []} if head == "centroid" else {"nodes": [{"id": node("corner")}], "links": []}
    values["data"]["labels"]["skeletons"].insert(0, unused)
    assert read(values).skeleton.nodes == ("head", "thorax", "left", "right")


def test_a_byte_order_mark_changes_nothing(read):
    assert read("\ufeff" + json.dumps(settings())).config.kind == "single_instance"


def without_skeleton():
    values = settings()
    values["data"]["labels"]["skeletons"] = []
    return values


def without_classes():
    values = settings("multi_class_topdown")
    head = values["model"]["heads"]["multi_class_topdown"]
    values["model"]["heads"]["multi_class_topdown"] = {"confmaps": head, "class_vectors": {"classes": None}}
    return values


def without_stride():
    values = settings()
    values["model"]["backbone"]["unet"]["max_stride"] = 0
    return values


def without_head():
    values = settings()
    values["model"]["heads"]["single_instance"] = None
    return values


def without_crop():
    values = settings("centered_instance")
    values["data"]["instance_cropping"]["crop_size"] = None
    return values


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ("{", "must be a JSON file"),
        ("[" * 100_000, "must be a JSON file"),
        (without_skeleton(), "skeletons must have one with the nodes head, .*got none"),
        (without_classes(), "classes must be the animals' names, got none"),
        (without_stride(), "max_stride must be a power of 2, got 0"),
        (settings(input_scaling=0), "scale: Input should be greater than 0"),
        (
            settings(resize_and_pad_to_target=True, target_height=-80, target_width=100),
            "target_height and target_width must be numbers of px",
        ),
        ({"data": {}}, "KeyError: 'model'"),
        ([], "TypeError"),
        (without_head(), "must have one of single_instance, .*got none"),
        (without_crop(), "crop_size must be a number of px, got none"),
        (settings(values={"output_stride": 3}), "output_stride must be a power of 2, got 3"),
        (settings(values={"part_names": ["head", "thorax"]}), "edges must join nodes of head, thorax, got left, right"),
    ],
)
def test_settings_that_are_none_name_the_file_and_the_fault(read, values, fault):
    with pytest.raises(ModelError, match=rf"training_config\.json: must be the settings of a SLEAP model.*{fault}"):
        read(values)
