"""Networks of today's SLEAP: the tensors of a checkpoint, as a network of ours."""

import numpy as np
import pytest
from torch_files import OUTPUTS, STRIDES, write_checkpoint, write_nn_folder

from poseflow.config import KINDS
from poseflow.core.errors import ModelError
from poseflow.models.loading import load_model


def correlate(image, kernel, bias):
    """PyTorch's convolution: image (channels, height, width), kernel (filters, channels, size, size)."""
    size = kernel.shape[-1]
    padded = np.pad(image, ((0, 0), (size // 2, size // 2), (size // 2, size // 2)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), (1, 2))
    return np.einsum("chwij,fcij->fhw", windows, kernel) + bias[:, None, None]


def enlarge(image, kernel, bias):
    """PyTorch's transposed convolution of 3 x 3, stride 2, padding 1, output_padding 1."""
    _, height, width = image.shape
    full = np.zeros((kernel.shape[1], 2 * height + 1, 2 * width + 1))
    for row in range(3):
        for column in range(3):
            moved = np.einsum("chw,cf->fhw", image, kernel[:, :, row, column])
            full[:, row : row + 2 * height : 2, column : column + 2 * width : 2] += moved
    return full[:, 1:, 1:] + bias[:, None, None]


def pool(image):
    channels, height, width = image.shape
    return image.reshape(channels, height // 2, 2, width // 2, 2).max(axis=(2, 4))


def run_twin(arrays, kind, image):
    """Outputs of the network by their names in the checkpoint; image (height, width) from 0 to 1."""
    remaining = iter(arrays.values())

    def take():
        return next(remaining), next(remaining)

    features, skips = image[None], []
    for _level in range(3):
        for _ in range(2):
            features = np.maximum(correlate(features, *take()), 0)
        skips.append(features)
        features = pool(features)
    for _ in range(2):
        features = np.maximum(correlate(features, *take()), 0)
    deepest, by_stride = features, {}
    for stride, skip in ((4, skips[2]), (2, skips[1])):
        features = np.maximum(enlarge(features, *take()), 0)
        features = np.concatenate([skip, features])
        for _ in range(2):
            features = np.maximum(correlate(features, *take()), 0)
        by_stride[stride] = features
    outputs = []
    for name, _ in OUTPUTS[kind]:
        if name == "ClassVectorsHead":
            vector = deepest.max(axis=(1, 2))
            for _ in range(2):
                kernel, bias = take()
                vector = np.maximum(kernel @ vector + bias, 0)
            kernel, bias = take()
            powers = np.exp(kernel @ vector + bias)
            outputs.append(powers / powers.sum())
            continue
        maps = correlate(by_stride[STRIDES.get(name, 2)], *take()).transpose(1, 2, 0)
        outputs.append(1 / (1 + np.exp(-maps)) if name == "ClassMapsHead" else maps)
    return outputs


@pytest.mark.slow
@pytest.mark.backend
@pytest.mark.parametrize("kind", OUTPUTS)
def test_every_kind_draws_what_pytorch_draws(tmp_path, kind):
    arrays = write_nn_folder(tmp_path, kind)
    model = load_model(tmp_path)
    image = np.random.default_rng(0).integers(0, 255, (16, 24)).astype(np.uint8)
    found = model.network(image[None, ..., None])
    assert list(found) == list(KINDS[model.config.kind].heads)
    for own, expected in zip(found.values(), run_twin(arrays, kind, image / 255), strict=True):
        np.testing.assert_allclose(np.asarray(own)[0], expected, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda arrays: arrays.pop("model.head_layers.0.CentroidConfmapsHead.0.bias"), "it must hold model.*got none"),
        (
            lambda arrays: arrays.update({"model.head_layers.0.CentroidConfmapsHead.0.weight": np.zeros((2, 8, 1, 1))}),
            r"must have shape \(1, 8, 1, 1\) by the settings, got \(2, 8, 1, 1\)",
        ),
        (lambda arrays: arrays.update({"model.more.bias": np.zeros(2)}), "got more.bias too"),
        (lambda arrays: next(iter(arrays.values())).fill(np.nan), "must be finite numbers"),
    ],
)
def test_weights_that_do_not_fit_the_settings_are_one_line(tmp_path, change, fault):
    arrays = write_nn_folder(tmp_path, "centroid")
    change(arrays)
    write_checkpoint(tmp_path / "best.ckpt", arrays)
    with pytest.raises(ModelError, match=rf"best\.ckpt: .*{fault}"):
        load_model(tmp_path)


def test_a_missing_file_is_named(tmp_path):
    write_nn_folder(tmp_path, "centroid")
    (tmp_path / "best.ckpt").unlink()
    with pytest.raises(ModelError, match=r"must be a model folder with training_config\.yaml, best\.ckpt, got none of"):
        load_model(tmp_path)
