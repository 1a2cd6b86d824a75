"""What a run consists of, known before any job starts: recordings, shards, and content keys.

The workflow's graph is static: it needs no checkpoint per video, so one new recording costs one header read and
re-evaluates no other. Facts about files that are dear to find (frames of a video, hash of a label file) are kept, and
hold for as long as size and modification time of the file do.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

from poseflow.config import (
    Config,
    Kind,
    ModelConfig,
    VideosConfig,
    find_misfit,
    read_model_config,
    tells_animals_apart,
)
from poseflow.errors import ConfigError
from poseflow.files import read_json, write_json
from poseflow.fingerprints import KEY_LENGTH, describe_step, describe_training, fingerprint, hash_file, key_of
from poseflow.folders import check_together, needed_files, read_model_folder
from poseflow.promotion import find_incumbent, read_history

HISTORY = Path("results/promotion/history.json")
FINGERPRINT_BYTES = 1 << 16


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
    unassigned: Sequence[str] = ()  # videos that are given the release in use when the candidate has been judged
    profiles: Mapping[str, ModelConfig] = field(default_factory=dict)
    channels: int = 1  # of the dataset's images
    labels: Sequence[Path] = ()
    labels_key: str | None = None
    labeled_names: frozenset[str] = frozenset()  # file names of labeled videos
    tracked_videos: frozenset[str] = frozenset()  # ids of the recordings whose labels have tracks
    recordings: Mapping[str, Sequence[str]] = field(default_factory=dict)  # videos of each, in order

    @property
    def release(self) -> str | None:
        """Key of the pipeline that is to run over the recordings, the candidate; None: there are no models."""
        return next((pipeline.key for pipeline in self.pipelines.values()), None)

    @cached_property
    def recording_of(self) -> Mapping[str, str]:
        """The recording that each video is part of."""
        return {video: recording for recording, videos in self.recordings.items() for video in videos}

    def folders_of(self, key: str) -> Mapping[str, Path]:
        """Folders of the models of the pipeline with this key, by name."""
        return next(pipeline.models for pipeline in self.pipelines.values() if pipeline.key == key)


class FileFacts:
    """Facts about files, kept in one JSON file; each is found again when its file's size or mtime has changed."""

    def __init__(self, store: str | Path) -> None:
        self._store = Path(store)
        self._changed = False
        try:
            self._facts: dict[str, Any] = read_json(self._store)
        except (OSError, ValueError):
            self._facts = {}  # a cache: whatever is lost is found again

    def find(self, path: Path, name: str, compute: Callable[[Path], Any]) -> Any:
        """Give the fact `name` (JSON-able) about the file or folder `path`, from the store where it still holds."""
        try:
            status = path.stat()
        except OSError:  # a link to nowhere, say: nothing to keep
            return compute(path)
        stamp = [status.st_size, status.st_mtime_ns]
        key = os.fsencode(path).decode("utf-8", "backslashreplace")
        known = self._facts.get(key)
        if known is None or known["stamp"] != stamp:
            known = {"stamp": stamp}
        if name not in known:
            known[name] = compute(path)
            self._facts[key] = known
            self._changed = True
        return known[name]

    def save(self) -> None:
        """Write what is new, atomically."""
        if self._changed:
            write_json(self._facts, self._store)
            self._changed = False


def make_plan(config: Config, facts: FileFacts) -> Plan:
    """Find out what there is to do, opening no video that `facts` knows.

    Raises: ConfigError, LabelsError, or ModelError for a damaged history of releases.
    """
    plan = _plan_models(config, facts, _plan_recordings(config, facts))
    history = read_history(HISTORY)
    current = history[-1].current if history else None
    return replace(
        plan,
        incumbent=find_incumbent(history, plan.release) if plan.release else None,
        unassigned=[video for video in plan.videos if _is_unassigned(video, current, config.promotion.repredict)],
    )


def release_of(video: str) -> Path:
    """The file that says which release a recording is predicted with."""
    return Path("results/predictions") / video / "release.json"


def _is_unassigned(video: str, current: str | None, repredict: Sequence[str]) -> bool:
    """Whether a video has no release yet, or is to be predicted anew by another one."""
    path = release_of(video)
    if not path.exists():
        return True
    asked = current is not None and any(fnmatchcase(video, pattern) for pattern in repredict)
    return asked and read_json(path)["id"] != current


def _plan_recordings(config: Config, facts: FileFacts) -> Plan:
    from poseflow.media import estimate_frames, find_videos

    videos = find_videos(config.videos) if Path(config.videos.root).is_dir() else {}
    h5_dataset = config.videos.h5_dataset
    shards = {
        video: name_shards(
            facts.find(path, f"frames in {h5_dataset}", lambda path: estimate_frames(path, h5_dataset)),
            config.predict.shard_frames,
        )
        for video, path in videos.items()
    }
    recordings: dict[str, list[str]] = {}
    for video, path in videos.items():
        recordings.setdefault(name_recording(video, path, config.videos), []).append(video)
    fingerprints = {video: facts.find(path, "fingerprint", fingerprint_recording) for video, path in videos.items()}
    return Plan(videos, shards, fingerprints, recordings=recordings)


def _plan_models(config: Config, facts: FileFacts, plan: Plan) -> Plan:
    from poseflow.labels import find_label_files

    if isinstance(config.release, dict):
        models = {name: Path(folder) for name, folder in config.release.items()}
        versions = {name: hash_model_folder(folder, facts) for name, folder in models.items()}
        described = [read_model_folder(folder) for folder in models.values()]
        check_together(described)
        _check_naming(config, [folder.config.kind for folder in described])
        return replace(plan, models=models, pipelines={"release": PlannedPipeline(key_of(versions), models)})
    labels = find_label_files(config.labels)
    if not labels:
        return plan
    profiles = {name: read_model_config(profile) for name, profile in config.models.items()}
    kinds = {name: [profiles[model].kind for model in own] for name, own in config.named_pipelines.items()}
    for name, own in kinds.items():
        if misfit := find_misfit(own):
            raise ConfigError(f"{f'pipelines.{name}' if config.pipelines else 'models'} {misfit}")
    _check_naming(config, next(iter(kinds.values())))
    channels = max(profile.input.channels for profile in profiles.values())
    labels_key = fingerprint(
        describe_step("labels", config), [facts.find(path, "sha256", hash_file) for path in labels]
    )
    dataset = fingerprint(describe_step("split", config), labels_key, channels)
    versions = {name: fingerprint(describe_training(profile), dataset) for name, profile in profiles.items()}
    models = {name: Path("results/models") / name / version for name, version in versions.items()}
    pipelines = {
        name: PlannedPipeline(
            key_of({model: versions[model] for model in own}), {model: models[model] for model in own}
        )
        for name, own in config.named_pipelines.items()
    }
    labeled = [facts.find(path, "labeled videos", find_labeled_videos) for path in labels]
    tracked = {name for found in labeled for name, is_tracked in found.items() if is_tracked}
    return replace(
        plan,
        dataset=dataset,
        versions=versions,
        models=models,
        pipelines=pipelines,
        profiles=profiles,
        channels=channels,
        labels=labels,
        labels_key=labels_key,
        labeled_names=frozenset(Path(name).name for found in labeled for name in found),
        tracked_videos=frozenset(video for name in tracked for video in _match_video(name, plan.videos)),
    )


def _check_naming(config: Config, kinds: Sequence[Kind]) -> None:
    """Raise ConfigError where tracking asks for names that the models which run over the recordings do not know."""
    if config.tracking.mode != "motion" and not any(map(tells_animals_apart, kinds)):
        raise ConfigError(
            f"tracking.mode must be motion where no model is of a multi_class kind, got {config.tracking.mode}"
        )


def name_shards(estimated_frames: int, shard_frames: int) -> list[str]:
    """Names `0000-of-0020`, … of the shards of a recording of about so many frames; at least one."""
    count = max(1, -(-estimated_frames // shard_frames))
    return [f"{i:04d}-of-{count:04d}" for i in range(count)]


def shard_frames(shard: str, frames: int) -> tuple[int, int]:
    """First frame and end (exclusive) of a shard `0003-of-0020`, given the exact number of frames.

    The shards of one recording cover it without gap or overlap, whatever the estimate was that their number comes from.

    Raises ConfigError for a name of another form.
    """
    index, _, count = shard.partition("-of-")
    if not (index.isdigit() and count.isdigit() and int(index) < int(count)):
        raise ConfigError(f"shard must be like 0003-of-0020, counted from 0000, got {shard!r}")
    return int(index) * frames // int(count), (int(index) + 1) * frames // int(count)


def find_labeled_videos(path: Path) -> dict[str, bool]:
    """Paths of the videos that a SLEAP label file labels, and whether densely and with tracks: these can test tracking.

    Densely: at least 20 frames, and one in ten of those from the first to the last. Reads HDF5 tables, no video. Other
    formats give nothing.
    """
    if path.suffix != ".slp":
        return {}
    import h5py
    import numpy as np

    with h5py.File(path) as file:
        if "frames" not in file:
            return {}
        has_tracks = len(file.get("tracks_json", ())) > 0
        frames = file["frames"][:]
        videos = [json.loads(text) for text in file["videos_json"][:]]
    found = {}
    for index, video in enumerate(videos):
        labeled = np.unique(frames["frame_idx"][frames["video"] == index])
        name = str(video.get("filename") or video.get("backend", {}).get("filename", "")).replace("\\", "/")
        is_dense = len(labeled) >= 20 and 10 * len(labeled) > labeled[-1] - labeled[0]
        found[name] = has_tracks and bool(is_dense)
    return found


def _match_video(labeled: str, videos: Mapping[str, Path]) -> list[str]:
    """The recording that a label file means: of its name, and where several have it, the very file."""
    alike = [video for video, path in videos.items() if path.name == Path(labeled).name]
    return (
        alike if len(alike) == 1 else [video for video in alike if videos[video].resolve() == Path(labeled).resolve()]
    )


def fingerprint_recording(path: Path) -> str:
    """Short hash by which a recording that was changed is told from one that was only touched, or copied.

    Of a file, its size and its first and last 64 KB; of a folder, its files' names and sizes.
    """
    try:
        if path.is_dir():
            return key_of(sorted((file.name, file.stat().st_size) for file in path.iterdir()))
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            ends = []
            for place in (0, max(size - FINGERPRINT_BYTES, 0)):
                file.seek(place)
                ends.append(file.read(FINGERPRINT_BYTES))
    except OSError as error:
        return key_of(str(error))
    return hashlib.sha256(b"".join([str(size).encode(), *ends])).hexdigest()[:KEY_LENGTH]


def hash_model_folder(folder: Path, facts: FileFacts | None = None) -> str:
    """Key of a trained model: its settings, skeleton and weights; raises ConfigError where one is missing."""
    hashes = []
    for file in needed_files(folder):
        if not file.is_file():
            raise ConfigError(f"release: a model folder must hold {file.name}, got {folder}")
        hashes.append(facts.find(file, "sha256", hash_file) if facts else hash_file(file))
    return key_of(hashes)


def name_recording(video: str, path: Path, config: VideosConfig) -> str:
    """Name of the recording that a video is part of: its folder below `videos.root`, or the video itself at the top.

    A recording of many files thus lies together in the pose table. Safe for file names.
    """
    folder = path.relative_to(config.root).parent.as_posix()
    if folder == ".":
        return video
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", folder.replace("/", "__"))
    return name if name == folder.replace("/", "__") else f"{name}-{key_of(folder)[:6]}"


def pixels_per_mm(path: Path, config: VideosConfig) -> float | None:
    """Scale of a recording's images: its own, that of its nearest folder below `videos.root`, or the one of all."""
    scale = config.pixels_per_mm
    if not isinstance(scale, dict):
        return scale
    below = path.relative_to(config.root)
    return next((scale[place.as_posix()] for place in (below, *below.parents) if place.as_posix() in scale), None)


def start_time(path: Path, config: VideosConfig) -> datetime | None:
    """When a recording began, where that is known."""
    return config.start_times.get(path.relative_to(config.root).as_posix())
