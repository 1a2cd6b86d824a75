"""Networks: shapes, strides, receptive field, precision."""

import numpy as np
import pytest

from poseflow.config import BackboneConfig, HeadConfig, ModelConfig, TrainingConfig
from poseflow.errors import ConfigError
from poseflow.models import build_model
from poseflow.skeleton import Skeleton

SKELETON = Skeleton(nodes=("a", "b", "c"))
FLOAT32 = TrainingConfig(precision="float32")


def small(kind="centered_instance", stride=4, **backbone):
    return ModelConfig(
        kind=kind,
        backbone=BackboneConfig(filters=4, down_blocks=3, **backbone),
        head=HeadConfig(output_stride=stride),
        training=FLOAT32,
    )


@pytest.mark.parametrize(("kind", "depth"), [("single_instance", 3), ("centered_instance", 3), ("centroid", 1)])
@pytest.mark.parametrize("stride", [1, 2, 4, 8])
def test_maps_have_the_heads_stride_and_depth(kind, depth, stride):
    model = build_model(small(kind, stride), SKELETON)
    maps = model(np.zeros((2, 32, 48, 1), np.uint8))
    assert {name: tuple(value.shape) for name, value in maps.items()} == {
        "confidence_maps": (2, 32 // stride, 48 // stride, depth)
    }


@pytest.mark.parametrize("options", [{"up": "transposed"}, {"skip": "add"}, {"skip": "add", "up": "transposed"}])
def test_variants_of_the_decoder_can_be_built(options):
    maps = build_model(small(**options), SKELETON)(np.zeros((1, 32, 32, 1), np.uint8))
    assert tuple(maps["confidence_maps"].shape) == (1, 8, 8, 3)


def test_maps_are_float32_in_mixed_precision():
    config = small().model_copy(update={"training": TrainingConfig(precision="mixed_bfloat16")})
    model = build_model(config, SKELETON)
    assert str(np.asarray(model(np.zeros((1, 32, 32, 1), np.uint8))["confidence_maps"]).dtype) == "float32"
    assert {weight.dtype for weight in model.weights} == {"float32"}


def test_a_kind_that_cannot_be_built_is_named():
    with pytest.raises(ConfigError, match="got 'bottom_up'"):
        build_model(small("bottom_up"), SKELETON)
