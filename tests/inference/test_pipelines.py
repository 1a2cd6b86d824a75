"""Pipelines whose networks draw the truth: what is left is decoding and assembly, exact and quick."""

from pathlib import Path

import numpy as np
import pytest
from keras import ops

from poseflow.config import (
    HeadConfig,
    InputConfig,
    ModelConfig,
    PredictConfig,
)
from poseflow.core.geometry import scale_points
from poseflow.core.skeleton import Skeleton
from poseflow.inference import load_pipeline
from poseflow.inference.runtimes import keras as keras_runtime
from poseflow.models.trained import TrainedModel
from poseflow.networks.backbones.unet import UNet
from poseflow.networks.build import draw_targets
from poseflow.networks.heads.class_maps import ClassMaps
from poseflow.networks.heads.part_affinity_fields import PartAffinityFields
from poseflow.networks.heads.visibility import Visibility

pytestmark = pytest.mark.backend

SKELETON = Skeleton(nodes=("nose", "hub", "tail"), edges=((1, 0), (1, 2)))
NAMES = ("anna", "bert", "carl")
SIZE = (150, 210)  # no multiple of a stride
POSE = np.array([[-20, 4], [0, 0], [22, 6]], np.float32)


def animals(*places):
    """Points (n, 3, 2) of animals at hubs (x, y)."""
    return np.array([POSE + np.array(place) for place in places], np.float32).reshape(-1, 3, 2)


def build(monkeypatch, kind, frames, classes, scale=1.0, hidden=None, **settings):
    """Pipeline over a batch of frames whose points (animals, 3, 2) and classes are known to the network.

    And, if `hidden` has an array of each, which nodes (animals, 3) are hidden.
    """
    most = max(map(len, frames)) or 1
    points = np.full((len(frames), most, 3, 2), np.nan, np.float32)
    numbers = np.full((len(frames), most), -1, np.int32)
    marks = np.zeros(points.shape[:3], bool)
    for frame, own in enumerate(hidden or ()):
        marks[frame, : len(own)] = own
    for frame, (own, own_classes) in enumerate(zip(frames, classes, strict=True)):
        points[frame, : len(own)], numbers[frame, : len(own)] = scale_points(own, scale), own_classes
    config = ModelConfig(
        kind=kind,
        input=InputConfig(scale=scale),
        backbone=UNet(down_blocks=3),
        head=HeadConfig(
            output_stride=2,
            sigma_px=2.0,
            identities=NAMES if kind == "multi_class_bottom_up" else None,
            part_affinity_fields=PartAffinityFields(output_stride=4, sigma_px=4),
            class_maps=ClassMaps(output_stride=4, radius_px=4),
            visibility=Visibility(weight=0 if hidden is None else 1, output_stride=4, radius_px=4),
        ),
    )

    def network(images, training):
        return draw_targets(points, numbers, images.shape[1:3], config, SKELETON, marks)

    monkeypatch.setattr(
        keras_runtime, "load_model", lambda folder, _: TrainedModel(Path(folder), config, SKELETON, network)
    )
    pipeline = load_pipeline(["oracle"], PredictConfig(max_instances=4).model_copy(update=settings))
    return pipeline.find(np.zeros((len(frames), *SIZE, 1), np.uint8))


KINDS = pytest.mark.parametrize("kind", ["bottom_up", "multi_class_bottom_up"])


@pytest.mark.slow
@KINDS
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_what_the_network_draws_is_found(monkeypatch, kind, scale):
    frames = [animals((40, 40), (150, 60), (90, 110)), animals((60, 100), (100, 40))]
    found = build(monkeypatch, kind, frames, [[2, 0, 1], [1, 2]], scale)
    assert found.frame_idx.tolist() == [0, 0, 0, 1, 1]
    for number, (truth, names) in enumerate(zip(frames, [[2, 0, 1], [1, 2]], strict=True)):
        own = found.take(found.frame_idx == number)
        distance = np.linalg.norm(truth[:, None] - own.points[None], axis=-1).max(axis=-1)
        assert distance.min(axis=1).max() < 0.3 / scale
        if kind != "bottom_up":
            assert own.class_scores[distance.argmin(axis=1)].argmax(axis=1).tolist() == names


@pytest.mark.parametrize("scale", [1.0, 0.5])
@pytest.mark.parametrize("kind", ["single_instance", "bottom_up", "multi_class_bottom_up"])
def test_a_node_is_hidden_where_the_network_draws_it_so(monkeypatch, kind, scale):
    rng = np.random.default_rng(3)
    places = [(40, 40)] if kind == "single_instance" else [(40, 40), (150, 60), (90, 110)]
    frames, hidden = [animals(*places)] * 4, [rng.random((len(places), 3)) < 0.5 for _ in range(4)]
    frames[1] = frames[1].copy()
    frames[1][0, 2] = np.nan
    found = build(monkeypatch, kind, frames, [range(len(places))] * 4, scale, hidden)
    assert len(found) == 4 * len(places)
    for number, (truth, marks) in enumerate(zip(frames, hidden, strict=True)):
        own = found.take(found.frame_idx == number)
        which = np.linalg.norm(truth[:, None, 1] - own.points[None, :, 1], axis=-1).argmin(axis=1)
        expected = np.where(np.isnan(truth[..., 0]), np.nan, marks)
        np.testing.assert_array_equal(own.hidden[which], expected)


def test_without_the_head_nothing_is_said_of_hidden_nodes(monkeypatch):
    found = build(monkeypatch, "bottom_up", [animals((40, 40))], [[0]])
    assert found.hidden.shape == (1, 0)
    assert not found.tells_hidden


def test_in_a_crop_a_node_is_read_where_it_lies(monkeypatch):
    """Networks that say where by the frame's own pixels, and of each cell its column."""
    places = np.array([[30, 40], [90, 60]])
    image = np.zeros((1, 96, 128, 1), np.uint8)
    for x, y in places:
        image[0, y, x - 10], image[0, y, x + 10] = 255, 200
    skeleton = Skeleton(nodes=("nose", "tail"))
    head = HeadConfig(output_stride=1, sigma_px=2.0, visibility=Visibility(weight=1, output_stride=4))
    backbone = UNet(down_blocks=3)
    configs = {
        "centroid": ModelConfig(kind="centroid", backbone=backbone, head=head),
        "crops": ModelConfig(kind="centered_instance", input=InputConfig(crop_px=48), backbone=backbone, head=head),
    }

    def find_anchors(images, training):
        anchors = places[None, :, None].astype(np.float32)
        return draw_targets(anchors, np.zeros((1, 2), np.int32), images.shape[1:3], configs["centroid"], skeleton)

    def find_nodes(images, training):
        spots = ops.concatenate([ops.cast(images == value, "float32") for value in (255, 200)], axis=-1)
        columns = ops.broadcast_to(ops.arange(12, dtype="float32")[:, None], (ops.shape(images)[0], 12, 12, 2))
        return {"confidence_maps": spots, "visibility": columns + np.array([0, 100], np.float32)}

    networks = {"centroid": find_anchors, "crops": find_nodes}
    monkeypatch.setattr(
        keras_runtime,
        "load_model",
        lambda folder, _: TrainedModel(Path(folder), configs[str(folder)], skeleton, networks[str(folder)]),
    )
    pipeline = load_pipeline(["centroid", "crops"], PredictConfig(max_instances=4))
    assert pipeline.tells_hidden
    found = pipeline.find(image)
    found = found.take(np.argsort(found.points[:, 0, 0]))
    away = np.array([[-10, 0], [10, 0]])
    np.testing.assert_allclose(found.points, places[:, None] + away, atol=1e-3)
    columns = found.hidden - [0, 100]
    np.testing.assert_array_equal(columns, np.round(columns))
    np.testing.assert_allclose(np.diff(columns)[:, 0], 20 / 4, atol=1)
    np.testing.assert_allclose(columns.mean(axis=1), 24 / 4, atol=1)


@pytest.mark.slow
def test_a_single_instance_model_gives_one_animal_a_frame_or_none(monkeypatch):
    """Of two animals each node is where its map is highest, so they are for other kinds; one that left has no row."""
    here, there = animals((40, 40)), animals((150, 60))
    found = build(
        monkeypatch, "single_instance", [here, animals(), there, np.concatenate([here, here])], [[0], [], [0], [0, 1]]
    )
    assert found.frame_idx.tolist() == [0, 2, 3]
    np.testing.assert_allclose(found.points, np.concatenate([here, there, here]), atol=0.3)


@pytest.mark.slow
@KINDS
def test_no_animal_in_any_frame(monkeypatch, kind):
    found = build(monkeypatch, kind, [animals(), animals()], [[], []])
    assert found.points.shape == (0, 3, 2)
    assert found.class_scores.shape == (0, 0 if kind == "bottom_up" else 3)


@pytest.mark.slow
@KINDS
def test_of_more_animals_than_allowed_the_best_stay(monkeypatch, kind):
    frame = animals((40, 40), (150, 60), (90, 110))
    frame[0, 0] = np.nan
    found = build(monkeypatch, kind, [frame], [[0, 1, 2]], max_instances=2)
    assert len(found) == 2
    assert np.isfinite(found.points).all(), "the one with a missing node is left out"
    assert (np.diff(found.score) <= 0).all()


@pytest.mark.slow
def test_animals_that_overlap_entirely_are_one_and_it_has_one_name(monkeypatch):
    frame = animals((80, 60), (80, 60))
    assert len(build(monkeypatch, "bottom_up", [frame], [[0, 1]])) == 1
    found = build(monkeypatch, "multi_class_bottom_up", [frame], [[0, 1]])
    assert len(found) == 1
    np.testing.assert_allclose(found.class_scores, [[1, 1, 0]])


@pytest.mark.slow
def test_crossing_animals_are_told_apart_by_their_fields(monkeypatch):
    frame = np.array([[[40, 60], [70, 60], [100, 60]], [[70, 30], [76, 66], [72, 95]]], np.float32)
    found = build(monkeypatch, "bottom_up", [frame], [[0, 1]])
    distance = np.linalg.norm(frame[:, None] - found.points[None], axis=-1).max(axis=-1)
    assert distance.min(axis=1).max() < 1
    assert len(found) == 2


@pytest.mark.slow
def test_a_hidden_node_in_the_tree_leaves_the_largest_piece(monkeypatch):
    """Without its hub an animal falls apart into lone parts, which are no animals."""
    frame = animals((40, 40), (150, 60))
    frame[0, 1] = np.nan
    found = build(monkeypatch, "bottom_up", [frame], [[0, 1]])
    np.testing.assert_allclose(found.points, frame[1:], atol=0.3)


@pytest.mark.slow
def test_edges_that_are_too_long_are_not_joined(monkeypatch):
    frame = np.array([[[10, 20], [30, 20], [190, 120]]], np.float32)
    config = PredictConfig().grouping
    strict = config.model_copy(update={"max_edge_length": 0.1, "length_penalty": 2.0})
    found = build(monkeypatch, "bottom_up", [frame], [[0]], grouping=strict)
    assert np.isnan(found.points[0, 2]).all()
    free = config.model_copy(update={"max_edge_length": None})
    assert np.isfinite(build(monkeypatch, "bottom_up", [frame], [[0]], grouping=free).points).all()
