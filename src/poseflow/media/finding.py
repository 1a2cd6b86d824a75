"""Find the recordings below a folder, and give each a name that is safe everywhere."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path

from poseflow.config import VideosConfig
from poseflow.errors import VideoError


def find_videos(config: VideosConfig) -> dict[str, Path]:
    """Recordings below `config.root` whose names match its patterns, by video id, sorted.

    The id is the path below the root without its extension, '/' written as '__'. Where characters outside
    [A-Za-z0-9_.-] had to be replaced, six digits of a hash of the path follow. Files that would have the same id get
    their extension in it. Letters' case does not matter to patterns; one with a '/' is matched against the whole path
    below the root. A folder that matches is one recording. Names that begin with a dot are passed over.

    Raises: VideoError if the root is no folder.
    """
    root = Path(config.root)
    if not root.is_dir():
        raise VideoError(f"videos.root must be a folder, got {config.root!r}")
    paths = sorted(_walk(root, tuple(pattern.lower() for pattern in config.patterns)))
    ids = {path: _id_of(path.with_suffix("")) for path in paths}
    for alike in _namesakes(ids):
        ids[alike] = _id_of(alike)
    for alike in _namesakes(ids):
        ids[alike] = f"{_id_of(alike)}-{_digest(alike)}"
    return {ids[path]: root / path for path in sorted(paths, key=lambda path: ids[path])}


def _walk(root: Path, patterns: tuple[str, ...]) -> Iterator[Path]:
    """Paths below `root` that match; links are followed, once."""
    seen = {root.resolve()}
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            path = Path(entry.path).relative_to(root)
            if entry.name.startswith("."):
                continue
            if _matches(path, patterns):
                yield path
            elif entry.is_dir() and (place := Path(entry.path).resolve()) not in seen:
                seen.add(place)
                folders.append(folder / entry.name)


def _matches(path: Path, patterns: Iterable[str]) -> bool:
    name, whole = path.name.lower(), path.as_posix().lower()
    return any(fnmatchcase(whole if "/" in pattern else name, pattern) for pattern in patterns)


def _id_of(path: Path) -> str:
    plain = "__".join(path.parts)
    safe = re.sub(r"[^A-Za-z0-9_.-]", "_", plain)
    if safe[:1] in "-._":  # names that begin so are options to programs, or passed over by readers of Parquet folders
        safe = f"v{safe}"
    return safe if safe == plain else f"{safe}-{_digest(path)}"


def _digest(path: Path) -> str:
    return sha256(os.fsencode(path.as_posix())).hexdigest()[:6]


def _namesakes(ids: dict[Path, str]) -> list[Path]:
    """Paths whose id is another's too."""
    counts = Counter(ids.values())
    return [path for path, video in ids.items() if counts[video] > 1]
