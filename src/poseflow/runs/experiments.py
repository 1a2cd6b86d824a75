"""Experiments as the workflow plans them: which trainings there are, what differs between them, and their keys."""

import json
import random
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

from poseflow.config import Config, ExperimentConfig, ModelConfig, PredictConfig, find_heading_fault, parse_section
from poseflow.config.experiments import LABELS, PIPELINE, POSE, PREDICT, PRESETS
from poseflow.core.errors import ConfigError
from poseflow.runs.fingerprints import STEP_VERSIONS, describe_sections, describe_training, fingerprint, key_of

Values = Mapping[str, Any]


@dataclass(frozen=True)
class PlannedTraining:
    """Models that are trained for an experiment, one after the other; runs that only predict otherwise share them.

    `labels`: so many frames of the training set, None for all; `draw`: number of the draw that chooses them.
    """

    key: str
    profiles: Mapping[str, ModelConfig]
    labels: int | None
    draw: int


@dataclass(frozen=True)
class PlannedRun:
    """One cell of an experiment's table, and one of its replicates."""

    key: str
    training: PlannedTraining
    values: Values
    replicate: int
    predict: PredictConfig


@dataclass(frozen=True)
class PlannedExperiment:
    """All runs of an experiment, in the order of its table."""

    name: str
    config: ExperimentConfig
    runs: Sequence[PlannedRun]

    @cached_property
    def trainings(self) -> Mapping[str, PlannedTraining]:
        """Trainings by their keys."""
        return {run.training.key: run.training for run in self.runs}

    def run(self, key: str) -> PlannedRun:
        """The run of that key."""
        return next(run for run in self.runs if run.key == key)


def plan_experiments(config: Config, profiles: Mapping[str, ModelConfig], dataset: str) -> dict[str, PlannedExperiment]:
    """All experiments of the configuration, by name; nothing is read.

    Args:
        profiles: of the configuration's models, by name.
        dataset: key of the dataset.

    Raises: ConfigError that names the experiment and what is wrong in it.
    """
    return {name: _plan(name, experiment, config, profiles, dataset) for name, experiment in config.experiments.items()}


def _plan(
    name: str, experiment: ExperimentConfig, config: Config, profiles: Mapping[str, ModelConfig], dataset: str
) -> PlannedExperiment:
    vary = experiment.vary or PRESETS.get(name)
    if vary is None:
        raise ConfigError(
            f"experiments.{name}.vary must say what differs between the runs, got nothing; "
            f"only {', '.join(PRESETS)} vary something by themselves"
        )
    pipelines = config.named_pipelines
    first = experiment.pipeline or next(iter(pipelines))
    vary = {key: list(pipelines) if key == PIPELINE and values == ["all"] else values for key, values in vary.items()}
    combinations = [dict(zip(vary, values, strict=True)) for values in product(*vary.values())]
    if experiment.draw is not None and experiment.draw < len(combinations):
        combinations = random.Random(experiment.seed).sample(combinations, experiment.draw)
    runs = []
    for values in combinations:
        for replicate in range(experiment.replicates):
            try:
                settings = {PIPELINE: first} | experiment.fixed | values
                run = _plan_run(experiment, settings, replicate, config, profiles, dataset)
            except ConfigError as error:
                raise ConfigError(f"experiments.{name}: {error}") from None
            runs.append(PlannedRun(run.key, run.training, values, replicate, run.predict))
    chosen = vary.get(PIPELINE, [experiment.fixed.get(PIPELINE, first)])
    trained = dict.fromkeys(model for pipeline in chosen for model in pipelines.get(pipeline, ()))
    for key in (*experiment.fixed, *vary):
        if (model := key.partition(".")[0]) in config.models and model not in trained:
            raise ConfigError(
                f"experiments.{name}: {key} must be a setting of a model that is trained ({', '.join(trained)}), "
                f"got one of {model}, which is in no pipeline of this experiment"
            )
    return PlannedExperiment(name, experiment, runs)


def _plan_run(
    experiment: ExperimentConfig,
    settings: Values,
    replicate: int,
    config: Config,
    profiles: Mapping[str, ModelConfig],
    dataset: str,
) -> PlannedRun:
    pipeline = settings[PIPELINE]
    if not isinstance(pipeline, str) or pipeline not in config.named_pipelines:
        raise ConfigError(f"pipeline must be one of {', '.join(config.named_pipelines)}, got {pipeline}")
    members = config.named_pipelines[pipeline]
    changes: dict[str, list[tuple[list[str], Any]]] = {model: [] for model in members}
    of_predict = config.predict.model_dump(mode="json")
    for key, value in settings.items():
        subject, *place = key.split(".")
        if key in (LABELS, PIPELINE):
            continue
        if subject == PREDICT and place:
            _set(of_predict, place, value, PREDICT)
            continue
        for model in _models_meant(subject, key, members, config.models):
            changes[model].append((place, value))
    changed = {model: _change(profiles[model], model, changes[model], replicate) for model in members}
    if fault := find_heading_fault([*changed.values()]):
        raise ConfigError(f"{pipeline} {fault}")
    training = _plan_training(
        changed,
        None if settings.get(LABELS, "all") == "all" else settings[LABELS],
        experiment.seed + replicate,
        dataset,
    )
    predict = parse_section(PredictConfig, of_predict, PREDICT)
    evaluated = describe_sections(
        "evaluate", predict=predict, evaluation=config.evaluation, tracking=config.tracking, report=config.report
    )
    key = fingerprint(evaluated, training.key, experiment.measured_on)
    return PlannedRun(key, training, settings, replicate, predict)


def _models_meant(subject: str, key: str, members: Sequence[str], known: Mapping[str, Any]) -> Sequence[str]:
    if "." not in key or (subject not in known and subject not in ("*", POSE)):
        raise ConfigError(
            f"a setting must be labels, pipeline, predict.… or that of a model ({', '.join(known)}, {POSE} or *), "
            f"got {key}"
        )
    if subject == "*":
        return members
    if subject == POSE and POSE not in known:
        return members[-1:]
    return [subject] if subject in members else []


def _change(profile: ModelConfig, name: str, changes: Sequence[tuple[list[str], Any]], replicate: int) -> ModelConfig:
    """The profile with other settings, and of each replicate another seed."""
    settings = profile.model_dump(mode="json", exclude_defaults=True)
    for place, value in changes:
        _set(settings, place, value, name)
    said = ", ".join(f"{'.'.join(place)}: {json.dumps(value)}" for place, value in changes)
    changed = parse_section(ModelConfig, settings, f"{name} with {said}" if said else name)
    training = changed.training
    return changed.model_copy(update={"training": training.model_copy(update={"seed": training.seed + replicate})})


def _set(settings: dict[str, Any], place: Sequence[str], value: Any, whose: str) -> None:
    """Give the setting at a place, section by section, another value."""
    *sections, last = place
    inner = settings
    for section in sections:
        inner = inner.setdefault(section, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"{whose}.{'.'.join(place)} must be a setting, got one inside of a value")
    inner[last] = deepcopy(value)


def _plan_training(profiles: Mapping[str, ModelConfig], labels: int | None, draw: int, dataset: str) -> PlannedTraining:
    draw = draw if labels is not None else 0
    step = {"step": "experiment", "version": STEP_VERSIONS["experiment"]}
    key = key_of(
        [step, {model: describe_training(profile) for model, profile in profiles.items()}, labels, draw, dataset]
    )
    return PlannedTraining(key, profiles, labels, draw)


def describe_value(value: Any) -> str:
    """A value of `vary` as it stands in a table: of a backbone its name, and what else is said of it."""
    if isinstance(value, Mapping):
        return ", ".join(_say(key, item) for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(describe_value, value))
    return str(value)


def _say(key: str, value: Any) -> str:
    return str(value) if key == "name" else f"{key} {describe_value(value)}"
