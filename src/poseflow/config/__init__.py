"""The configuration: one file per section, frozen, and no key that is not known."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import Field, StringConstraints, ValidationError, model_validator

from poseflow.config.dataset import ExtractConfig, HoldOut, LabelsConfig, SplitConfig
from poseflow.config.evaluation import EvaluationConfig
from poseflow.config.experiments import ExperimentConfig
from poseflow.config.exports import FOLDERS, NEED_SUBJECT, WRITERS, FormatNames, SubjectConfig, suffix_of
from poseflow.config.kinds import KINDS, Kind, find_pipeline_fault
from poseflow.config.model import (
    AugmentationConfig,
    HeadConfig,
    InputConfig,
    ModelConfig,
    Precision,
    TrainingConfig,
    find_heading_fault,
)
from poseflow.config.output import CLAIMS_SUFFIX, KeepConfig, RenderConfig, ReportConfig, ReviewConfig
from poseflow.config.parts import BACKBONES, DEFAULT_BACKBONE, HEADS
from poseflow.config.predict import FlowConfig, GroupingConfig, PredictConfig
from poseflow.config.promotion import PromotionConfig
from poseflow.config.recordings import RecordingRow, RecordingsConfig
from poseflow.config.section import Section
from poseflow.config.tracking import SIMILARITIES, AmbiguityConfig, KalmanConfig, NamingConfig, TrackingConfig
from poseflow.config.videos import VideosConfig
from poseflow.config.yaml_file import parse_yaml, read_yaml
from poseflow.core.errors import ConfigError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = [
    "BACKBONES",
    "CLAIMS_SUFFIX",
    "FOLDERS",
    "HEADS",
    "KINDS",
    "NEED_SUBJECT",
    "SIMILARITIES",
    "WRITERS",
    "AmbiguityConfig",
    "AugmentationConfig",
    "Config",
    "EvaluationConfig",
    "ExperimentConfig",
    "ExtractConfig",
    "FlowConfig",
    "GroupingConfig",
    "HeadConfig",
    "HoldOut",
    "InputConfig",
    "KalmanConfig",
    "Kind",
    "LabelsConfig",
    "ModelConfig",
    "NamingConfig",
    "Precision",
    "PredictConfig",
    "PromotionConfig",
    "RecordingRow",
    "RecordingsConfig",
    "RenderConfig",
    "ReportConfig",
    "ReviewConfig",
    "Section",
    "SplitConfig",
    "SubjectConfig",
    "TrackingConfig",
    "TrainingConfig",
    "VideosConfig",
    "find_heading_fault",
    "find_pipeline_fault",
    "parse_config",
    "parse_section",
    "parse_yaml",
    "read_model_config",
    "read_yaml",
    "suffix_of",
]

S = TypeVar("S", bound=Section)
WORDS = {
    "tuple_type": "must be a list, as [one, two]",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a section with settings of its own",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
}
"""What pydantic finds wrong with a value's kind, in the words of YAML."""
BUNDLE = Path(__file__).parents[1] / "bundle"
"""The workflow's files, as the package carries them; in a checkout they are links to those at the top level."""
ModelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]


class Config(Section):
    """The whole of `config/config.yaml`."""

    videos: VideosConfig = VideosConfig()
    recordings: RecordingsConfig = RecordingsConfig()
    labels: LabelsConfig = LabelsConfig()
    extract: ExtractConfig = ExtractConfig()
    split: SplitConfig = SplitConfig()
    models: dict[ModelName, str | dict[str, Any]] = Field(
        default={
            "centroid": "config/models/centroid.yaml",
            "centered_instance": "config/models/centered_instance.yaml",
        },
        min_length=1,
        description="Models that are trained, by a name of your choice: a model profile of config/models/ or your own, "
        "or a mapping of the settings that differ from a `profile`. The default is a top-down pipeline: where the "
        "animals are, and the pose of each. A recording of one animal needs only `single_instance`.",
        examples=[
            {"single_instance": "config/models/single_instance.yaml"},
            {"centroid": {"profile": "config/models/centroid.yaml", "input": {"anchor": "thorax"}}},
        ],
    )
    pipelines: dict[ModelName, Annotated[tuple[ModelName, ...], Field(min_length=1)]] | None = Field(
        None,
        min_length=1,
        description="Pipelines that are compared, by a name of your choice: the `models` of each, which run together. "
        "All are trained and measured on the test set, and the report compares them; null: all models are "
        "one pipeline.",
        examples=[{"top_down": ["centroid", "centered_instance"], "bottom_up": ["bottom_up"]}],
    )
    release: ModelName | dict[ModelName, str] | None = Field(
        None,
        description="What runs over the recordings: one of several `pipelines`, by its name; or models that exist "
        "already and run as they are, by name; null: all `models` together, trained from the labels.",
        examples=["top_down", {"centroid": "path/of/folder", "centered_instance": "path/of/another"}],
    )
    predictions: dict[Literal["from"], Annotated[str, Field(min_length=1)]] | None = Field(
        None,
        min_length=1,
        description="Predictions of another program, which take the place of models: the folder that holds their files "
        "(docs/how_to/from_sleap.md and from_deeplabcut.md). They are tracked as our own; null: models predict.",
        examples=[{"from": "predictions"}],
    )
    predict: PredictConfig = PredictConfig()
    tracking: TrackingConfig = TrackingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    review: ReviewConfig = ReviewConfig()
    promotion: PromotionConfig = PromotionConfig()
    render: RenderConfig = RenderConfig()
    report: ReportConfig = ReportConfig()
    keep: KeepConfig = KeepConfig()
    exports: FormatNames = Field(
        (),
        description="Formats that each pose table is written in as well, for other programs, into `results/exports/`; "
        "docs/how_to/to_your_analysis.md lists them.",
        examples=[["slp", "deeplabcut_csv"]],
    )
    subject: SubjectConfig = SubjectConfig()
    experiments: dict[ModelName, ExperimentConfig] = Field(
        {},
        description="Experiments on your own labels, by a name of your choice, which `snakemake experiments` carries "
        "out; docs/how_to/experiments.md.",
        examples=[{"sample_efficiency": {}, "rates": {"vary": {"*.training.learning_rate": [0.001, 0.01]}}}],
    )

    @model_validator(mode="after")
    def _check_pipelines(self) -> "Config":
        for name, members in (self.pipelines or {}).items():
            if unknown := [model for model in members if model not in self.models]:
                known = ", ".join(self.models)
                raise ValueError(f"pipelines.{name} must name models of {known}, got {', '.join(unknown)}")
        names = list(self.pipelines or ())
        if isinstance(self.release, str) and self.release not in names:
            raise ValueError(f"release must be one of pipelines ({', '.join(names) or 'none'}), got {self.release}")
        if self.release is None and names:
            raise ValueError(f"release must be one of pipelines ({', '.join(names)}), got none")
        used = {model for members in self.named_pipelines.values() for model in members}
        if unused := [model for model in self.models if model not in used]:
            raise ValueError(f"pipelines must use every one of models, got none with {', '.join(unused)}")
        return self

    @property
    def foreign_predictions(self) -> Path | None:
        """Folder of the predictions of another program, where these take the place of models."""
        return None if self.predictions is None else Path(self.predictions["from"])

    @property
    def named_pipelines(self) -> dict[str, tuple[str, ...]]:
        """Names of the `models` that run together, the set that runs over the recordings first."""
        if self.pipelines is None:
            return {"release": tuple(self.models)}
        # Not in the order of the mapping: who writes YAML may sort it.
        first = {self.release: self.pipelines[self.release]} if isinstance(self.release, str) else {}
        return first | dict(sorted(self.pipelines.items()))

    @model_validator(mode="after")
    def _check_animals(self) -> "Config":
        most = self.predict.max_instances
        animals = self.tracking.animals or 1
        if animals > most:
            raise ValueError(f"tracking.animals must be at most predict.max_instances ({most}), got {animals}")
        return self

    @model_validator(mode="after")
    def _check_windows(self) -> "Config":
        reach, flow = self.tracking.window_frames, self.predict.flow.window_frames
        if self.tracking.candidates == "flow" and reach > flow:
            raise ValueError(
                f"tracking.window_frames must be at most predict.flow.window_frames ({flow}), got {reach}; "
                "or tracking.candidates must be window"
            )
        return self


def parse_section(section: type[S], values: Any, source: str) -> S:
    """Check `values` (what YAML gave) against a section; raises one ConfigError that lists every fault.

    `source` names where the values come from, for the message.
    """
    try:
        return section.model_validate({} if values is None else values)
    except ValidationError as error:
        raise ConfigError(f"{source}: " + "; ".join(map(_say_fault, error.errors()))) from None


def _say_fault(fault: "ErrorDetails") -> str:
    """A fault that pydantic found, in the words of settings: where, what must be there, and what is."""
    said = WORDS.get(fault["type"]) or fault["msg"].removeprefix("Value error, ")
    if ", got " not in said:
        said += f", got {_say_value(fault['input'])}"
    return f"{'.'.join(map(str, fault['loc'])) or 'the top level'}: {said}"


def _say_value(value: Any) -> str:
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return f"{str(value).lower()} (YAML's yes, no, on and off; text stands in quotes)"
    if isinstance(value, Mapping | list | tuple):
        kind = "mapping" if isinstance(value, Mapping) else "list"
        return f"a {kind} of {len(value)}" if value else f"an empty {kind}"
    return repr(value) if isinstance(value, str) else str(value)


def parse_config(values: dict[str, Any], source: str = "config") -> Config:
    """Check a whole configuration; raises ConfigError."""
    return parse_section(Config, values, source)


def read_model_config(profile: str | Path | Mapping[str, Any]) -> ModelConfig:
    """Read a model profile; raises ConfigError naming the file and every fault.

    `profile` is the file, or a mapping of that file as `profile` and the settings that differ from it, such as
    `{"profile": "config/models/centroid.yaml", "input": {"anchor": "thorax"}}`. A backbone of another name has its own
    defaults for what is left out, since the file's settings are those of another architecture.
    """
    if not isinstance(profile, Mapping):
        return parse_section(ModelConfig, read_yaml(find_profile(profile)), str(profile))
    if "profile" not in profile:
        raise ConfigError(f"models: a mapping must name its file under the key profile, got {dict(profile)}")
    changes = {key: value for key, value in profile.items() if key != "profile"}
    source = f"{profile['profile']} with the changes {changes}"
    settings = read_yaml(find_profile(profile["profile"]))
    named = _name_backbone(changes)
    if named is not None and named != (_name_backbone(settings) or DEFAULT_BACKBONE):
        settings = _overlay(settings, {"backbone": None})
    return parse_section(ModelConfig, _overlay(settings, changes), source)


def _name_backbone(settings: Any) -> Any:
    """The name of the backbone in a profile's settings, None where they give none."""
    backbone = settings.get("backbone") if isinstance(settings, Mapping) else None
    return backbone.get("name") if isinstance(backbone, Mapping) else None


def find_profile(profile: str | Path) -> Path:
    """The file of a model profile: the project's own or, where it has none of that path, the package's."""
    own, packaged = Path(profile), BUNDLE / profile
    return packaged if not own.exists() and packaged.exists() else own


def _overlay(values: Any, changes: Any) -> Any:
    """Lay `changes` over `values`, mapping by mapping."""
    if not (isinstance(values, Mapping) and isinstance(changes, Mapping)):
        return changes
    return {**values, **{key: _overlay(values.get(key), change) for key, change in changes.items()}}
