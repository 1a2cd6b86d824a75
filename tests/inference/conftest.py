"""A trained top-down pair and a recording of blobs, shared by the tests of inference."""

import numpy as np
import pytest
from blobs import TOLD_APART, draw_frame, write_blobs
from made_once import made_once

from poseflow.config import (
    HeadConfig,
    InputConfig,
    ModelConfig,
    TrainingConfig,
)
from poseflow.media import index_video, write_video
from poseflow.networks.backbones.unet import UNet
from poseflow.networks.heads.class_maps import ClassMaps
from poseflow.networks.heads.class_vector import ClassVector
from poseflow.networks.heads.part_affinity_fields import PartAffinityFields
from poseflow.training import train_model

FRAMES = 43
TRAINING = TrainingConfig(
    max_epochs=2, steps_per_epoch=100, learning_rate=8e-3, warmup_steps=10, precision="float32", pictures_every=0
)


@pytest.fixture(scope="session")
def blob_models(pytestconfig):
    """Folders of a centroid and a centered_instance model that find blobs well."""

    def train(folder):
        packages = write_blobs(folder / "labels", "train", 40), write_blobs(folder / "labels", "val", 4, seed=1)
        for kind, scale in (("centroid", 0.5), ("centered_instance", 1.0)):
            config = ModelConfig(
                kind=kind,
                input=InputConfig(scale=scale, crop_px=48 if kind == "centered_instance" else None),
                backbone=UNet(filters=8, down_blocks=3 if kind == "centroid" else 2, convs_per_block=1),
                head=HeadConfig(output_stride=2, sigma_px=2.5),
                training=TRAINING,
            )
            train_model(config, *packages, folder / kind)

    folder = made_once(pytestconfig, "blob_models", train)
    return folder / "centroid", folder / "centered_instance"


@pytest.fixture(scope="session")
def one_pass_models(pytestconfig):
    """Folders, by kind, of models that find named blobs: bottom_up and the multi_class kinds."""

    def train(folder):
        names = ("female", "male")
        packages = (
            write_blobs(folder / "labels", "train", 40, names=names),
            write_blobs(folder / "labels", "val", 4, seed=1, names=names),
        )
        for kind in ("bottom_up", "multi_class_bottom_up", "multi_class_top_down"):
            config = ModelConfig(
                kind=kind,
                input=InputConfig(crop_px=48),
                backbone=UNet(filters=8, down_blocks=3, convs_per_block=1),
                head=HeadConfig(
                    output_stride=2,
                    sigma_px=2.5,
                    part_affinity_fields=PartAffinityFields(output_stride=4, sigma_px=5),
                    class_maps=ClassMaps(output_stride=2, radius_px=4),
                    class_vector=ClassVector(units=32, weight=0.01),
                ),
                training=TRAINING,
            )
            train_model(config, *packages, folder / kind)

    return made_once(pytestconfig, "one_pass_models", train)


@pytest.fixture(scope="session")
def blob_points():
    """(frames, 2 animals, 2 nodes, 2): two animals that turn and drift."""
    time = np.arange(FRAMES)[:, None]
    centers = np.array([[26.0, 30.0], [68.0, 60.0]]) + time[..., None] * np.array([[0.2, 0.1], [-0.1, 0.15]])
    angles = time * 0.07 + np.array([0.0, 2.0])
    along = 9 * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return np.stack([centers + along, centers - along], axis=2).astype(np.float32)


@pytest.fixture(scope="session")
def named_video(tmp_path_factory, blob_points):
    """Index of the same recording with animals that differ: the first is `female`."""
    path = tmp_path_factory.mktemp("video") / "named.mp4"
    write_video(path, (draw_frame(points, TOLD_APART) for points in blob_points), 25, crf=10, gop=10)
    return index_video(path)


@pytest.fixture(scope="session")
def blob_video(tmp_path_factory, blob_points):
    """Index of the recording of `blob_points`: H.264 with B-frames, a keyframe each 10 frames."""
    path = tmp_path_factory.mktemp("video") / "blobs.mp4"
    write_video(path, (draw_frame(points) for points in blob_points), 25, crf=10, gop=10)
    return index_video(path)
