"""A model profile (`config/models/*.yaml`): one network and how it is trained."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from poseflow.config.parts import BackboneSetting, make_default_backbone
from poseflow.config.section import Section

Kind = Literal[
    "single_instance", "centroid", "centered_instance", "bottom_up", "multi_class_top_down", "multi_class_bottom_up"
]
Precision = Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"]

HEADS: dict[Kind, tuple[str, ...]] = {
    "single_instance": ("confidence_maps",),
    "centroid": ("confidence_maps",),
    "centered_instance": ("confidence_maps",),
    "bottom_up": ("confidence_maps", "part_affinity_fields"),
    "multi_class_top_down": ("confidence_maps", "class_vector"),
    "multi_class_bottom_up": ("confidence_maps", "class_maps"),
}
"""What a network of each kind draws."""

TOGETHER: tuple[frozenset[Kind], ...] = (
    frozenset({"single_instance"}),
    frozenset({"centroid", "centered_instance"}),
    frozenset({"bottom_up"}),
    frozenset({"centroid", "multi_class_top_down"}),
    frozenset({"multi_class_bottom_up"}),
)
"""Kinds of models that make one pipeline."""


def tells_animals_apart(kind: Kind) -> bool:
    """Whether its networks say who an animal is."""
    return bool({"class_maps", "class_vector"} & set(HEADS[kind]))


def find_misfit(kinds: Sequence[Kind]) -> str | None:
    """What is wrong with models of these kinds as one pipeline, in words that follow its name; None: nothing."""
    if frozenset(kinds) in TOGETHER and len(set(kinds)) == len(kinds):
        return None
    known = "; ".join(" + ".join(sorted(kinds)) for kinds in TOGETHER)
    return f"must be of one of these sets of kinds: {known}; got {' + '.join(kinds)}"


class InputConfig(Section):
    """What the network sees."""

    channels: Literal[1, 3] = Field(1, description="1: grey, 3: RGB.")
    scale: float = Field(1.0, gt=0, le=1, description="The image is shrunk to this scale before the network.")
    crop_px: int | None = Field(
        None, ge=16, description="Side of the square round each animal, full-resolution px; null: from the labels."
    )
    anchor: str | None = Field(
        None, description="Node that marks an animal's place; null, or where it is hidden: centre of the bounding box."
    )


def _check_power_of_2(value: int) -> int:
    if value < 1 or value & (value - 1):
        raise ValueError(f"output_stride must be a power of 2, got {value}")
    return value


def _check_factors(value: tuple[float, float]) -> tuple[float, float]:
    least, greatest = value
    if not 0 < least <= greatest:
        raise ValueError(f"the least factor must be above 0 and at most the greatest, got {least}, {greatest}")
    return value


Stride = Annotated[int, AfterValidator(_check_power_of_2)]
Factors = Annotated[tuple[float, float], AfterValidator(_check_factors)]
"""Least and greatest."""


class FieldsConfig(Section):
    """bottom_up: part affinity fields, which say what parts belong together."""

    output_stride: Stride = Field(8, description="As of the confidence maps; fields may be coarser.")
    sigma_px: float = Field(15.0, gt=0, description="Spread of a field to either side of its edge, input px.")
    weight: float = Field(1.0, ge=0, description="Of the fields' squared error beside that of the confidence maps.")


class ClassMapsConfig(Section):
    """multi_class_bottom_up: class maps, which say whose part it is."""

    output_stride: Stride = Field(
        8, description="As of the confidence maps; coarser ones are learnt from what is seen of the whole animal."
    )
    radius_px: float = Field(8.0, gt=0, description="Of the disc round each landmark, in px of the network's input.")
    weight: float = Field(0.02, ge=0, description="Of the cross-entropy beside the confidence maps' squared error.")

    @model_validator(mode="after")
    def _check_radius(self) -> "ClassMapsConfig":
        # A peak is read at its nearest cell, which must lie in the disc.
        if self.radius_px < self.output_stride:
            raise ValueError(f"radius_px must be at least output_stride ({self.output_stride}), got {self.radius_px}")
        return self


class ClassVectorConfig(Section):
    """multi_class_top_down: dense layers on the encoder's deepest features, which say whose crop it is."""

    layers: int = Field(3, ge=0, description="Dense layers before the last one.")
    units: int = Field(256, ge=1, description="Of each of these layers.")
    weight: float = Field(3e-3, ge=0, description="Of the cross-entropy beside the confidence maps' squared error.")


class HeadConfig(Section):
    """What the network draws."""

    output_stride: Stride = Field(4, description="Pixels of the network's input per cell of its maps; a power of 2.")
    sigma_px: float = Field(4.0, gt=0, description="Spread of a confidence map's peak, in px of the network's input.")
    identities: tuple[str, ...] | None = Field(
        None, min_length=1, description="multi_class: the animals' names; null: all tracks of the labels, sorted."
    )
    part_affinity_fields: FieldsConfig = FieldsConfig()
    class_maps: ClassMapsConfig = ClassMapsConfig()
    class_vector: ClassVectorConfig = ClassVectorConfig()

    @model_validator(mode="after")
    def _check_identities(self) -> "HeadConfig":
        if self.identities and len(set(self.identities)) < len(self.identities):
            raise ValueError(f"identities must be distinct, got {', '.join(self.identities)}")
        return self

    def strides(self, kind: Kind) -> dict[str, int]:
        """Output strides of the heads of `kind` that draw maps."""
        strides = {
            "confidence_maps": self.output_stride,
            "part_affinity_fields": self.part_affinity_fields.output_stride,
            "class_maps": self.class_maps.output_stride,
        }
        return {name: strides[name] for name in HEADS[kind] if name in strides}

    def weight(self, name: str) -> float:
        """Weight of a head's loss."""
        weights = {
            "confidence_maps": 1.0,
            "part_affinity_fields": self.part_affinity_fields.weight,
            "class_maps": self.class_maps.weight,
            "class_vector": self.class_vector.weight,
        }
        return weights[name]


class AugmentationConfig(Section):
    """Random changes of training samples; image and points move together."""

    rotation_deg: float = Field(180.0, ge=0, le=180, description="Turned by up to this angle, either way.")
    scale: Factors = Field((0.9, 1.1), description="Least and greatest factor of size.")
    identity_scale: Factors | None = Field(
        None,
        description="Samples resized by less or more do not teach who is who, for which size may count; null: all do.",
    )
    shift_px: float = Field(8.0, ge=0, description="Crops: the centre is off by up to this, as a detector's is.")
    window_px: int | None = Field(
        None,
        ge=32,
        description="Whole frames: train on squares of them, this many full-resolution px a side; null: all.",
    )
    flip: bool = Field(False, description="Mirror half of the samples; symmetric nodes change places.")
    brightness: float = Field(0.1, ge=0, le=1, description="Added to the image (0 to 1), up to this, either way.")
    contrast: float = Field(0.2, ge=0, lt=1, description="Factor between 1 - this and 1 + this.")
    noise: float = Field(0.02, ge=0, le=1, description="Standard deviation of pixel noise, at most.")


class TrainingConfig(Section):
    """How weights are found."""

    batch_size: int = Field(4, ge=1, description="Samples in a batch.")
    max_epochs: int = Field(200, ge=1, description="Epochs, at most.")
    steps_per_epoch: int | None = Field(
        None, ge=1, description="Batches in an epoch; null: the training set once, at least 200 (the paper's rule)."
    )
    learning_rate: float = Field(1e-2, gt=0, description="The highest; without `batch_norm` no more than 2e-3.")
    warmup_steps: int = Field(200, ge=0, description="The learning rate rises linearly from 0 over these steps.")
    clip_norm: float | None = Field(
        0.1, gt=0, description="Longer gradients are shortened to this; null: never. It keeps high rates stable."
    )
    schedule: Literal["plateau", "cosine"] = Field(
        "cosine", description="cosine: down to 1 % over max_epochs. plateau: halved when validation stalls."
    )
    plateau_epochs: int = Field(5, ge=1, description="plateau: epochs without gain before the rate is halved.")
    early_stop_epochs: int | None = Field(15, ge=1, description="Stop after so many epochs without gain; null: never.")
    foreground_weight: float = Field(
        20.0, ge=0, description="Squared errors weigh 1 + this x target, so that the all-zero answer does not pay."
    )
    precision: Precision = Field(
        "auto",
        description="Number format: float32, mixed_bfloat16 or mixed_float16; auto: bfloat16 where the processor has "
        "it, else float32.",
    )
    max_val_samples: int = Field(400, ge=1, description="Validation samples looked at after each epoch, evenly spaced.")
    pictures_every: int = Field(10, ge=0, description="Epochs between pictures of confidence maps; 0: none.")
    seed: int = Field(0, description="Of the first weights, the samples' order and their augmentation.")


class ModelConfig(Section):
    """One network: its kind, input, backbone, head, augmentation and training."""

    kind: Kind = Field(description="What the network is for; see the table of models in config/README.md.")
    input: InputConfig = InputConfig()
    backbone: BackboneSetting = Field(default_factory=make_default_backbone)
    head: HeadConfig = HeadConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    training: TrainingConfig = TrainingConfig()

    @model_validator(mode="after")
    def _check_strides(self) -> "ModelConfig":
        for name, stride in self.head.strides(self.kind).items():
            if stride > self.backbone.max_stride:
                raise ValueError(f"output_stride of {name} must be at most {self.backbone.max_stride}, got {stride}")
        return self
