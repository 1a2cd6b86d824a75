"""What a run consists of, known before any job starts: recordings, shards, and content keys.

The workflow's graph is static: it needs no checkpoint per video, so one new recording costs one header read and
re-evaluates no other. Facts about files that are dear to find (frames of a video, hash of a label file) are kept, and
hold for as long as size and modification time of the file do.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poseflow.config import (
    KINDS,
    Config,
    ModelConfig,
    VideosConfig,
    find_heading_fault,
    find_pipeline_fault,
    read_model_config,
)
from poseflow.core.errors import AmbiguousVideoError, ConfigError, LabelsError
from poseflow.core.files import read_json
from poseflow.models import check_together, needed_files, read_model_folder
from poseflow.runs.corrections import PlannedCorrections, group_corrections, plan_corrections
from poseflow.runs.experiments import PlannedExperiment, plan_experiments
from poseflow.runs.facts import FileFacts
from poseflow.runs.fingerprints import describe_step, describe_training, fingerprint, hash_file, key_of, key_of_dataset
from poseflow.runs.orphans import describe_orphans, find_orphans
from poseflow.runs.places import PLACES
from poseflow.runs.promotion import find_incumbent, read_history
from poseflow.runs.recording_facts import RecordingFacts
from poseflow.runs.recordings import plan_recordings

if TYPE_CHECKING:  # which reads files of labels, and takes a second to import
    from poseflow.runs.predictions import PredictionsSource


@dataclass(frozen=True)
class PlannedPipeline:
    """Models that run together."""

    key: str  # of their contents: what is made with the same models has the same name
    models: Mapping[str, Path]  # folder of each, by name


@dataclass(frozen=True)
class Plan:
    """Names of everything that the workflow makes."""

    videos: Mapping[str, Path]
    shards: Mapping[str, Sequence[str]]  # of each video
    fingerprints: Mapping[str, str] = field(default_factory=dict)  # of each video
    dataset: str | None = None  # None: nothing is trained
    versions: Mapping[str, str] = field(default_factory=dict)  # of each trained model
    models: Mapping[str, Path] = field(default_factory=dict)  # folder of each model, trained here or given
    pipelines: Mapping[str, PlannedPipeline] = field(default_factory=dict)  # the first is the candidate
    incumbent: str | None = None  # the release it is compared with; None: there is none
    unassigned: Sequence[str] = ()  # videos that are given the release in use when the candidate has been compared
    profiles: Mapping[str, ModelConfig] = field(default_factory=dict)
    experiments: Mapping[str, PlannedExperiment] = field(default_factory=dict)  # by name
    channels: int = 1  # of the dataset's images
    labels: Sequence[Path] = ()
    labels_key: str | None = None
    label_facts: Sequence[Mapping[str, Any]] = ()  # what each label file holds, see `labels.describe_label_file`
    untrained: str | None = None  # why labels that are there train nothing
    corrected: PlannedCorrections = field(default_factory=PlannedCorrections)
    tracked_videos: frozenset[str] = frozenset()  # ids of the recordings whose labels have tracks
    recordings: Mapping[str, Sequence[str]] = field(default_factory=dict)  # videos of each, in order
    facts: Mapping[str, RecordingFacts] = field(default_factory=dict)  # of each video, beyond its file
    current: str | None = None  # the release in use; None: there is none yet
    names: Mapping[str, str] = field(
        default_factory=dict
    )  # of videos and folders, to be kept: see `poseflow.runs.names`
    sources: "Mapping[str, PredictionsSource]" = field(default_factory=dict)  # of videos that another program predicted
    orphans: Sequence[Path] = ()  # results of recordings that are no longer there, which a run sets aside
    unlisted: Sequence[Path] = ()  # folders of recordings of which it is not known what they hold
    warnings: Sequence[str] = ()  # a line each: what was left out or set aside, shown with the plan, summary and report

    @property
    def release(self) -> str | None:
        """Key of the pipeline that is to run over the recordings, the candidate; None: there are no models."""
        return next((pipeline.key for pipeline in self.pipelines.values()), None)

    @cached_property
    def recording_of(self) -> Mapping[str, str]:
        """The recording that each video is part of."""
        return {video: recording for recording, videos in self.recordings.items() for video in videos}

    def paths_of(self, recording: str) -> dict[str, Path]:
        """Path of each video of a recording."""
        return {video: self.videos[video] for video in self.recordings[recording]}

    def folders_of(self, key: str) -> Mapping[str, Path]:
        """Folders of the models of the pipeline with this key, by name."""
        return next(pipeline.models for pipeline in self.pipelines.values() if pipeline.key == key)


def plan_videos(config: Config, facts: FileFacts) -> Plan:
    """Find out which recordings there are, and what is known of them; nothing of labels and models.

    Raises: ConfigError.
    """
    found = plan_recordings(config, facts)
    sources: Mapping[str, PredictionsSource] = {}
    if config.foreign_predictions is not None:
        from poseflow.runs.predictions import plan_predictions

        found, sources = plan_predictions(config.foreign_predictions, found, facts)
    orphans = find_orphans(found)
    return Plan(
        found.videos,
        found.shards,
        found.fingerprints,
        recordings=found.recordings,
        facts=found.facts,
        names=found.names,
        sources=sources,
        orphans=orphans,
        unlisted=found.unlisted,
        warnings=[*found.warnings, *describe_orphans(orphans, found)],
    )


def make_plan(config: Config, facts: FileFacts) -> Plan:
    """Find out what there is to do, opening no video that `facts` knows.

    Raises: ConfigError, LabelsError, or ModelError for a damaged history of releases.
    """
    plan = _look_into_corrections(config, facts, plan_videos(config, facts))
    if config.foreign_predictions is not None:
        _check_foreign(config)
        return plan
    plan = _plan_models(config, facts, plan)
    history = read_history(PLACES.history)
    current = history[-1].current if history else None
    return replace(
        plan,
        models=plan.models or _models_of(current),
        current=current,
        incumbent=find_incumbent(history, plan.release) if plan.release else None,
        unassigned=[video for video in plan.videos if _is_unassigned(video, current, config.promotion.repredict)],
    )


def _look_into_corrections(config: Config, facts: FileFacts, plan: Plan) -> Plan:
    """What people corrected: what is damaged is told, and frames with corrected poses count as labels."""
    files = group_corrections(Path(config.review.corrections), plan.recordings)
    videos = {recording: plan.paths_of(recording) for recording in files}
    found = plan_corrections(files, videos, facts)
    counted = found if config.labels.corrections else PlannedCorrections(faults=found.faults)
    return replace(plan, corrected=counted, warnings=[*plan.warnings, *found.faults])


def _models_of(release: str | None) -> dict[str, Path]:
    """Folders of a release's models, by name; none where it is not known any more."""
    path = PLACES.release(release) if release else None
    return {name: Path(folder) for name, folder in read_json(path)["models"].items()} if path and path.exists() else {}


def _is_unassigned(video: str, current: str | None, repredict: Sequence[str]) -> bool:
    """Whether a video has no release yet, or is to be predicted anew by another one."""
    path = PLACES.assigned_release(video)
    if not path.exists():
        return True
    asked = current is not None and any(fnmatchcase(video, pattern) for pattern in repredict)
    return asked and read_json(path)["id"] != current


def _plan_models(config: Config, facts: FileFacts, plan: Plan) -> Plan:
    from poseflow.labels import find_label_files

    labels = find_label_files(config.labels)
    plan = _describe_labels(config, facts, replace(plan, labels=labels))
    if isinstance(config.release, dict):
        models = {name: Path(folder) for name, folder in config.release.items()}
        versions = {name: hash_model_folder(folder, facts) for name, folder in models.items()}
        described = [read_model_folder(folder) for folder in models.values()]
        check_together(described)
        _check_naming(config, [folder.config.kind for folder in described])
        return replace(plan, models=models, pipelines={"release": PlannedPipeline(key_of(versions), models)}, labels=())
    if not labels or plan.untrained:
        return replace(plan, labels=())
    profiles = {name: read_model_config(profile) for name, profile in config.models.items()}
    kinds = {name: [profiles[model].kind for model in own] for name, own in config.named_pipelines.items()}
    for name, own in kinds.items():
        headings = find_heading_fault([profiles[model] for model in config.named_pipelines[name]])
        if fault := find_pipeline_fault(own) or headings:
            raise ConfigError(f"{f'pipelines.{name}' if config.pipelines else 'models'} {fault}")
    _check_naming(config, next(iter(kinds.values())))
    channels = max(profile.input.channels for profile in profiles.values())
    labels_key = fingerprint(
        describe_step("labels", config), [facts.find(path, "sha256", hash_file) for path in labels]
    )
    dataset = key_of_dataset(describe_step("split", config), labels_key, channels, plan.corrected.key)
    versions = {name: fingerprint(describe_training(profile), dataset) for name, profile in profiles.items()}
    models = {name: PLACES.model(name, version) for name, version in versions.items()}
    pipelines = {
        name: PlannedPipeline(
            key_of({model: versions[model] for model in own}), {model: models[model] for model in own}
        )
        for name, own in config.named_pipelines.items()
    }
    tracked, warnings = _find_tracked(plan)
    return replace(
        plan,
        dataset=dataset,
        versions=versions,
        models=models,
        pipelines=pipelines,
        profiles=profiles,
        experiments=plan_experiments(config, profiles, dataset),
        channels=channels,
        labels_key=labels_key,
        tracked_videos=tracked,
        warnings=[*plan.warnings, *warnings],
    )


def _find_tracked(plan: Plan) -> tuple[frozenset[str], list[str]]:
    """Recordings whose labels have tracks; and labels that seem to be of a recording, and are of none."""
    from poseflow.media.lookup import count_common_parts

    found, warnings = set(), []
    for labels in plan.label_facts:
        for labeled in [path for path, is_tracked in labels["videos"].items() if is_tracked]:
            if video := _find_video(labeled, labels["videos"], plan.videos):
                found.add(video)
            elif alike := [str(path) for path in plan.videos.values() if count_common_parts(labeled, path)]:
                warnings.append(
                    f"no tracks are evaluated by the labels of {labeled}: it is another recording than "
                    f"{', '.join(alike[:3])}, or cannot be told from another"
                )
    return frozenset(found), warnings


def _describe_labels(config: Config, facts: FileFacts, plan: Plan) -> Plan:
    """Look into the label files. One that is damaged, or being saved, keeps all from being trained on, not the run."""
    from poseflow.labels import describe_label_file

    def describe(path: Path) -> dict[str, Any]:
        return describe_label_file(path, predicted)

    predicted, found, faults = config.labels.include_predictions, {}, []
    for path in plan.labels:
        try:
            found[path] = facts.find(
                path, f"labels and their places, predictions {'count' if predicted else 'do not'}", describe
            )
        except LabelsError as error:
            faults.append(str(error))
    empty = [path for path, labels in found.items() if not labels["frames"]]
    said = "nothing is trained until it is mended, or labels.paths no longer names it"
    if not faults and found and len(empty) == len(found):
        names = ", ".join(map(str, plan.labels))
        faults, said, empty = [f"{names} must hold labeled frames to train on, got none"], "nothing is trained yet", []
    warnings = [f"{fault}; {said}" for fault in faults]
    untrained = warnings[0] if warnings else None
    warnings += [f"{path} has no labeled animals" for path in empty]
    return replace(plan, label_facts=list(found.values()), untrained=untrained, warnings=[*plan.warnings, *warnings])


def _check_foreign(config: Config) -> None:
    """Raise ConfigError for settings that ask for models where the predictions are another program's."""
    if config.tracking.identity != "none":
        raise ConfigError(
            "tracking.identity must be none where predictions.from takes the place of models, since its files hold no "
            f"class scores, got {config.tracking.identity}"
        )
    if isinstance(config.release, dict):
        raise ConfigError("predictions.from must stand alone, got models under release as well")


def _check_naming(config: Config, kinds: Sequence[str]) -> None:
    """Raise ConfigError where tracking asks for names that the models which run over the recordings do not know."""
    if config.tracking.identity != "none" and not any(KINDS[kind].names_animals for kind in kinds):
        raise ConfigError(
            f"tracking.identity must be none where no model is of a multi_class kind, got {config.tracking.identity}"
        )


def _find_video(labeled: str, others: Iterable[str], videos: Mapping[str, Path]) -> str | None:
    """The recording that is meant by a path in a label file, beside others; None where none is, or several may be."""
    from poseflow.media import find_recording

    try:
        found = find_recording(labeled, videos.values(), others)
    except AmbiguousVideoError:
        return None
    return next((video for video, path in videos.items() if path == found), None)


def scales_of_labels(plan: Plan, config: VideosConfig) -> dict[str, float] | float | None:
    """Pixels per mm of all labeled videos, or of each by its file name, as the frames of a dataset know theirs.

    A name that labeled videos share of which one has another scale, or none that is known, has none.
    """
    if not any(facts.pixels_per_mm for facts in plan.facts.values()):
        return config.pixels_per_mm
    scales: dict[str, set[float | None]] = {}
    for labels in plan.label_facts:
        for labeled in labels["videos"]:
            video = _find_video(labeled, labels["videos"], plan.videos)
            path = Path(labeled) if video is None else plan.videos[video]
            scale = (video and plan.facts[video].pixels_per_mm) or config.pixels_per_mm
            for name in {Path(labeled).name, path.name}:
                scales.setdefault(name, set()).add(scale)
    return {name: scale for name, (scale, *others) in scales.items() if scale is not None and not others}


def hash_model_folder(folder: Path, facts: FileFacts | None = None) -> str:
    """Key of a trained model: its settings, skeleton and weights; raises ConfigError where one is missing."""
    hashes = []
    for file in needed_files(folder):
        if not file.is_file():
            raise ConfigError(f"release: a model folder must hold {file.name}, got {folder}")
        hashes.append(facts.find(file, "sha256", hash_file) if facts else hash_file(file))
    return key_of(hashes)
