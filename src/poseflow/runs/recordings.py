"""Which recordings a run is about: their names, files, shards and fingerprints."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from poseflow.config import Config, RecordingsConfig, VideosConfig
from poseflow.config.recordings import NumberedRow
from poseflow.core.contents import fingerprint_recording
from poseflow.core.errors import ConfigError
from poseflow.core.wording import list_some
from poseflow.runs.facts import FileFacts
from poseflow.runs.names import give_names, read_names, show_path
from poseflow.runs.places import Places
from poseflow.runs.recording_facts import (
    MAX_LISTED,
    RecordingFacts,
    describe_recordings,
    find_disagreements,
    group_recordings,
    read_table,
)

UNREADABLE = "unreadable"
"""Fingerprint of what could not be read: that it can be is a change."""


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
    facts: Mapping[str, RecordingFacts] = field(default_factory=dict)  # of each video, beyond its file


def plan_recordings(config: Config, facts: FileFacts) -> Recordings:
    """Find the recordings, name them, and cut them into shards, opening none that `facts` knows.

    No recording stops the others: what cannot be read is planned, and its job `index` says why.

    Raises: ConfigError for a damaged file of names, and for a table of recordings that cannot be followed.
    """
    root, rows = Path(config.videos.root), read_table(config.recordings, facts)
    if not root.is_dir():
        return Recordings({}, {}, {}, {}, read_names())
    listed = list_videos(config.videos, Places())
    named = name_recordings(listed.paths, config.recordings, rows, read_names())
    names, recordings = named.names, named.recordings
    videos = {names[path.as_posix()]: root / path for path in listed.paths}
    shards = {
        video: name_shards(_estimate_frames(path, config.videos.h5_dataset, facts), config.predict.shard_frames)
        for video, path in videos.items()
    }
    fingerprints = {
        video: facts.find(path, "fingerprint", fingerprint_recording) or UNREADABLE for video, path in videos.items()
    }
    warnings = [*listed.warnings, *named.warnings, *_tell_links(videos.values())]
    return Recordings(videos, shards, fingerprints, recordings, names, listed.unlisted, warnings, named.facts)


def _tell_links(paths: Iterable[Path]) -> Iterator[str]:
    """A line for each file that is there under several names, by links."""
    files: dict[tuple[int, int], list[str]] = {}
    for path in paths:
        with suppress(OSError):
            status = path.stat()
            files.setdefault((status.st_dev, status.st_ino), []).append(show_path(path))
    for names in files.values():
        if len(names) > 1:
            yield f"{list_some(names, MAX_LISTED)} are one file by links, and its animals count {len(names)} times"


@dataclass(frozen=True)
class ListedVideos:
    """What lies below a folder."""

    paths: Sequence[Path]  # of recordings, below it
    unlisted: Sequence[Path]  # folders of which it is not known what they hold
    warnings: Sequence[str]  # a line for each file or folder that is left out


def list_videos(config: VideosConfig, places: Places) -> ListedVideos:
    """The recordings below `videos.root`, but for those that a run makes itself, overlays, and for nameless ones."""
    from poseflow.media import find_videos

    root, found = Path(config.root), find_videos(config)
    above, own = root.resolve(), places.results.resolve()
    listed = [path for path in found.paths if own not in (above / path).parents]
    nameless = [path for path in listed if not _has_text_name(path)]
    warnings = [
        f"{show_path(root / path)} is left out: its name must be UTF-8, got other bytes; rename it" for path in nameless
    ]
    warnings += [f"{show_path(root / path)} cannot be looked into: {why}" for path, why in found.unlisted.items()]
    return ListedVideos([path for path in listed if _has_text_name(path)], list(found.unlisted), warnings)


@dataclass(frozen=True)
class NamedVideos:
    """Which videos are a recording, under which names, and what is known of each."""

    recordings: Mapping[str, Sequence[str]]  # videos of each, in order
    names: Mapping[str, str]  # see `poseflow.runs.names`
    facts: Mapping[str, RecordingFacts]  # of each video
    warnings: Sequence[str]  # a line each


def name_recordings(
    paths: Sequence[Path], config: RecordingsConfig, rows: Sequence[NumberedRow], known: Mapping[str, str]
) -> NamedVideos:
    """Name videos and the recordings that they make up.

    Args:
        paths: below the root. rows: of the table of recordings. known: names that were given before.

    Raises: ConfigError for a table that cannot be followed, and for a recording whose videos have different animals.
    """
    told, doubts = describe_recordings(paths, config, rows)
    recording_of, alone = group_recordings(paths, told, config.group_by)
    groups = {Path(recording) for recording in recording_of.values() if recording.endswith("/")}
    names = give_names(paths, known, groups)
    recordings: dict[str, list[str]] = {}
    for path in paths:
        recordings.setdefault(names[recording_of[path]], []).append(names[path.as_posix()])
    facts = {names[path.as_posix()]: known_of for path, known_of in told.items()}
    if faults := [*find_disagreements(recordings, facts)]:
        raise ConfigError("; ".join(faults))
    return NamedVideos(recordings, names, facts, [*doubts, *alone])


def _has_text_name(path: Path) -> bool:
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


def without_flow(config: Config) -> Config:
    """The configuration for a recording whose points are not shifted by flow: candidates are where they were."""
    if config.tracking.candidates != "flow":
        return config
    return config.model_copy(update={"tracking": config.tracking.model_copy(update={"candidates": "window"})})
