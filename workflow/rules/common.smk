import os
import re
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

from poseflow.cluster import list_unknown_versions
from poseflow.runs.checks import check_settings
from poseflow.config import FOLDERS, NEED_SUBJECT, parse_config, read_yaml
from poseflow.core.errors import PoseflowError
from poseflow.runs.fingerprints import describe_step, describe_training
from poseflow.models import needed_files
from poseflow.runs.facts import FileFacts
from poseflow.runs.corrections import group_corrections
from poseflow.runs.names import write_names
from poseflow.runs.places import PLACES
from poseflow.runs.plan import make_plan, scales_of_labels
from poseflow.runs.recordings import is_file_or_folder, without_flow
from poseflow.runs.lock import announce_run, leave_run


def make_checked_plan():
    """Check the configuration and plan the run, before any rule is read."""
    facts = FileFacts(PLACES.facts, check=workflow.is_main_process)
    try:
        for path in workflow.configfiles:
            read_yaml(path)  # Snakemake, which has read it, takes the last of two values for one key
        checked = parse_config(config, " ".join(map(str, workflow.configfiles)) or "config")
        plan = make_plan(checked, facts)
        plan = replace(plan, warnings=(*plan.warnings, *check_settings(checked, plan), *list_unknown_versions()))
    except PoseflowError as error:
        raise WorkflowError(str(error)) from None
    if workflow.is_main_process:
        try:
            facts.save()
            write_names(plan.names)
        except OSError as error:  # a run ends with that as it begins; one may look at others' projects all the same
            print(f"warning: {PLACES.results} must be writable for a run, got {error}", file=sys.stderr)
        announce_run()
        for warning in plan.warnings:
            print(f"warning: {warning}", file=sys.stderr)
    elif workflow.remote_exec:
        leave_run()
    return checked, plan


CONFIG, PLAN = make_checked_plan()
MEASURES_RUNTIMES = CONFIG.predict.runtime == "auto" and PLAN.dataset is not None
NEEDS_PREDICTIONS = CONFIG.extract.method in ("uncertain", "jump")  # of frames to label


def growing(mem_mb):
    """Memory that grows by half with each attempt."""
    return lambda wildcards, attempt: round(mem_mb * 1.5 ** (attempt - 1))


def step(name):
    """A step's version and its settings that differ from the defaults, as `params`: when they change it runs again."""
    return describe_step(name, CONFIG)


def tracking_step(wildcards):
    """The step `track` of one recording, which may have animals of its own."""
    first, *_ = videos = PLAN.recordings[wildcards.recording]
    config = PLAN.facts[first].configure(CONFIG)
    is_whole = set(videos).isdisjoint(videos_not_at_hand())
    return describe_step("track", config if is_whole else without_flow(config))


@cache
def videos_not_at_hand():
    """Those of which there are another program's predictions only."""
    return [video for video, source in PLAN.sources.items() if not source.has_video]


def video_at_hand(wildcards):
    """The recording as input, where it is there."""
    return [] if wildcards.video in videos_not_at_hand() else video_input(wildcards)


def label_scales():
    """Pixels per mm of labeled videos, by file name, or of all."""
    return scales_of_labels(PLAN, CONFIG.videos)


def video_file(wildcards):
    return PLAN.videos[wildcards.video]


def video_input(wildcards):
    """The recording as input; a link to nowhere or a pipe is none, and `index` says so, while the run goes on.

    Nor is one whose name Snakemake would take for a pattern.

    Ancient, since its fingerprint is a parameter of `index`: a recording that was only touched costs nothing.
    """
    path = video_file(wildcards)
    is_plain = is_file_or_folder(path) and str(path).isprintable() and not set("{}") & set(str(path))
    return ancient(path) if is_plain else []


def index_files(videos):
    return list(map(PLACES.index, videos))


def shards_of(video):
    return [PLACES.shard(video, shard) for shard in PLAN.shards[video]]


def shard_tables(wildcards):
    return shards_of(wildcards.video)


def starting_points(wildcards):
    """Predictions for a person to correct: needed by some methods, welcome to the others where they are there."""
    tables = shard_tables(wildcards)
    return tables if NEEDS_PREDICTIONS or all(map(os.path.exists, tables)) else []


def start_text(video):
    """When a video began, as text: Snakemake tells no changes of other objects."""
    start = PLAN.facts[video].start
    return start.isoformat() if start else None


def pixels_per_mm(wildcards):
    return PLAN.facts[wildcards.video].pixels_per_mm or CONFIG.videos.pixels_per_mm


def recording_columns(wildcards):
    """All that is known of a video beyond its file, as text."""
    return dict(PLAN.facts[wildcards.video].columns)


def recording_starts(wildcards):
    """When a recording's videos began, as text, null where that is not known; of one video alone it does not matter."""
    videos = PLAN.recordings[wildcards.recording]
    return {video: start_text(video) for video in videos} if len(videos) > 1 else {}


def recording_tables(wildcards):
    """Shards of all videos of a recording."""
    return [table for video in PLAN.recordings[wildcards.recording] for table in shards_of(video)]


def recording_indexes(wildcards):
    return index_files(PLAN.recordings[wildcards.recording])


def corrections(wildcards):
    """What people corrected in a recording: logs of claims, and label files that SLEAP's GUI saved."""
    return list(map(str, all_corrections().get(wildcards.recording, ())))


@cache
def all_corrections():
    """Files looked up once: what is saved while the workflow runs is for the next run."""
    return group_corrections(Path(CONFIG.review.corrections), PLAN.recordings)


def tracks_table(video):
    return PLACES.tracks(PLAN.recording_of[video])


def pose_table(video):
    return PLACES.pose_table(PLAN.recording_of[video], video)


def settings_files(wildcards):
    """Settings of each model of a pipeline."""
    return [needed_files(folder)[0] for folder in PLAN.folders_of(wildcards.release).values()]


def metrics_files(releases):
    """Accuracy of releases on the test set; none where models are given."""
    return [PLACES.metrics(PLAN.dataset, release) for release in releases if PLAN.dataset]


def compared_metrics(wildcards):
    """Accuracy of the candidate and of the release it is compared with."""
    return metrics_files([PLAN.release, *([PLAN.incumbent] if PLAN.incumbent else [])])


def pipeline_pictures(wildcards):
    """Figures and examples of each pipeline, which lie in the folder of its metrics."""
    return [path.parent / part for path in pipeline_metrics(wildcards) for part in ("figures", "examples")]


def pipeline_metrics(wildcards):
    """Accuracy of each pipeline, that of the candidate first."""
    return metrics_files(pipeline.key for pipeline in PLAN.pipelines.values())


def experiment_run(wildcards):
    return PLAN.experiments[wildcards.experiment].run(wildcards.run)


def experiment_training(wildcards):
    return PLAN.experiments[wildcards.experiment].trainings[wildcards.training]


def runs_of(wildcards):
    return PLAN.experiments[wildcards.experiment].runs


def experiment_trained(wildcards):
    """What the training of each run came to; runs may share one."""
    name = wildcards.experiment
    return [PLACES.experiment_training(name, run.training.key) / "trained.json" for run in runs_of(wildcards)]


def experiment_metrics(wildcards):
    """Accuracy of each run."""
    name = wildcards.experiment
    return [PLACES.experiment_run(name, run.training.key, run.key) / "metrics.json" for run in runs_of(wildcards)]


def check_targets(targets):
    """End where what is asked for cannot be made: without recordings, or with nothing to predict with.

    Not in the rules' input functions: of an error there Snakemake prints a traceback.
    """
    if not PLAN.videos and targets & {"all", "nightly", "suggestions"}:
        fits = ", in which nothing is named as videos.patterns says" if os.path.isdir(CONFIG.videos.root) else ""
        raise WorkflowError(f"videos.root must be a folder that holds recordings, got {CONFIG.videos.root}{fits}")
    unlabeled = f"labels.paths must match label files, got none for {', '.join(CONFIG.labels.paths)}"
    need_models = {"all", "nightly", *(["suggestions"] if NEEDS_PREDICTIONS else [])}
    if not PLAN.sources and PLAN.release is None and PLAN.current is None and targets & need_models:
        raise WorkflowError(
            PLAN.untrained
            or f"{unlabeled}; without labels, name trained models under `release`, or run `snakemake suggestions` "
            "for frames to label."
        )
    if not PLAN.experiments and "experiments" in targets:
        if not CONFIG.experiments:
            raise WorkflowError("experiments must name what is compared, got none")
        if isinstance(CONFIG.release, dict):
            raise WorkflowError("release must name one of pipelines for experiments, which train models, got models")
        raise WorkflowError(PLAN.untrained or f"{unlabeled}; experiments train models on labels.")


def final_files(wildcards):
    overlays = map(PLACES.overlay, videos_to_see()) if CONFIG.render.enabled else []
    return [*map(pose_table, PLAN.videos), PLACES.report, *overlays, *export_files()]


def export_files():
    """Each pose table in each of the formats that are asked for."""
    return [PLACES.export(to, PLAN.recording_of[video], video) for to in CONFIG.exports for video in PLAN.videos]


def file_or_folder(path, to):
    return directory(path) if to in FOLDERS else path


def subject_of(to):
    """What is known about the animals, for formats that say it: what differs from the defaults."""
    return CONFIG.subject.model_dump(mode="json", exclude_defaults=True) if to in NEED_SUBJECT else {}


def suggestion_files(wildcards):
    return list(map(PLACES.suggestions, videos_to_see()))


def videos_to_see():
    return [video for video in PLAN.videos if video not in videos_not_at_hand()]


wildcard_constraints:
    video="[A-Za-z0-9_][A-Za-z0-9_.-]*",
    shard=r"\d+-of-\d+",
    dataset="[0-9a-f]{10}",
    version="[0-9a-f]{10}",
    release="[0-9a-f]{10}",
    model="[A-Za-z0-9][A-Za-z0-9_-]*",
    experiment="[A-Za-z0-9][A-Za-z0-9_-]*",
    training="[0-9a-f]{10}",
    run="[0-9a-f]{10}",
    recording="[A-Za-z0-9_.-]+",
