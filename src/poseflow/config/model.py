"""A model profile (`config/models/*.yaml`): one network and how it is trained."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, GetJsonSchemaHandler, create_model, model_validator

from poseflow.config.kinds import KINDS, KindName
from poseflow.config.parts import HEADS, BackboneSetting, Head, Stride, Subject, make_default_backbone
from poseflow.config.section import Section
from poseflow.core.skeleton import Skeleton

CONFIDENCE_MAPS, HEADING = "confidence_maps", "heading"
Precision = Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"]


class InputConfig(Section):
    """What the network sees."""

    channels: Literal[1, 3] = Field(1, description="1: grey, 3: RGB.")
    scale: float = Field(1.0, gt=0, le=1, description="The image is shrunk to this scale before the network.")
    crop_px: int | None = Field(
        None,
        ge=16,
        description="Side of the square round each animal, full-resolution px, made larger where it does not fit the "
        "backbone's maximum stride; null: from the labels.",
    )
    anchor: str | None = Field(
        None, description="Node that marks an animal's place; null, or where it is hidden: center of the bounding box."
    )
    heading: str | None = Field(
        None,
        description="Top-down: node that an animal heads to, as seen from its place. The centroid model learns the "
        "heading, and crops are turned so that it is up; null: crops stay as they lie.",
    )


def _check_factors(value: tuple[float, float]) -> tuple[float, float]:
    least, greatest = value
    if not 0 < least <= greatest:
        raise ValueError(f"the least factor must be above 0 and at most the greatest, got {least}, {greatest}")
    return value


Factors = Annotated[tuple[float, float], AfterValidator(_check_factors)]
"""Least and greatest."""


class HeadConfig(Section):
    """What the network draws: confidence maps, and under its name each head that the kind has beside them.

    A head that the kind can do without is drawn where it is wanted: `visibility` where its weight is above 0, `heading`
    where `input.heading` names a node.

    Only such settings of a head are kept that differ from its defaults; `ModelConfig.heads` has them all.
    """

    model_config = ConfigDict(extra="allow")

    output_stride: Stride = Field(4, description="Pixels of the network's input per cell of its maps; a power of 2.")
    sigma_px: float = Field(4.0, gt=0, description="Spread of a confidence map's peak, in px of the network's input.")
    identities: tuple[str, ...] | None = Field(
        None, min_length=1, description="multi_class: the animals' names; null: all tracks of the labels, sorted."
    )

    @classmethod
    def known_keys(cls) -> list[str]:
        """Settings of its own, and heads that have settings."""
        return [*cls.model_fields, *(name for name in HEADS if name != CONFIDENCE_MAPS)]

    @model_validator(mode="before")
    @classmethod
    def _read_heads(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        known = set(cls.known_keys()) - cls.model_fields.keys()
        given = {name: value for name, value in values.items() if name in known}
        # One field a head, so that errors name the head and its setting.
        fields: Any = {name: (HEADS[name], ...) for name in given}
        section: Any = create_model("Heads", **fields)
        heads = dict(section.model_validate(given))
        changed = {name: head for name, head in heads.items() if head != HEADS[name].model_validate({})}
        return {name: value for name, value in values.items() if name not in given} | changed

    @model_validator(mode="after")
    def _check_identities(self) -> "HeadConfig":
        if self.identities and len(set(self.identities)) < len(self.identities):
            raise ValueError(f"identities must be distinct, got {', '.join(self.identities)}")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        described = handler.resolve_ref_schema(handler(schema))
        for name in cls.known_keys():
            if name not in cls.model_fields:
                described["properties"][name] = handler(HEADS[name].__pydantic_core_schema__)
        return described | {"additionalProperties": False}

    def settings_of(self, name: str) -> Head:
        """Settings of a head; those of confidence maps, which all kinds have, stand in this section itself."""
        if name == CONFIDENCE_MAPS:
            return HEADS[name].model_validate({"output_stride": self.output_stride, "sigma_px": self.sigma_px})
        head = (self.model_extra or {}).get(name)
        return head if isinstance(head, Head) else HEADS[name].model_validate({})


class AugmentationConfig(Section):
    """Random changes of training samples; image and points move together."""

    rotation_deg: float = Field(180.0, ge=0, le=180, description="Turned by up to this angle, either way.")
    heading_deg: float = Field(
        20.0,
        ge=0,
        le=180,
        description="Crops that are turned by `input.heading`: it is off by up to this, either way, as a "
        "detector's is; `rotation_deg` does not turn them.",
    )
    scale: Factors = Field((0.9, 1.1), description="Least and greatest factor of size.")
    identity_scale: Factors | None = Field(
        None,
        description="Samples resized by less or more do not teach who is who, for which size may count; null: all do.",
    )
    shift_px: float = Field(8.0, ge=0, description="Crops: the center is off by up to this, as a detector's is.")
    window_px: int | None = Field(
        None,
        ge=32,
        description="Whole frames: train on squares of them, this many full-resolution px a side; null: all.",
    )
    flip: bool = Field(False, description="Mirror half of the samples; symmetric nodes change places.")
    brightness: float = Field(0.1, ge=0, le=1, description="Added to the image (0 to 1), up to this, either way.")
    contrast: float = Field(0.2, ge=0, lt=1, description="Factor between 1 - this and 1 + this.")
    gamma: Factors = Field(
        (1.0, 1.0), description="Least and greatest power that the image (0 to 1) is raised to: other lights."
    )
    noise: float = Field(0.02, ge=0, le=1, description="Standard deviation of pixel noise, at most.")
    blur_px: float = Field(
        0.0, ge=0, description="Standard deviation of a Gaussian blur, at most, in px of the network's input."
    )
    jpeg_quality: int = Field(
        100,
        ge=5,
        le=100,
        description="Half of the samples are compressed as JPEG, of this quality at least; 100: none.",
    )
    cut_out: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="In half of the samples a rectangle is painted over, each side up to this share of the image's: "
        "points beneath stay, and are found by what is round them.",
    )

    def most_turned_deg(self, *, are_upright: bool) -> float:
        """By how much samples are turned at most, either way; `are_upright`: those that are turned by heading."""
        return self.heading_deg if are_upright else self.rotation_deg


class TrainingConfig(Section):
    """How weights are found."""

    batch_size: int = Field(
        4,
        ge=1,
        description="Samples in a batch, which several GPUs share equally.",
    )
    gpus: int = Field(
        1,
        ge=1,
        description="Of one node, that share each batch, at most: as many of those that the training may see as divide "
        "it. Not tried on real GPUs yet.",
    )
    max_epochs: int = Field(200, ge=1, description="Epochs, at most.")
    minutes: float | None = Field(
        None,
        gt=0,
        description="Train for so long at most, interruptions not counted: where `max_epochs` take longer, the rate "
        "falls with the time that has passed. Another machine, or a busy one, then makes another network of it. null: "
        "as long as it takes.",
    )
    steps_per_epoch: int | None = Field(
        None, ge=1, description="Batches in an epoch; null: the training set once, at least 200 (the paper's rule)."
    )
    learning_rate: float = Field(1e-2, gt=0, description="The highest; without `batch_norm` no more than 2e-3.")
    warmup_steps: int = Field(200, ge=0, description="The learning rate rises linearly from 0 over these steps.")
    clip_norm: float | None = Field(
        0.1, gt=0, description="Longer gradients are shortened to this; null: never. It keeps high rates stable."
    )
    schedule: Literal["plateau", "cosine"] = Field(
        "cosine", description="cosine: down to 1 % over max_epochs, or minutes. plateau: halved when validation stalls."
    )
    plateau_epochs: int = Field(5, ge=1, description="plateau: epochs without gain before the rate is halved.")
    early_stop_epochs: int | None = Field(
        15,
        ge=1,
        description="Stop after so many epochs without gain, in the OKS of validation's points where a sample shows "
        "one animal, else in the loss; null: never. The weights of the best epoch are kept; with `cosine`, of those "
        "whose OKS are within 0.01 of it the last one's.",
    )
    foreground_weight: float = Field(
        20.0, ge=0, description="Squared errors weigh 1 + this x target, so that the all-zero answer does not pay."
    )
    hard_nodes: float = Field(
        0.0,
        ge=0,
        description="The mean error of the nodes that are hard, those with more than twice the error of the easiest "
        "and at least two, is added to the loss so many times; 0: all nodes count alike.",
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

    kind: KindName = Field(description="What the network is for; see the table of models in config/README.md.")
    input: InputConfig = InputConfig()
    backbone: BackboneSetting = Field(default_factory=make_default_backbone)
    head: HeadConfig = HeadConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    training: TrainingConfig = TrainingConfig()

    @property
    def heads(self) -> dict[str, Head]:
        """What a network of this kind draws, by name, each with its settings."""
        kind = KINDS[self.kind]
        heads = {name: self.head.settings_of(name) for name in (*kind.heads, *kind.optional_heads)}
        return {name: head for name, head in heads.items() if name in kind.heads or head.is_wanted(self.input)}

    @property
    def turns_crops(self) -> bool:
        """Whether it sees crops that are turned by where their animals head."""
        return self.input.heading is not None and KINDS[self.kind].sampler == "crops"

    def describe_subject(self, skeleton: Skeleton) -> Subject:
        """What the network draws of animals with that skeleton."""
        points = KINDS[self.kind].count_points(len(skeleton.nodes))
        return Subject(skeleton, points, self.head.identities or ())

    @model_validator(mode="after")
    def _check_heading(self) -> "ModelConfig":
        heading = self.input.heading
        if heading is not None and KINDS[self.kind].pipeline != "top_down":
            raise ValueError(f"input.heading is for kinds of top-down pipelines, got {heading} of {self.kind}")
        if heading is not None and heading == self.input.anchor:
            raise ValueError(f"input.heading must be another node than input.anchor, got {heading}")
        return self

    @model_validator(mode="after")
    def _check_strides(self) -> "ModelConfig":
        for name, head in self.heads.items():
            if head.stride is not None and head.stride > self.backbone.max_stride:
                raise ValueError(
                    f"output_stride of {name} must be at most {self.backbone.max_stride}, got {head.stride}"
                )
        return self


def find_heading_fault(profiles: Sequence[ModelConfig]) -> str | None:
    """What is wrong with the headings of models that make a pipeline, in words that follow its name; None: nothing."""
    detectors = [profile for profile in profiles if KINDS[profile.kind].sampler == "anchors"]
    for crops in (profile for profile in profiles if profile.turns_crops):
        for detector in detectors:
            learned = detector.input.heading if HEADING in detector.heads else None
            if learned != crops.input.heading:
                return (
                    f"must have a {detector.kind} that learns input.heading where {crops.kind} turns crops by it: "
                    f"{crops.input.heading}, got {learned or 'none'}"
                )
            if detector.input.anchor != crops.input.anchor:
                got = " and ".join(profile.input.anchor or "none" for profile in (detector, crops))
                return (
                    f"must have the same input.anchor in {detector.kind} and {crops.kind}, which turns crops by the "
                    f"way from it to {learned}, got {got}"
                )
    return None
