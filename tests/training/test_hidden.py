"""Hidden nodes: their marks move with them, a network learns them, and says so of a recording."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import sleap_io as sio
from blobs import SIZE, SKELETON, BlobPackage, draw_frame, draw_points, make_package
from hypothesis import given, settings
from hypothesis import strategies as st

from poseflow.config import (
    AugmentationConfig,
    HeadConfig,
    InputConfig,
    LabelsConfig,
    ModelConfig,
    PredictConfig,
    TrainingConfig,
)
from poseflow.core.errors import LabelsError
from poseflow.core.skeleton import Skeleton
from poseflow.inference.predictor import load_predictor
from poseflow.inference.whole import put_together
from poseflow.labels import FrameLabels, read_labels, write_package
from poseflow.media import write_video
from poseflow.models.loading import load_model
from poseflow.networks.backbones.unet import UNet
from poseflow.networks.heads.visibility import Visibility
from poseflow.training import train_model
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


def draw_covered(count: int, seed: int) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray]:
    """Images of an animal, its points (1, 2, 2), and whether something lies over its head (count,)."""
    rng = np.random.default_rng(seed)
    images, poses, covered = [], [], rng.random(count) < 0.5
    for is_covered in covered:
        points = draw_points(1, rng) + 18
        image = draw_frame(points)
        if is_covered:
            x, y = np.rint(points[0, 0] + rng.uniform(-2, 2, 2)).astype(int).tolist()
            cv2.rectangle(image, (x - 8, y - 8), (x + 8, y + 8), 70, -1)
        images.append(image)
        poses.append(points)
    return images, poses, covered


def write_covered(folder: Path, name: str, count: int, seed: int) -> Path:
    """A package made of a label file, in which covered heads are hidden."""
    folder.mkdir(parents=True, exist_ok=True)
    images, poses, covered = draw_covered(count, seed)
    files = [str(folder / f"{name}{number:04d}.png") for number in range(count)]
    for file, image in zip(files, images, strict=True):
        cv2.imwrite(file, image)
    video, skeleton = sio.Video.from_filename(files), sio.Skeleton(list(SKELETON.nodes), edges=[("head", "tail")])
    frames = []
    for number, (points, is_covered) in enumerate(zip(poses, covered, strict=True)):
        given = np.column_stack([points[0], [not is_covered, True]])
        frames.append(sio.LabeledFrame(video, number, [sio.Instance.from_numpy(given, skeleton=skeleton)]))
    sio.save_slp(sio.Labels(frames), str(folder / f"{name}.slp"), embed=False, verbose=False)
    write_package(read_labels([folder / f"{name}.slp"], LabelsConfig(keep_hidden=True)), folder / f"{name}.pkg.slp")
    return folder / f"{name}.pkg.slp"


@pytest.mark.slow
def test_a_network_finds_covered_nodes_and_says_that_they_are_hidden(tmp_path: Path) -> None:
    config = profile("single_instance")
    training = TrainingConfig(
        max_epochs=2, steps_per_epoch=100, learning_rate=8e-3, warmup_steps=10, precision="float32", pictures_every=0
    )
    config = config.model_copy(update={"training": training})
    train, val = write_covered(tmp_path, "train", 60, 0), write_covered(tmp_path, "val", 8, 1)
    train_model(config, train, val, tmp_path / "model")
    images, poses, covered = draw_covered(40, 2)
    write_video(tmp_path / "clip.mp4", [image[..., 0] for image in images], fps=25)
    found = load_predictor(tmp_path / "model").predict(tmp_path / "clip.mp4")
    assert found.frame_idx.tolist() == list(range(40))
    away = np.linalg.norm(found.points - np.concatenate(poses), axis=-1)
    assert np.median(away[covered, 0]) < 5, "covered heads are found"
    right = (found.hidden[:, 0] > 0.5) == covered
    assert right.mean() > 0.9
    assert (found.hidden[:, 1] < 0.5).mean() > 0.9, "tails lie open"
    pytest.importorskip("onnxruntime", reason="needs poseflow[runtimes]")
    again = load_predictor(tmp_path / "model", runtime="onnxruntime").predict(np.stack(images))
    expected = load_predictor(tmp_path / "model").predict(np.stack(images))
    np.testing.assert_allclose(again.hidden, expected.hidden, atol=1e-3)
    whole = put_together([load_model(tmp_path / "model")], PredictConfig())
    assert set(whole.run(np.stack(images[:2]))) == {"peaks", "peak_vals"}, "what other programs know"
