"""What leaves the results: a recording, with all that was made of it; and old versions that nothing refers to."""

import shutil
from collections.abc import Iterable, Iterator
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from poseflow.core.errors import ConfigError
from poseflow.core.files import read_json
from poseflow.core.wording import list_some
from poseflow.runs.places import ANY, Places
from poseflow.runs.plan import Plan
from poseflow.runs.promotion import read_history
from poseflow.tables import open_table

MAX_NAMED = 20
RULES = (
    *("index", "predict", "index_predictions", "import_predictions"),
    *("track", "assemble", "render", "extract", "evaluate_tracking"),
)
"""Those whose jobs, and so logs, are each of a recording or a video; `export` has its logs by format."""


def find_videos_of(name: str, plan: Plan, places: Places) -> tuple[str, list[str]]:
    """The recording that is meant by its name or path, or by that of one of its videos, and the videos it has or had.

    Raises: ConfigError where there is none of that name.
    """
    name = plan.names.get(name) or plan.names.get(f"{name.rstrip('/')}/", name)  # that of a path below videos.root
    known = {recording: set(videos) for recording, videos in plan.recordings.items()}
    for root in (places, *(Places(folder) for folder in places.orphaned.glob(ANY))):
        for table in root.find(root.pose_table(ANY, ANY)):
            known.setdefault(table.parent.name, set()).add(table.stem)
    for recording, videos in known.items():
        if name == recording or (name in videos and len(videos) == 1):
            return recording, sorted(videos)
    of = next((recording for recording, videos in known.items() if name in videos), None)
    near = [of] if of else get_close_matches(name, known, n=1)
    raise ConfigError(
        f"RECORDING must be one of the recordings, got {name}{f'; did you mean {near[0]}?' if near else ''}"
    )


def list_results_of(recording: str, videos: Iterable[str], places: Places) -> list[Path]:
    """All that was made of a recording: product and steps, logs too, and what was set aside."""
    found = []
    for root in (places, *(Places(folder, places.logs) for folder in sorted(places.orphaned.glob(ANY)))):
        found += [root.tracks(recording), root.review_list(recording), root.review_labels(recording)]
        found += [root.all_poses / recording, *root.find(root.exports(ANY, recording))]
        for video in videos:
            found += [root.index(video), root.predictions(video), root.suggestions(video), root.overlay(video)]
            found.append(root.tracking_metrics(video))
    exports = [f"export/{folder.name}" for folder in places.find(places.exports(ANY, ANY).parent)]
    for name in {recording, *videos}:
        for rule in (*RULES, *exports):
            for one in (places.log(rule, name), places.benchmark(rule, name)):
                found += [one, one.with_suffix("")]
    return [path for path in found if path.exists()]


def find_unreferenced(plan: Plan, places: Places) -> list[Path]:
    """Releases that were never in use, models and predictions that nothing refers to any more.

    Kept are: the releases that are or were in use, the one that the present labels and settings make, and those that a
    recording or a table names; all models of these; models that a table names; and predictions of recordings that are
    there, as they are cut now, or as long as not all of the new ones are there.
    """
    kept = {decision.current for decision in read_history(places.history)}
    kept |= {pipeline.key for pipeline in plan.pipelines.values()}
    kept |= {plan.current} if plan.current else set()
    models = {folder.resolve() for folder in plan.models.values()}
    models |= {folder.resolve() for pipeline in plan.pipelines.values() for folder in pipeline.models.values()}
    for note in _read_notes(places):
        kept.add(str(note.get("release") or note.get("id")))
        models |= {Path(folder).resolve() for folder in dict(note.get("models") or {}).values()}
    old = []
    for path in places.find(places.release(ANY)):
        if path.stem in kept:
            models |= {Path(folder).resolve() for folder in read_json(path)["models"].values()}
        else:
            old += [path, *places.find(places.evaluation(ANY, path.stem))]
    trained = [folder for folder in places.find(places.model(ANY, ANY)) if not folder.name.startswith(".")]
    old += [folder for folder in trained if folder.resolve() not in models]
    return old + list(_find_old_experiments(plan, places)) + list(_find_old_predictions(plan, places))


def find_expired(plan: Plan, places: Places, days: float, now: float) -> dict[str, list[Path]]:
    """Predictions that were to be kept for so many days and are older, of recordings of which all else is made.

    Snakemake makes what is missing between its files only where something after it has to be made anew: a recording
    that is settled stays so.

    Args:
        now: seconds since 1970.

    Returns: shards by recording.
    """
    expired = {}
    for recording, videos in plan.recordings.items():
        shards = [places.shard(video, shard) for video in videos for shard in plan.shards[video]]
        made = [places.tracks(recording), *(places.pose_table(recording, video) for video in videos)]
        there = [path for path in shards if path.exists()]
        if there and all(path.exists() for path in made):
            newest = max(path.stat().st_mtime for path in there)
            if newest < now - timedelta(days=days).total_seconds() and newest <= min(
                path.stat().st_mtime for path in made
            ):
                expired[recording] = there
    return expired


def describe_expired(expired: Iterable[str], days: float) -> str:
    """Say whose predictions are gone, and what that means."""
    named = list_some(sorted(expired), MAX_NAMED)
    return (
        f"predictions older than keep.predictions.days ({days:g}) are removed, of {named}: other settings of tracking, "
        "or corrections, will have them predicted anew"
    )


def remove(paths: Iterable[Path]) -> None:
    """Remove files and folders, and the folders that they leave empty."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()


def _find_old_experiments(plan: Plan, places: Places) -> Iterator[Path]:
    """Trainings, and what was measured of them, that no experiment of the configuration has."""
    if plan.dataset is None:  # it is not known which labels they would be of
        return
    trainings = {(name, training): runs for name, training, runs in _list_runs(plan)}
    for folder in places.find(places.experiment_training(ANY, ANY)):
        runs = trainings.get((folder.parent.name, folder.name))
        if folder.is_dir() and runs is None:
            yield folder
        elif runs is not None:
            measured = places.find(places.experiment_run(folder.parent.name, folder.name, ANY))
            yield from (path for path in measured if (path / "metrics.json").exists() and path.name not in runs)


def _list_runs(plan: Plan) -> Iterator[tuple[str, str, set[str]]]:
    for name, experiment in plan.experiments.items():
        for training in experiment.trainings:
            yield name, training, {run.key for run in experiment.runs if run.training.key == training}


def _find_old_predictions(plan: Plan, places: Places) -> Iterator[Path]:
    for folder in places.find(places.predictions(ANY)):
        video = folder.name
        if video not in plan.videos:
            if plan.videos and not plan.unlisted:  # else it may be there, on a disk that is away
                yield folder
            continue
        now = {places.shard(video, shard) for shard in plan.shards[video]}
        if all(path.exists() for path in now):
            yield from (path for path in places.find(places.shard(video, ANY)) if path not in now)


def _read_notes(places: Places) -> Iterator[dict[str, Any]]:
    """What tables and recordings say of the release and models that made them."""
    for path in places.find(places.assigned_release(ANY)):
        yield read_json(path)
    for root in (places, *(Places(folder) for folder in places.orphaned.glob(ANY))):
        for pattern in (root.pose_table(ANY, ANY), root.shard(ANY, ANY), root.tracks(ANY)):
            for path in root.find(pattern):
                with open_table(path, None) as (_, note):
                    yield note
                    yield note.get("metadata") or {}
