"""Parts that a model profile names: what each must offer, and where ours stand.

Settings are read where nothing may import Keras (a plan, `poseflow --help`), and a part is one file with its settings
and its arithmetic. So a registry names the parts, which stand in rooms above, as entry points do, and a part's file
takes Keras from `poseflow.networks.lazy`, which imports it when it is first used.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    SerializeAsAny,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from poseflow.config.section import Section
from poseflow.core.registry import Registry
from poseflow.core.skeleton import Skeleton

Tensor = Any


def _check_power_of_2(value: int) -> int:
    if value < 1 or value & (value - 1):
        raise ValueError(f"output_stride must be a power of 2, got {value}")
    return value


Stride = Annotated[int, AfterValidator(_check_power_of_2)]


RANDOM = "random"
FILTER_MULTIPLE = 16  # filters that a processor computes at once: 17 cost what 32 do, and some kernels are far slower


@dataclass(frozen=True)
class Pretrained:
    """Weights that can be had for a backbone."""

    path: Path | None
    """Their file, whether or not it is there; None where the package that holds it is not installed."""
    remedy: str
    """How they are had, for a message."""
    automatic: bool
    """Whether a training fetches them by itself, where there is a network."""

    @property
    def is_here(self) -> bool:
        """Whether the file is on this machine."""
        return self.path is not None and self.path.is_file()


class Backbone(Section, ABC):
    """An encoder's settings, and those of the decoder, which is the same for all (`networks.decoder`).

    A backbone is a subclass with a `name` of its own, the one that it is registered under; an architecture of several
    sizes may be registered under the name of each.
    """

    sees_pixels: ClassVar[bool] = False
    """Whether `encode` is given the image as it is, 0 to 255, and prepares it itself; else it is standardized."""
    decodes: ClassVar[bool] = False
    """Whether `encode` gives features that are decoded already; the decoder goes on from the finest of them."""
    decoder_width: ClassVar[int] = 1
    """The decoder's filters at a stride are so many times what `filters` and `growth` say."""
    decoder_convs: ClassVar[int | None] = None
    """Convolutions of each of the decoder's levels; None: `convs_per_block`."""
    up_kernel: ClassVar[int] = 3
    """Size of the decoder's transposed convolutions."""

    name: str = Field(description="Its architecture.")
    weights: str = Field(
        RANDOM,
        description="Where training starts: random; imagenet or package, which `poseflow backbones` lists; or a model "
        "folder, ours or SLEAP's, of which all layers that fit are taken.",
    )
    filters: int = Field(16, ge=1, description="Filters of the first block; see `filter_multiple`.")
    growth: float = Field(1.5, ge=1, description="Filters grow by this factor per level; see `filters`.")
    filter_multiple: int = Field(
        FILTER_MULTIPLE,
        ge=1,
        description="Filters are rounded up to multiples of this; 1: as SLEAP has them, slower.",
    )
    convs_per_block: int = Field(2, ge=1, description="Convolutions of each level.")
    batch_norm: bool = Field(
        True, description="Normalize after each convolution: learns in half the steps, and costs nothing once trained."
    )
    up: Literal["bilinear", "transposed"] = Field(
        "bilinear",
        description="How the decoder enlarges maps: by bilinear interpolation, or by a transposed convolution.",
    )
    skip: Literal["concatenate", "add"] = Field(
        "concatenate", description="How the decoder takes in the encoder's maps of the same size: concatenate, or add."
    )
    kernel_size: int = Field(
        3, ge=1, description="Side of convolutions whose size the architecture leaves open, cells."
    )

    @model_serializer(mode="wrap")
    def _keep_name(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Say the name even where only what differs from defaults is asked for: without it they are UNet's settings."""
        values: dict[str, Any] = serialize(self)
        return values if self.name == DEFAULT_BACKBONE else {"name": self.name} | values

    @model_validator(mode="after")
    def _check_weights(self) -> "Backbone":
        pretrained = self.find_pretrained()
        if self.weights in ("imagenet", "package") and self.weights not in pretrained:
            names = ", ".join((RANDOM, *pretrained))
            raise ValueError(f"weights of {self.name} must be {names} or a model folder, got {self.weights}")
        return self

    def find_pretrained(self) -> Mapping[str, Pretrained]:
        """Weights that can be had for it, by the value of `weights`."""
        return {}

    def load_pretrained(self, network: Any) -> None:
        """Give the encoder in a network, a Keras model, the weights that `weights` names, one of `find_pretrained`.

        Raises: ModelError that names the file, where it cannot be had or is not what it must be.
        """
        raise NotImplementedError(f"{self.name} must load {self.weights}")

    @property
    @abstractmethod
    def max_stride(self) -> int:
        """Pixels of the image per cell of the deepest features, a power of 2; images are padded to whole ones."""

    @abstractmethod
    def encode(self, image: Tensor) -> dict[int, Tensor]:
        """Connect the encoder to an image.

        Args: image (batch, height, width, channels), standardized unless `sees_pixels`, sides multiples of
            `max_stride`.

        Returns: features by their stride, (batch, height / stride, width / stride, filters): the deepest, of
            `max_stride`, and at finer strides those that the decoder joins to its own, where there are any. A layer
            `{convolution}_norm` of `networks.normalization.BatchNormalization` after a convolution is folded into it
            once the network is trained, and is left out where `batch_norm` is false.
        """


DEFAULT_BACKBONE = "unet"
APPLICATIONS = (
    *("resnet50", "resnet101", "resnet152", "resnet50v2", "resnet101v2", "resnet152v2"),
    *("densenet121", "densenet169", "densenet201", "vgg16", "vgg19", "xception", "inceptionv3", "inceptionresnetv2"),
    *("mobilenet", "mobilenetv2", "mobilenetv3small", "mobilenetv3large", "nasnetmobile", "nasnetlarge"),
    *(f"efficientnetb{size}" for size in range(8)),
    *(f"efficientnetv2{size}" for size in ("b0", "b1", "b2", "b3", "s", "m", "l")),
    *(f"convnext{size}" for size in ("tiny", "small", "base", "large", "xlarge")),
)
"""Networks of `keras.applications`."""
RESNETS = (
    *("resnet18", "resnet34", "seresnet18", "seresnet34", "seresnet50", "seresnet101", "seresnet152"),
    *("resnext50", "resnext101", "seresnext50", "seresnext101", "senet154"),
)
"""Residual networks that it lacks."""
EFFICIENTNET_LITES = tuple(f"efficientnetlite{size}" for size in range(5))

_ROOM = "poseflow.networks.backbones"
BACKBONES = Registry[type[Backbone]](
    "backbones",
    "backbone",
    unet=f"{_ROOM}.unet:UNet",
    leap=f"{_ROOM}.leap:Leap",
    hourglass=f"{_ROOM}.hourglass:Hourglass",
    dlc_resnet50=f"{_ROOM}.dlc_resnet:DLCResNet",
    **dict.fromkeys(RESNETS, f"{_ROOM}.resnet:ResNet"),
    **dict.fromkeys(EFFICIENTNET_LITES, f"{_ROOM}.efficientnet_lite:EfficientNetLite"),
    **dict.fromkeys(APPLICATIONS, f"{_ROOM}.applications:Application"),
)


@dataclass(frozen=True)
class Subject:
    """What a network draws of animals: so many points of each, and the names of those that it tells apart."""

    skeleton: Skeleton
    points: int
    identities: tuple[str, ...] = ()


class Head(Section, ABC):
    """A head's settings, and all that it does: what it draws, what it learns, and what its outputs say.

    `networks.heads.maps` has the head that draws maps, and the one that says which peaks are one animal's.
    """

    needs: ClassVar[str]
    """What there must be for it to have a channel, for errors: `edges in the skeleton`."""
    needs_connected_skeleton: ClassVar[bool] = False
    """Whether the skeleton's edges must join all nodes."""
    names_animals: ClassVar[bool] = False
    """Whether it says who an animal is; the profile then has `identities`."""
    learns_hidden: ClassVar[bool] = False
    """Whether it learns which nodes are hidden, of labels that say it, and its maps tell that of each node."""

    weight: float = Field(1.0, ge=0, description="Of its loss beside that of the confidence maps.")

    def is_wanted(self, given: Any) -> bool:
        """Whether a kind that can do without it draws it; `given` is the profile's `input`."""
        return self.weight > 0

    @property
    def stride(self) -> int | None:
        """Pixels of the network's input per cell of its maps; None where it draws none."""
        return None

    @abstractmethod
    def count_channels(self, subject: Subject) -> int:
        """Count the numbers in each cell, or in the vector."""

    @abstractmethod
    def connect(self, features: Mapping[int, Tensor], name: str, channels: int) -> Tensor:
        """Connect the head to features by their stride, the decoder's and the encoder's deepest.

        Returns: float32, (batch, height / stride, width / stride, channels), or (batch, channels); the last layer has
            the head's name.
        """

    @abstractmethod
    def draw_targets(self, points: Tensor, classes: Tensor, size: tuple[Any, Any], subject: Subject) -> Tensor:
        """Draw what the head learns, of the shape of its output; NaN where it is not known.

        Args:
            points: (batch, instances, points, 2), (x, y) in px of the network's input, NaN where not visible. Of a
                detector, each animal's anchor; where it learns headings, and a point ahead of it.
            classes: (batch, instances) places in `subject.identities`, -1 for an animal without a name.
            size: (height, width) of the network's input in px.
        """

    def draw_with_hidden(
        self, points: Tensor, hidden: Tensor, classes: Tensor, size: tuple[Any, Any], subject: Subject
    ) -> Tensor:
        """As `draw_targets`, for heads that learn which points are hidden, (batch, instances, points) bool."""
        return self.draw_targets(points, classes, size, subject)

    @abstractmethod
    def score(self, targets: Tensor, outputs: Tensor, foreground_weight: float) -> Tensor:
        """Loss of outputs, a number; `foreground_weight` is how much more than the ground an animal's cells weigh."""

    def baseline(self, channels: int) -> float:
        """What an output without knowledge is everywhere; a network must beat it."""
        return 0.0


HEADS = Registry[type[Head]](
    "heads",
    "head",
    confidence_maps="poseflow.networks.heads.confidence_maps:ConfidenceMaps",
    part_affinity_fields="poseflow.networks.heads.part_affinity_fields:PartAffinityFields",
    class_maps="poseflow.networks.heads.class_maps:ClassMaps",
    class_vector="poseflow.networks.heads.class_vector:ClassVector",
    visibility="poseflow.networks.heads.visibility:Visibility",
    heading="poseflow.networks.heads.heading:Heading",
)


def _read_backbone(values: Any) -> Any:
    """Settings of a backbone by its `name`, the UNet's where they have none."""
    if isinstance(values, Backbone):
        return values
    if not isinstance(values, Mapping):
        raise ValueError(f"must be a mapping of settings, got {values!r}")
    name = BACKBONES.check(values.get("name", DEFAULT_BACKBONE))
    return BACKBONES[name].model_validate(values)


class _AnyBackbone:
    """In the JSON schema: the settings of one of the backbones that there are."""

    def __get_pydantic_json_schema__(self, _: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        kinds = dict.fromkeys(BACKBONES[name] for name in BACKBONES)
        known = [handler(kind.__pydantic_core_schema__) for kind in kinds]
        return known[0] if len(known) == 1 else {"anyOf": known}


BackboneSetting = Annotated[SerializeAsAny[Backbone], BeforeValidator(_read_backbone), _AnyBackbone()]
"""A profile's `backbone`: whichever its `name` says."""


def make_default_backbone() -> Backbone:
    """Give the backbone of a profile that names none."""
    return BACKBONES[DEFAULT_BACKBONE].model_validate({})
