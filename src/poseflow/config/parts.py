"""Parts that a model profile names: what each must offer, and where ours stand.

Settings are read where nothing may import Keras (a plan, `poseflow --help`), and a part is one file with its settings
and its arithmetic. So a registry names the parts, which stand in rooms above, as entry points do, and a part's file
takes Keras from `poseflow.networks.lazy`, which imports it when it is first used.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler, SerializeAsAny

from poseflow.config.section import Section
from poseflow.core.registry import Registry
from poseflow.core.skeleton import Skeleton

Tensor = Any


def _check_power_of_2(value: int) -> int:
    if value < 1 or value & (value - 1):
        raise ValueError(f"output_stride must be a power of 2, got {value}")
    return value


Stride = Annotated[int, AfterValidator(_check_power_of_2)]


class Backbone(Section, ABC):
    """An encoder's settings, and those of the decoder, which is the same for all (`networks.decoder`).

    A backbone is a subclass with a `name` of its own, the one that it is registered under.
    """

    name: str = Field(description="Its architecture.")
    filters: int = Field(16, ge=1, description="Filters of the first block; rounded up to 16s in each.")
    growth: float = Field(1.5, ge=1, description="Filters grow by this factor per level; see `filters`.")
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

    @property
    @abstractmethod
    def max_stride(self) -> int:
        """Pixels of the image per cell of the deepest features, a power of 2; images are padded to whole ones."""

    @abstractmethod
    def encode(self, image: Tensor) -> dict[int, Tensor]:
        """Connect the encoder to an image.

        Args: image (batch, height, width, channels), standardized, sides multiples of `max_stride`.

        Returns: features by their stride, (batch, height / stride, width / stride, filters): the deepest, of
            `max_stride`, and at finer strides those that the decoder joins to its own, where there are any. A layer
            `{convolution}_norm` of `networks.normalization.BatchNormalization` after a convolution is folded into it
            once the network is trained, and is left out where `batch_norm` is false.
        """


DEFAULT_BACKBONE = "unet"
BACKBONES = Registry[type[Backbone]]("backbones", "backbone", unet="poseflow.networks.backbones.unet:UNet")


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

    weight: float = Field(1.0, ge=0, description="Of its loss beside that of the confidence maps.")

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
            points: (batch, instances, points, 2), (x, y) in px of the network's input, NaN where not visible.
            classes: (batch, instances) places in `subject.identities`, -1 for an animal without a name.
            size: (height, width) of the network's input in px.
        """

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
        known = [handler(BACKBONES[name].__pydantic_core_schema__) for name in BACKBONES]
        return known[0] if len(known) == 1 else {"anyOf": known}


BackboneSetting = Annotated[SerializeAsAny[Backbone], BeforeValidator(_read_backbone), _AnyBackbone()]
"""A profile's `backbone`: whichever its `name` says."""


def make_default_backbone() -> Backbone:
    """Give the backbone of a profile that names none."""
    return BACKBONES[DEFAULT_BACKBONE].model_validate({})
