"""Config section `experiments`: trainings that differ in something, and what comes of it."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import Field, model_validator

from poseflow.config.section import Section

LABELS, PIPELINE, PREDICT = "labels", "pipeline", "predict"
POSE = "pose"
"""Stands for the model that finds the points, the last of its pipeline."""

PRESETS: Final[Mapping[str, Mapping[str, Any]]] = {
    "sample_efficiency": {LABELS: [5, 10, 20, 50, 100, 200, 500, "all"]},
    "receptive_field": {f"{POSE}.backbone.down_blocks": [2, 3, 4, 5, 6, 7]},
    "backbones": {
        f"{POSE}.backbone": [
            {"name": "unet"},
            {"name": "leap"},
            {"name": "hourglass"},
            {"name": "resnet50"},
            {"name": "mobilenetv2"},
            {"name": "densenet121"},
            {"name": "efficientnetb0"},
        ]
    },
    "approaches": {PIPELINE: ["all"]},
    "speed": {f"{PREDICT}.batch_size": [1, 2, 4, 8, 16, 32, 64]},
}
"""The paper's experiments (Pereira et al. 2022, Figs. 2 to 4): what each varies where `vary` says nothing else."""


class ExperimentConfig(Section):
    """One experiment: every combination of what it varies is trained, and measured on the same frames."""

    vary: dict[str, list[Any]] = Field(
        {},
        description="What differs between the runs, and its values; of several, every combination. `labels`: number of "
        "training frames, or `all`; `pipeline`: names of `pipelines`, or `all`; `predict.batch_size`: a setting of "
        "`predict`; `centroid.training.learning_rate`: a setting, or a whole section, of a model; `pose` stands for "
        "the last model of the pipeline, `*` for all. May be left out of experiments that are named sample_efficiency, "
        "receptive_field, backbones, approaches or speed.",
        examples=[
            {"labels": [10, 50, "all"]},
            {"*.training.learning_rate": [0.001, 0.01], "pose.input.scale": [0.5, 1]},
        ],
    )
    fixed: dict[str, Any] = Field(
        {},
        description="Settings of all runs, named as under `vary`, such as a shorter training.",
        examples=[{"*.training.max_epochs": 5}],
    )
    pipeline: str | None = Field(None, description="The pipeline whose models are trained; null: the first.")
    replicates: int = Field(3, ge=1, description="Trainings of each combination, that differ in `training.seed`.")
    draw: int | None = Field(
        None, ge=1, description="So many of the combinations, drawn at random; null: every one of them."
    )
    seed: int = Field(0, description="Of that draw, and of the choice of `labels`.")
    measured_on: Literal["val", "test"] = Field(
        "val",
        description="The set that accuracy is measured on: val or test. Settings that are chosen by an experiment on "
        "the test set make the report's accuracy look better than it is.",
    )

    @model_validator(mode="after")
    def _check_values(self) -> "ExperimentConfig":
        for key, values in self.vary.items():
            if not values:
                raise ValueError(f"vary.{key} must have values, got none")
        fixed = [self.fixed[LABELS]] if LABELS in self.fixed else []
        for section, values in (("vary", self.vary.get(LABELS, [])), ("fixed", fixed)):
            wrong = [value for value in values if not (value == "all" or (type(value) is int and value > 0))]
            if wrong:
                raise ValueError(f"{section}.labels must be numbers of frames or 'all', got {wrong[0]!r}")
        if both := self.vary.keys() & self.fixed.keys():
            raise ValueError(f"a setting must be in one of vary and fixed, got {', '.join(sorted(both))} in both")
        return self
