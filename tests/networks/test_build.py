"""Networks: shapes, strides, receptive field, precision."""

import numpy as np
import pytest
from pydantic import ValidationError

from poseflow.config import HeadConfig, ModelConfig, TrainingConfig
from poseflow.core.errors import ConfigError
from poseflow.core.skeleton import Skeleton
from poseflow.networks.backbones.unet import UNet
from poseflow.networks.build import build_model
from poseflow.networks.heads.class_maps import ClassMaps
from poseflow.networks.heads.part_affinity_fields import PartAffinityFields

pytestmark = pytest.mark.backend

SKELETON = Skeleton(nodes=("a", "b", "c"), edges=((0, 1), (1, 2)))
FLOAT32 = TrainingConfig(precision="float32")


def small(kind="centered_instance", stride=4, **backbone):
    return ModelConfig(
        kind=kind,
        backbone=UNet(filters=4, down_blocks=3, **backbone),
        head=HeadConfig(output_stride=stride),
        training=FLOAT32,
    )


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "depth"), [("single_instance", 3), ("centered_instance", 3), ("centroid", 1)])
@pytest.mark.parametrize("stride", [1, 2, 4, 8])
def test_maps_have_the_heads_stride_and_depth(kind, depth, stride):
    model = build_model(small(kind, stride), SKELETON)
    maps = model(np.zeros((2, 32, 48, 1), np.uint8))
    assert {name: tuple(value.shape) for name, value in maps.items()} == {
        "confidence_maps": (2, 32 // stride, 48 // stride, depth)
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "shapes"),
    [
        ("bottom_up", {"confidence_maps": (2, 8, 12, 3), "part_affinity_fields": (2, 4, 6, 4)}),
        ("multi_class_bottom_up", {"confidence_maps": (2, 8, 12, 3), "class_maps": (2, 16, 24, 2)}),
        ("multi_class_top_down", {"confidence_maps": (2, 8, 12, 3), "class_vector": (2, 2)}),
    ],
)
@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_every_head_has_its_own_stride_and_depth(kind, shapes, precision):
    head = HeadConfig(
        output_stride=4,
        identities=("female", "male"),
        part_affinity_fields=PartAffinityFields(output_stride=8),
        class_maps=ClassMaps(output_stride=2, radius_px=4),
    )
    config = small(kind).model_copy(update={"head": head, "training": TrainingConfig(precision=precision)})
    images = np.random.default_rng(0).integers(0, 255, (2, 32, 48, 1)).astype(np.uint8)
    outputs = build_model(config, SKELETON)(images)
    assert {name: tuple(value.shape) for name, value in outputs.items()} == shapes
    assert {str(np.asarray(value).dtype) for value in outputs.values()} == {"float32"}
    if "class_vector" in outputs:
        np.testing.assert_allclose(np.asarray(outputs["class_vector"]).sum(axis=1), 1, atol=1e-5)
    if "class_maps" in outputs:
        assert 0 <= np.asarray(outputs["class_maps"]).min() <= np.asarray(outputs["class_maps"]).max() <= 1


@pytest.mark.slow
def test_what_lies_in_the_middle_of_a_crop_says_most_about_whose_it_is():
    head = HeadConfig(output_stride=4, identities=("female", "male"))
    model = build_model(small("multi_class_top_down").model_copy(update={"head": head}), SKELETON)
    window = np.asarray(model.get_layer("class_vector_window")(np.ones((1, 5, 4, 2), np.float32)))
    y, x = np.mgrid[-0.4:0.5:0.2, -0.375:0.5:0.25]
    expected = np.exp(-(y**2 + x**2) / (2 * 0.2**2))
    np.testing.assert_allclose(window[0], np.stack([expected, expected], -1), rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"up": "transposed"}, {"skip": "add"}, {"skip": "add", "up": "transposed"}])
def test_variants_of_the_decoder_can_be_built(options):
    maps = build_model(small(**options), SKELETON)(np.zeros((1, 32, 32, 1), np.uint8))
    assert tuple(maps["confidence_maps"].shape) == (1, 8, 8, 3)


@pytest.mark.slow
def test_maps_are_float32_in_mixed_precision():
    config = small().model_copy(update={"training": TrainingConfig(precision="mixed_bfloat16")})
    model = build_model(config, SKELETON)
    assert str(np.asarray(model(np.zeros((1, 32, 32, 1), np.uint8))["confidence_maps"]).dtype) == "float32"
    assert {weight.dtype for weight in model.weights} == {"float32"}


@pytest.mark.slow
def test_a_head_without_channels_says_what_it_needs():
    with pytest.raises(ConfigError, match="bottom_up needs edges in the skeleton, got none"):
        build_model(small("bottom_up"), Skeleton(nodes=("a", "b")))
    with pytest.raises(ConfigError, match=r"multi_class_top_down needs head\.identities, got none"):
        build_model(small("multi_class_top_down"), SKELETON)


def test_a_stride_that_the_backbone_does_not_reach_is_named():
    fields = HeadConfig(part_affinity_fields=PartAffinityFields(output_stride=16))
    with pytest.raises(ValidationError, match="output_stride of part_affinity_fields must be at most 8, got 16"):
        ModelConfig(kind="bottom_up", backbone=UNet(down_blocks=3), head=fields)
    ModelConfig(kind="centroid", backbone=UNet(down_blocks=3), head=fields)
    with pytest.raises(ValidationError, match="radius_px must be at least output_stride"):
        ClassMaps(output_stride=4, radius_px=3)


def test_a_backbone_that_there_is_not_is_answered_with_those_that_there_are():
    with pytest.raises(
        ValidationError, match=r"backbone must be one of convnextbase, .*, got 'unett'; did you mean 'unet'"
    ):
        ModelConfig(kind="centroid", backbone={"name": "unett"})
    with pytest.raises(ValidationError, match="did you mean 'filters'"):
        ModelConfig(kind="centroid", backbone={"filterz": 8})


def test_a_head_has_its_settings_under_its_name_and_errors_say_where_they_are_wrong():
    head = HeadConfig(part_affinity_fields={"sigma_px": 3})
    profile = ModelConfig(kind="bottom_up", head=head)
    assert profile.heads["part_affinity_fields"] == PartAffinityFields(sigma_px=3)
    assert ModelConfig.model_validate(profile.model_dump()) == profile
    with pytest.raises(ValidationError, match=r"part_affinity_fields\n.*did you mean 'sigma_px'"):
        HeadConfig(part_affinity_fields={"sigma": 3})
    with pytest.raises(ValidationError, match="did you mean 'part_affinity_fields'"):
        HeadConfig(part_affinity_field={"sigma_px": 3})
    with pytest.raises(ValidationError, match="key must be one of output_stride"):
        HeadConfig(confidence_maps={"sigma_px": 3})
