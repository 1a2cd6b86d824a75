"""Every preprocessing option of SLEAP, against a slow twin of its inference: what networks see, and where points go.

Source of the twin: SLEAP 1.3, `sleap/nn/data/resizing.py` (SizeMatcher, resize_image, pad_to_stride), `sleap/nn/
inference.py` (SingleInstanceInferenceLayer, BottomUpMultiClassInferenceLayer) and `sleap/nn/identity.py`.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.optimize import linear_sum_assignment
from sleap_folders import write_sleap_folder

import poseflow
from poseflow.config import FlowConfig, GroupingConfig, PredictConfig

MAX_STRIDE, STRIDE, FRAME = 16, 4, (90, 134)
OPTIONS = pytest.mark.parametrize(
    ("channels", "scaling", "target"),
    [
        (1, 1.0, None),
        (3, 1.0, None),
        (1, 0.5, None),
        (3, 0.75, None),
        (1, 1.0, (96, 128)),
        (3, 0.5, (200, 160)),
    ],
    ids=["plain", "RGB", "half", "RGB at 3/4", "smaller frames", "larger frames in RGB at half"],
)
CONFIG = PredictConfig(
    batch_size=2,
    max_instances=100,
    peak_threshold=0,
    nms_oks=1,
    grouping=GroupingConfig(min_class_score=0, weigh_peaks=False),
    flow=FlowConfig(window_frames=0),
)


def match_size(image, target):
    """SizeMatcher: resized to fit, black below and at the right, and the factor."""
    if target is None or image.shape[:2] == target:
        return image, 1.0
    ratios = [np.float32(own) / np.float32(side) for own, side in zip(target, image.shape[:2], strict=True)]
    size = [int(np.float32(side) * min(ratios)) for side in image.shape[:2]]
    size[int(np.argmin(ratios))] = target[int(np.argmin(ratios))]
    resized = tf.image.resize(image, size, method="bilinear", antialias=False).numpy().astype(image.dtype)
    room = [(0, own - side) for own, side in zip(target, size, strict=True)]
    return np.pad(resized, (*room, (0, 0))), float(min(ratios))


def see(image, scaling):
    """What InferenceLayer.preprocess gives the network."""
    seen = image.astype(np.float32) / 255
    if scaling != 1:
        size = [int(np.float32(side) * np.float32(scaling)) for side in seen.shape[:2]]
        seen = tf.image.resize(seen, size, method="bilinear", antialias=False).numpy()
    return np.pad(seen, (*((0, -side % MAX_STRIDE) for side in seen.shape[:2]), (0, 0)))


def run_twin(network, image, scaling, target):
    """The network's maps, and the way back of points to the frame."""
    matched, factor = match_size(image, target)
    free = keras.models.clone_model(network, input_tensors=keras.Input((None, None, image.shape[-1])))
    free.set_weights(network.get_weights())
    outputs = [np.asarray(output)[0] for output in keras.tree.flatten(free(see(matched, scaling)[None]))]
    return outputs, lambda points: (points if scaling == 1 else points / scaling + 0.5) / factor


def integrate(maps, row, column):
    """Integral regression on 5 x 5 cells, with heights below 0 as they are."""
    patch = np.pad(maps.astype(np.float64), 2)[row : row + 5, column : column + 5]
    steps, mass = np.arange(5) - 2, patch.sum()
    return np.array([column + (patch * steps).sum() / mass, row + (patch.T * steps).sum() / mass])


@pytest.fixture(scope="module")
def frames():
    return np.random.default_rng(3).integers(0, 255, (2, *FRAME, 3)).astype(np.uint8)


def preprocessing(scaling, target):
    if target is None:
        return {"input_scaling": scaling}
    size = {"target_height": target[0], "target_width": target[1]}
    return {"input_scaling": scaling, "resize_and_pad_to_target": True, **size}


@pytest.mark.slow
@OPTIONS
def test_points_of_one_animal_are_sleaps(tmp_path, frames, channels, scaling, target):
    network = write_sleap_folder(tmp_path, "single_instance", channels, **preprocessing(scaling, target))
    images = frames[..., :channels]
    found = poseflow.load_model(tmp_path, config=CONFIG).predict(images)
    for number, image in enumerate(images):
        (maps,), to_frame = run_twin(network, image, scaling, target)
        cells = [np.unravel_index(maps[..., node].argmax(), maps.shape[:2]) for node in range(4)]
        expected = [to_frame(STRIDE * integrate(maps[..., node], *cell)) for node, cell in enumerate(cells)]
        heights = np.array([maps[(*cell, node)] for node, cell in enumerate(cells)])
        assert (heights > 0).any(), "or nothing is compared"
        (points,) = found.points[found.frame_idx == number]
        np.testing.assert_allclose(points[heights > 0], np.array(expected)[heights > 0], rtol=1e-3, atol=2e-3)
        assert np.isnan(points[heights < 0]).all()


def find_peaks(maps):
    """Rows and columns of cells above 0 and above their eight neighbors."""
    padded = np.pad(maps, 1, constant_values=-np.inf)
    around = [
        padded[r : r + maps.shape[0], c : c + maps.shape[1]] for r in range(3) for c in range(3) if (r, c) != (1, 1)
    ]
    return np.argwhere((maps > np.max(around, axis=0)) & (maps > 0))


@pytest.mark.slow
@pytest.mark.backend
@OPTIONS
def test_animals_of_the_bottom_up_identity_model_are_sleaps(tmp_path, frames, channels, scaling, target):
    network = write_sleap_folder(tmp_path, "multi_class_bottomup", channels, **preprocessing(scaling, target))
    images = frames[..., :channels]
    found = poseflow.load_model(tmp_path, config=CONFIG).predict(images)
    for number, image in enumerate(images):
        (maps, class_maps, offsets), to_frame = run_twin(network, image, scaling, target)
        expected = np.full((2, 4, 2), np.nan)
        for node in range(4):
            cells = find_peaks(maps[..., node])
            shift = offsets[cells[:, 0], cells[:, 1]][:, 2 * node : 2 * node + 2]
            peaks = cells[:, ::-1] + shift
            row, column = np.clip(np.round(peaks[:, ::-1]).astype(int), 0, np.array(class_maps.shape[:2]) - 1).T
            classes = class_maps[row, column]
            for peak, name in zip(*linear_sum_assignment(-classes), strict=True):
                if classes[peak, name] == classes[peak].max():
                    expected[name, node] = to_frame(STRIDE * peaks[peak])
        expected = expected[np.isfinite(expected).any(axis=(1, 2))]
        points = found.points[found.frame_idx == number]
        assert len(points) == len(expected) > 0
        for own in expected:
            assert any(np.allclose(own, pose, atol=2e-3, equal_nan=True) for pose in points)
