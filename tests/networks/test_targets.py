"""Which targets each kind of model has."""

import numpy as np
import pytest

from poseflow.config import KINDS, HeadConfig, ModelConfig
from poseflow.core.skeleton import Skeleton
from poseflow.networks.build import build_model, draw_targets

pytestmark = pytest.mark.backend

SKELETON = Skeleton(nodes=("a", "b", "c"), edges=((0, 1), (1, 2)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_targets_have_the_shapes_of_the_networks_outputs(kind):
    config = ModelConfig(kind=kind, head=HeadConfig(identities=("x", "y")))
    nodes = 1 if kind == "centroid" else 3
    animals = 1 if kind == "multi_class_top_down" else 2
    points = np.full((2, animals, nodes, 2), 20, np.float32)
    classes = np.zeros((2, animals), np.int32)
    targets = draw_targets(points, classes, (64, 96), config, SKELETON)
    outputs = build_model(config, SKELETON)(np.zeros((2, 64, 96, 1), np.uint8))
    assert {name: tuple(value.shape) for name, value in targets.items()} == {
        name: tuple(value.shape) for name, value in outputs.items()
    }
    assert set(targets) == set(KINDS[kind].heads)
