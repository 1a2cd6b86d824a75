"""Which recordings a run is about: their names, files, shards and fingerprints."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from poseflow.config import Config, VideosConfig
from poseflow.core.contents import fingerprint_recording
from poseflow.core.errors import ConfigError
from poseflow.runs.facts import FileFacts
from poseflow.runs.names import give_names, name_of_recording, read_names, show_path
from poseflow.runs.places import Places

UNREADABLE = "unreadable"
"""Fingerprint of what could not be read: that it can be is a change."""
V = TypeVar("V")


@dataclass(frozen=True)
class Recordings:
    """What is known of all recordings before one is read."""

    videos: Mapping[str, Path]
    shards: Mapping[str, Sequence[str]]  # of each video
    fingerprints: Mapping[str, str]  # of each video
    recordings: Mapping[str, Sequence[str]]  # videos of each, in order
    names: Mapping[str, str]  # of all videos and folders that there ever were, see `poseflow.runs.names`
    unlisted: Sequence[Path] = ()  # folders below the root of which it is not known what they hold
    warnings: Sequence[str] = ()  # a line each


def plan_recordings(config: Config, facts: FileFacts) -> Recordings:
    """Find the recordings, name them, and cut them into shards, opening none that `facts` knows.

    No recording stops the others: what cannot be read is planned, and its job `index` says why.

    Raises: ConfigError for a damaged file of names.
    """
    from poseflow.media import find_videos

    root = Path(config.videos.root)
    if not root.is_dir():
        return Recordings({}, {}, {}, {}, read_names())
    found = find_videos(config.videos)
    # Overlays are no recordings, where the root is the project's folder or one above it.
    above, own = root.resolve(), Places().results.resolve()
    listed = [path for path in found.paths if own not in (above / path).parents]
    paths = [path for path in listed if has_text_name(path)]
    names = give_names(paths, read_names())
    videos = {names[path.as_posix()]: root / path for path in paths}
    recordings: dict[str, list[str]] = {}
    for path in paths:
        recordings.setdefault(name_of_recording(path, names), []).append(names[path.as_posix()])
    shards = {
        video: name_shards(_estimate_frames(path, config.videos.h5_dataset, facts), config.predict.shard_frames)
        for video, path in videos.items()
    }
    fingerprints = {
        video: facts.find(path, "fingerprint", fingerprint_recording) or UNREADABLE for video, path in videos.items()
    }
    unlisted = [f"{show_path(root / path)} cannot be looked into: {why}" for path, why in found.unlisted.items()]
    nameless = [
        f"{show_path(root / path)} is left out: its name must be UTF-8, got other bytes; rename it"
        for path in listed
        if not has_text_name(path)
    ]
    return Recordings(videos, shards, fingerprints, recordings, names, list(found.unlisted), [*nameless, *unlisted])


def has_text_name(path: Path) -> bool:
    """Whether a path's name is UTF-8; Snakemake can carry no other."""
    return os.fsencode(path).decode("utf-8", "ignore") == str(path)


def _estimate_frames(path: Path, h5_dataset: str, facts: FileFacts) -> int:
    """About how many frames there are; 0 where that is not known, and is asked again the next time."""
    from poseflow.media import estimate_frames

    def estimate(path: Path) -> int | None:
        if not is_file_or_folder(path):  # a pipe would be waited for
            return None
        try:
            return estimate_frames(path, h5_dataset) or None
        except OSError:  # its job `index` meets the fault again, or does not
            return None

    return facts.find(path, f"frames in {h5_dataset}", estimate) or 0


def is_file_or_folder(path: Path) -> bool:
    """Whether there is something to read that does not wait for anybody; False where that cannot be told."""
    try:
        return path.is_file() or path.is_dir()
    except OSError:
        return False


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


def pixels_per_mm(path: Path, config: VideosConfig) -> float | None:
    """Scale of a recording's images: its own, that of its nearest folder below `videos.root`, or the one of all."""
    scale = config.pixels_per_mm
    if not isinstance(scale, dict):
        return scale
    return _of_nearest(path, scale, config)


def with_animals(config: Config, path: Path) -> Config:
    """The configuration for one recording, with its own number of animals as `tracking.animals`, where it has one."""
    animals = _of_nearest(path, config.videos.animals, config.videos)
    if animals is None:
        return config
    return config.model_copy(update={"tracking": config.tracking.model_copy(update={"animals": animals})})


def _of_nearest(path: Path, given: Mapping[str, V], config: VideosConfig) -> V | None:
    """What is given for a recording itself or, failing that, for its nearest folder below `videos.root`."""
    below = path.relative_to(config.root)
    return next((given[place.as_posix()] for place in (below, *below.parents) if place.as_posix() in given), None)


def start_time(path: Path, config: VideosConfig) -> datetime | None:
    """When a recording began, where that is known."""
    return config.start_times.get(path.relative_to(config.root).as_posix())
