"""Find the recordings below a folder."""

import os
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from poseflow.config import VideosConfig
from poseflow.core.errors import VideoError


@dataclass(frozen=True)
class FoundVideos:
    """What lies below the root."""

    paths: Sequence[Path]
    """Recordings, as paths below the root, in natural order."""
    unlisted: Mapping[Path, str]
    """Folders below the root that could not be looked into, and why: what they hold is not known."""


def find_videos(config: VideosConfig) -> FoundVideos:
    """Find the recordings below `config.root` whose names match its patterns.

    Letters' case does not matter to patterns; one with a '/' is matched against the whole path below the root. A folder
    that matches is one recording. Names that begin with a dot are passed over; links to folders are followed, once, and
    not at all to what is found without them: a link `latest` that moves on gives no recording another path.

    Raises: VideoError if the root is no folder.
    """
    root = Path(config.root)
    if not root.is_dir():
        raise VideoError(f"videos.root must be a folder, got {config.root!r}")
    unlisted: dict[Path, str] = {}
    paths = _walk(root, tuple(pattern.lower() for pattern in config.patterns), unlisted)
    return FoundVideos(sorted(paths, key=natural_order), unlisted)


def natural_order(path: Path) -> list[tuple[object, ...]]:
    """Sort key by which parts follow one another as a person counts: part2 comes before part10."""
    return [_count_naturally(name) for name in (*path.parent.parts, path.stem, path.suffix)]


def _count_naturally(name: str) -> tuple[object, ...]:
    pieces = re.split(r"([0-9]+)", name)  # every other one is a number
    return (tuple(int(piece) if place % 2 else piece.casefold() for place, piece in enumerate(pieces)), name)


def _walk(root: Path, patterns: tuple[str, ...], unlisted: dict[Path, str]) -> Iterator[Path]:
    """Paths below `root` that match."""
    seen = {root.resolve()}
    folders, links = [root], deque[Path]()
    while folders or links:
        folder = folders.pop() if folders else links.popleft()
        if folder.is_symlink() and folder != root and not _is_new(folder, seen):
            continue
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            unlisted[folder.relative_to(root)] = error.strerror or str(error)
            continue
        for entry in entries:
            path = Path(entry.path).relative_to(root)
            if entry.name.startswith("."):
                continue
            if _matches(path, patterns):
                yield path
            elif (kind := _kind_of(entry)) == "folder" and entry.is_symlink():
                links.append(folder / entry.name)
            elif kind == "folder" and _is_new(folder / entry.name, seen):
                folders.append(folder / entry.name)
            elif kind == "dangling link":
                unlisted[path] = "a link to nowhere"


def _is_new(folder: Path, seen: set[Path]) -> bool:
    """Whether a folder is none of those seen; it is one of them from now on."""
    place = folder.resolve()
    is_new = place not in seen
    seen.add(place)
    return is_new


def _kind_of(entry: os.DirEntry[str]) -> str:
    try:
        if entry.is_dir():
            return "folder"
        return "dangling link" if entry.is_symlink() and not Path(entry.path).exists() else "file"
    except OSError:  # a loop of links
        return "dangling link"


def _matches(path: Path, patterns: Iterable[str]) -> bool:
    name, whole = path.name.lower(), path.as_posix().lower()
    return any(fnmatchcase(whole if "/" in pattern else name, pattern) for pattern in patterns)
