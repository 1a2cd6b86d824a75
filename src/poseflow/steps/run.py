"""All steps in one call, on a recording or on a folder of them: index, predict, track, assemble, and an overlay."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from poseflow.config import KINDS, Config, VideosConfig, parse_config, read_yaml
from poseflow.core.errors import ConfigError, PoseflowError, VideoError
from poseflow.core.files import make_temporary_folder, remove_unfinished
from poseflow.core.logs import share_progress
from poseflow.media import VideoIndex, index_video, read_index
from poseflow.media.lookup import is_there
from poseflow.runs.lock import lock_results
from poseflow.runs.names import read_names, show_path, write_names
from poseflow.runs.places import ANY, Places
from poseflow.runs.recording_facts import RecordingFacts
from poseflow.runs.recordings import list_videos, name_recordings, name_shards, shard_frames
from poseflow.runs.releases import Release
from poseflow.steps.assemble import assemble_poses
from poseflow.steps.index import index_recording
from poseflow.steps.predict import predict_frames
from poseflow.steps.release import describe_release, name_models
from poseflow.steps.render import render_poses
from poseflow.steps.track import TrackedFiles, track_videos
from poseflow.tables import read_poses

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger("poseflow")


@dataclass(frozen=True)
class NamedRecordings:
    """What a run of all steps is about."""

    videos: Mapping[str, Path]
    """By the names that their results have."""
    recordings: Mapping[str, Sequence[str]]
    """Videos of each, in order."""
    names: Mapping[str, str]
    """Of all videos and folders, by path, see `poseflow.runs.names`."""
    facts: Mapping[str, RecordingFacts]
    """Of each video, what its name says."""
    config: Config
    """With the folder that holds them all as `videos.root`."""
    is_single: bool
    """One recording was named, no folder of several."""


@dataclass(frozen=True)
class RunResult:
    """What was made, and of which recordings nothing was."""

    poses: Sequence[Path]
    overlays: Sequence[Path]
    left_out: Mapping[str, str]
    """Videos that cannot be read, and recordings that failed, each with the reason."""


def run(
    source: str | Path,
    model: str | Path | Sequence[str | Path],
    *others: str | Path,
    animals: int | None = None,
    overlay: bool = False,
    out: str | Path | None = None,
    config: Config | str | Path | None = None,
) -> "pd.DataFrame":
    """Find and follow the animals of a recording, or of all in a folder; `poseflow.run` is this function.

    Args:
        source: a recording, or a folder that is searched with its subfolders; a subfolder's files are one recording.
        model, others: folders of models that work together, ours or SLEAP's (1.0 to 1.4).
        animals: their known number; None: that of the settings.
        overlay: draw the poses over each video, in `out`.
        out: folder that keeps all that is made, so that the same call goes on where it was interrupted; None: only the
            table that is returned is kept.
        config: settings, or a file of them such as `config/config.yaml`.

    Returns: one row per animal and frame, as `poseflow.read_poses`: `recording`, `frame_idx`, `track`, `{node}.x`, ….

    Raises: ConfigError, ModelError, SkeletonError; VideoError for one recording that cannot be read. In a folder such a
        one is left out, with a warning.

    Example:

        poses = poseflow.run("flies.mp4", "models/centroid", "models/centered_instance", animals=2)
    """
    folders = [Path(folder) for folder in (*([model] if isinstance(model, str | Path) else model), *others)]
    settings = config if isinstance(config, Config) else Config()
    if isinstance(config, str | Path):
        settings = parse_config(read_yaml(Path(config)), str(config))
    if out is not None:
        return read_poses(run_steps(Path(source), folders, Path(out), settings, animals, overlay).poses)
    if overlay:
        raise ConfigError("out must name a folder for the overlay, got None")
    with TemporaryDirectory() as folder:
        return read_poses(run_steps(Path(source), folders, Path(folder), settings, animals).poses)


def run_steps(
    source: Path,
    models: Sequence[Path],
    out: Path,
    config: Config,
    animals: int | None = None,
    overlay: bool = False,
) -> RunResult:
    """Take a recording, or all in a folder, through all steps; what is made lies in `out` as in a workflow's `results`.

    Predictions that are there, of the same frames by the same models and settings, are not made again.

    Raises: as `run`.
    """
    places = Places(out)
    if places.facts.exists():
        raise ConfigError(f"--out must be a folder of its own, got {out}, which a workflow fills")
    release = describe_release(name_models(models))
    found = find_recordings(source, places, _with_animals(config, animals, release))
    with lock_results(places.lock):
        make_temporary_folder(out)
        remove_unfinished(out)
        write_names(found.names, places.names)
        return _run_all(found, places, release, overlay)


def find_recordings(source: Path, places: Places, config: Config) -> NamedRecordings:
    """The recordings that are meant by a path, under names that those which were seen before in `places` keep.

    What is known of them beyond their files is what their names say; the table of a project's recordings is not read.

    Raises: VideoError where there is none.
    """
    if not is_there(source):
        raise VideoError(f"{show_path(source)} must be a recording or a folder of recordings, got nothing there")
    if source.name in ("", ".."):
        source = source.resolve()
    listed = _list_recordings(source, places, config.videos) if source.is_dir() else []
    root, paths = (source, listed) if listed else (source.parent, [Path(source.name)])
    named = name_recordings(paths, config.recordings, (), read_names(places.names))
    for warning in named.warnings:
        logger.warning(warning)
    videos = config.videos.model_copy(update={"root": str(root)})
    return NamedRecordings(
        {named.names[path.as_posix()]: root / path for path in paths},
        named.recordings,
        named.names,
        named.facts,
        config.model_copy(update={"videos": videos}),
        is_single=not listed,
    )


def _list_recordings(folder: Path, places: Places, config: VideosConfig) -> Sequence[Path]:
    """Recordings below a folder, but for a run's own overlays; none where the folder itself is one."""
    listed = list_videos(config.model_copy(update={"root": str(folder)}), places)
    if not listed.paths and not index_video(folder, config.h5_dataset).is_ok:
        wanted = ", ".join(config.patterns)
        raise VideoError(f"{show_path(folder)} must hold recordings ({wanted}) or be one of images, got neither")
    for warning in listed.warnings:
        logger.warning(warning)
    return listed.paths


def _with_animals(config: Config, animals: int | None, release: Release) -> Config:
    """Settings for a known number of animals; raises ConfigError where the models cannot find so many."""
    if animals is None:
        return config
    if animals < 1:
        raise ConfigError(f"animals must be at least 1, got {animals}")
    if animals > 1 and {KINDS[kind].pipeline for kind in release.kinds.values()} == {"single_animal"}:
        raise ConfigError(f"animals must be 1 for models of one animal, got {animals}")
    predict = config.predict.model_copy(update={"max_instances": max(animals, config.predict.max_instances)})
    return RecordingFacts(animals=animals).configure(config).model_copy(update={"predict": predict})


def _run_all(found: NamedRecordings, places: Places, release: Release, overlay: bool) -> RunResult:
    indexes = _index(found, places)
    faults = {video: f"cannot be read: {index.reason}" for video, index in indexes.items() if not index.is_ok}
    if len(faults) == len(indexes):
        first = next(iter(indexes.values()))
        got = first.reason if found.is_single else f"{len(faults)} that cannot be read; the first: {first.reason}"
        raise VideoError(f"{show_path(first.path)} must be readable, got {got}")
    for video, reason in faults.items():
        logger.warning("%s %s", video, reason)
    shards = _predict(found, indexes, places, release, faults)
    poses: dict[str, Path] = {}
    for recording, videos in found.recordings.items():
        with _noting(recording, faults, found.is_single):
            if all(video in shards for video in videos):
                poses |= _put_together(recording, {video: shards[video] for video in videos}, indexes, found, places)
    overlays = []
    for video in poses if overlay else ():
        if indexes[video].is_ok:
            overlays.append(places.overlay(video))
            render_poses(indexes[video], poses[video], overlays[-1], found.config.render)
    return RunResult(list(poses.values()), overlays, faults)


def _index(found: NamedRecordings, places: Places) -> dict[str, VideoIndex]:
    for video, path in found.videos.items():
        made = places.index(video)
        if made.exists() and (before := Path(read_index(made).path)).absolute() != path.absolute():
            got = f"{places.results}, which holds {video} of {before}"
            raise ConfigError(f"--out must be a folder of its own, got {got}")
    return {
        video: index_recording(path, places.index(video), found.config.videos) for video, path in found.videos.items()
    }


def _predict(
    found: NamedRecordings,
    indexes: Mapping[str, VideoIndex],
    places: Places,
    release: Release,
    faults: dict[str, str],
) -> dict[str, list[Path]]:
    """Predictions tables of each video, of those that fail none; what was predicted before is taken."""
    settings, tables = found.config.predict, {}
    with share_progress("predict", sum(index.frames for index in indexes.values()), "frames"):
        for video, index in indexes.items():
            names = name_shards(index.frames, settings.shard_frames)
            shards = {name: places.shard(video, name) for name in names}
            for path in set(places.find(places.shard(video, ANY))) - set(shards.values()):
                path.unlink()
            with _noting(video, faults, found.is_single):
                for name, path in shards.items():
                    frames = shard_frames(name, index.frames)
                    predict_frames(index, release, frames, path, settings, video, places.finished(video))
                tables[video] = list(shards.values())
    return tables


def _put_together(
    recording: str,
    shards: Mapping[str, Sequence[Path]],
    indexes: Mapping[str, VideoIndex],
    found: NamedRecordings,
    places: Places,
) -> dict[str, Path]:
    """Pose tables of a recording's videos."""
    config, first = found.config, next(iter(shards))
    written = TrackedFiles(places.tracks(recording), places.review_list(recording), places.review_labels(recording))
    settings = found.facts[first].configure(config).tracking, config.review
    starts = {video: start for video in shards if (start := found.facts[video].start) is not None}
    track_videos(shards, written, settings, {video: indexes[video] for video in shards}, starts)
    poses = {}
    for video, tables in shards.items():
        poses[video] = places.pose_table(recording, video)
        facts = replace(found.facts[video], pixels_per_mm=config.videos.pixels_per_mm)
        names, columns = (recording, video), config.recordings.columns
        assemble_poses(tables, written.tracks, indexes[video], poses[video], names, facts, columns)
    return poses


@contextmanager
def _noting(name: str, faults: dict[str, str], is_single: bool) -> Iterator[None]:
    """Note what is wrong with one recording, and go on with the others."""
    try:
        yield
    except PoseflowError as error:
        if is_single:
            raise
        faults[name] = str(error)
        logger.warning("%s is left out: %s", name, error)
