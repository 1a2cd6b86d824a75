"""Residual networks that `keras.applications` lacks: ResNet 18 and 34, SE-ResNet, ResNeXt, SE-ResNeXt and SENet."""

from typing import Any, NamedTuple

from pydantic import Field, field_validator

from poseflow.config.parts import RESNETS
from poseflow.networks.backbones.encoder import ColorEncoder, prepare_pixels
from poseflow.networks.blocks import connect_convolution
from poseflow.networks.lazy import layers

Tensor = Any
SQUEEZE = 16  # channels of a gate's inner layer: one in so many
WIDTHS = (64, 128, 256, 512)


class Plan(NamedTuple):
    """What tells the networks apart."""

    units: tuple[int, int, int, int]
    bottleneck: bool = True
    gate: bool = False
    """Squeeze-and-excitation of each unit."""
    groups: int = 1
    inner: tuple[float, float] = (1.0, 1.0)
    """Filters of a bottleneck's first and second convolution, as factors of the stage's width."""
    deep_stem: bool = False
    """Three convolutions of 3 x 3 in place of one of 7 x 7; shortcuts of 3 x 3 where the size changes."""


X32: dict[str, Any] = {"groups": 32, "inner": (2.0, 2.0)}
PLANS = {
    "resnet18": Plan((2, 2, 2, 2), bottleneck=False),
    "resnet34": Plan((3, 4, 6, 3), bottleneck=False),
    "seresnet18": Plan((2, 2, 2, 2), bottleneck=False, gate=True),
    "seresnet34": Plan((3, 4, 6, 3), bottleneck=False, gate=True),
    "seresnet50": Plan((3, 4, 6, 3), gate=True),
    "seresnet101": Plan((3, 4, 23, 3), gate=True),
    "seresnet152": Plan((3, 8, 36, 3), gate=True),
    "resnext50": Plan((3, 4, 6, 3), **X32),
    "resnext101": Plan((3, 4, 23, 3), **X32),
    "seresnext50": Plan((3, 4, 6, 3), gate=True, **X32),
    "seresnext101": Plan((3, 4, 23, 3), gate=True, **X32),
    "senet154": Plan((3, 8, 36, 3), gate=True, groups=64, inner=(2.0, 4.0), deep_stem=True),
}


class ResNet(ColorEncoder):
    """A residual network; one row of `PLANS` each.

    The stride is in a unit's 3 x 3 convolution. Sources: He et al. 2016 (ResNet), Xie et al. 2017 (ResNeXt, 32 x 4d),
    Hu et al. 2018 (SE-ResNet, SE-ResNeXt, SENet-154).
    """

    name: str = Field(description="Its architecture.", json_schema_extra={"enum": list(RESNETS)})

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if name not in PLANS:
            raise ValueError(f"name must be one of {', '.join(PLANS)}, got {name}")
        return name

    @property
    def max_stride(self) -> int:
        """The same for all of them."""
        return 32

    @property
    def plan(self) -> Plan:
        """What the network is made of."""
        return PLANS[self.name]

    def encode(self, image: Tensor) -> dict[int, Tensor]:
        """Connect stem and four stages; features of each stride are the stage's last."""
        features = self._connect_stem(prepare_pixels(image, "torch"))
        by_stride = {2: features}
        features = layers.MaxPooling2D(3, 2, padding="same", name="stem_pool")(features)
        for stage, (width, units) in enumerate(zip(WIDTHS, self.plan.units, strict=True)):
            for unit in range(units):
                stride = 2 if stage and not unit else 1
                features = self._connect_unit(features, width, stride, f"stage{stage}_unit{unit}")
            by_stride[4 * 2**stage] = features
        return by_stride

    def _connect_stem(self, image: Tensor) -> Tensor:
        if not self.plan.deep_stem:
            return connect_convolution(image, self, "stem_conv0", 64, 7, relu="stem_relu0", strides=2)
        for number, (filters, stride) in enumerate(((64, 2), (64, 1), (128, 1))):
            name = f"stem_conv{number}"
            image = connect_convolution(image, self, name, filters, 3, relu=f"stem_relu{number}", strides=stride)
        return image

    def _connect_unit(self, features: Tensor, width: int, stride: int, name: str) -> Tensor:
        plan = self.plan
        filters = 4 * width if plan.bottleneck else width
        inner = (
            self._connect_bottleneck(features, width, stride, name)
            if plan.bottleneck
            else self._connect_basic(features, width, stride, name)
        )
        if plan.gate:
            inner = _connect_gate(inner, name)
        if stride > 1 or features.shape[-1] != filters:
            size = 3 if plan.deep_stem and stride > 1 else 1
            features = connect_convolution(features, self, f"{name}_shortcut", filters, size, strides=stride)
        return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([features, inner]))

    def _connect_basic(self, features: Tensor, width: int, stride: int, name: str) -> Tensor:
        first = connect_convolution(
            features, self, f"{name}_conv0", width, 3, relu=f"{name}_conv0_relu", strides=stride
        )
        return connect_convolution(first, self, f"{name}_conv1", width, 3)

    def _connect_bottleneck(self, features: Tensor, width: int, stride: int, name: str) -> Tensor:
        narrow, wide = (round(width * factor) for factor in self.plan.inner)
        first = connect_convolution(features, self, f"{name}_conv0", narrow, 1, relu=f"{name}_conv0_relu")
        second = connect_convolution(
            first,
            self,
            f"{name}_conv1",
            wide,
            3,
            relu=f"{name}_conv1_relu",
            strides=stride,
            groups=self.plan.groups,
        )
        return connect_convolution(second, self, f"{name}_conv2", 4 * width, 1)


def _connect_gate(features: Tensor, name: str) -> Tensor:
    """Squeeze-and-excitation: each channel times a factor that depends on all channels' means."""
    channels = features.shape[-1]
    mean = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_squeeze")(features)
    inner = layers.Dense(channels // SQUEEZE, activation="relu", name=f"{name}_gate0")(mean)
    gate = layers.Dense(channels, activation="sigmoid", name=f"{name}_gate1")(inner)
    return layers.Multiply(name=f"{name}_gated")([features, gate])
