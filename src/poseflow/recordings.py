"""Which recordings a run is about: their names, files, shards and fingerprints."""

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from poseflow.config import Config, VideosConfig
from poseflow.errors import ConfigError
from poseflow.facts import FileFacts
from poseflow.fingerprints import KEY_LENGTH, key_of

FINGERPRINT_BYTES = 1 << 16


@dataclass(frozen=True)
class Recordings:
    """What is known of all recordings before one is read."""

    videos: Mapping[str, Path]
    shards: Mapping[str, Sequence[str]]  # of each video
    fingerprints: Mapping[str, str]  # of each video
    recordings: Mapping[str, Sequence[str]]  # videos of each, in order
    warnings: Sequence[str] = ()  # a line each


def plan_recordings(config: Config, facts: FileFacts) -> Recordings:
    """Find the recordings and cut them into shards, opening none that `facts` knows."""
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
    return Recordings(videos, shards, fingerprints, recordings)


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


def name_recording(video: str, path: Path, config: VideosConfig) -> str:
    """Name of the recording that a video is part of: its folder below `videos.root`, or the video itself at the top.

    A recording of many files thus lies together in the pose table. Safe for file names.
    """
    folder = path.relative_to(config.root).parent.as_posix()
    if folder == ".":
        return video
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", folder.replace("/", "__"))
    name = f"v{name}" if name[0] in "-._" else name  # as ids of videos: readers of Parquet folders pass such names over
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
