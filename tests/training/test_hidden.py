"""Hidden nodes: their marks move with them, and labels must have some where a network is to learn them."""

import cv2
import numpy as np
import pytest
from blobs import SIZE, BlobPackage, make_package
from hypothesis import given, settings
from hypothesis import strategies as st

from poseflow.config import AugmentationConfig, HeadConfig, InputConfig, ModelConfig
from poseflow.core.errors import LabelsError
from poseflow.core.skeleton import Skeleton
from poseflow.labels import FrameLabels
from poseflow.networks.backbones.unet import UNet
from poseflow.networks.heads.visibility import Visibility
from poseflow.training.data import build_samples, complete_profile, iterate_batches

HIDDEN, VISIBLE = 200, 100
"""Grey values of spots."""
MICE = Skeleton.from_names(["nose", "left", "right", "tail"], [("nose", "tail")], [("left", "right")])
POSE = np.array([[0, -18], [-16, 0], [16, 0], [0, 18]], np.float32)


def draw_spots(hidden: np.ndarray) -> BlobPackage:
    """A package of frames, each of an animal whose nodes (frames, 4) are spots, brighter where they are hidden."""
    frames, images = [], []
    for number, marks in enumerate(hidden):
        canvas = np.zeros((SIZE, SIZE), np.uint8)
        points = POSE + SIZE // 2
        for (x, y), is_hidden in zip(points.tolist(), marks, strict=True):
            cv2.circle(canvas, (int(x), int(y)), 5, HIDDEN if is_hidden else VISIBLE, -1)
        frames.append(FrameLabels("spots", number, points[None], (None,), marks[None]))
        images.append(canvas[..., None])
    return BlobPackage(frames, images, skeleton=MICE)


def profile(kind: str, **augmentation: object) -> ModelConfig:
    plain = {"brightness": 0, "contrast": 0, "noise": 0}
    return ModelConfig(
        kind=kind,
        input=InputConfig(crop_px=64 if kind == "centered_instance" else None),
        backbone=UNet(filters=8, down_blocks=3),
        head=HeadConfig(output_stride=2, sigma_px=2.5, visibility=Visibility(weight=0.1, output_stride=4)),
        augmentation=AugmentationConfig(**{**plain, **augmentation}),
    )


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=3, max_size=3),
    st.integers(0, 99),
    st.booleans(),
    st.sampled_from(["single_instance", "centered_instance"]),
)
def test_marks_move_with_their_nodes(hidden: list, seed: int, flip: bool, kind: str) -> None:
    config = profile(kind, flip=flip)
    samples = build_samples(draw_spots(np.array(hidden)), config)
    batch = next(iterate_batches(samples, config.augmentation, batch_size=12, seed=seed))
    assert batch.hidden.shape == (12, 1, 4)
    for image, points, marks in zip(batch.images, batch.points[:, 0], batch.hidden[:, 0], strict=True):
        for (x, y), is_hidden in zip(points, marks, strict=True):
            if 3 < x < image.shape[1] - 4 and 3 < y < image.shape[0] - 4:
                assert image[round(float(y)), round(float(x)), 0] == (HIDDEN if is_hidden else VISIBLE)


def test_a_mirror_exchanges_the_marks_of_symmetric_nodes() -> None:
    config = profile("single_instance", flip=True, rotation_deg=0, scale=(1, 1), shift_px=0)
    samples = build_samples(draw_spots(np.array([[False, True, False, False]])), config)
    batch = next(iterate_batches(samples, config.augmentation, batch_size=40, seed=0))
    found = set(map(tuple, batch.hidden[:, 0].tolist()))
    assert found == {(False, True, False, False), (False, False, True, False)}


def test_labels_without_hidden_nodes_are_refused() -> None:
    with pytest.raises(LabelsError, match=r"blobs\.pkg\.slp: visibility must have hidden nodes.*labels\.keep_hidden"):
        complete_profile(make_package(2), profile("bottom_up"))
    assert complete_profile(make_package(2), profile("centroid")), "it draws no nodes"
    assert complete_profile(draw_spots(np.eye(4, dtype=bool)), profile("single_instance"))
