"""Names of recordings: safe in file names, each given to one recording only, and kept for good.

A name is the path below `videos.root` without its extension, '/' written as '__'. It stands for one path forever, in a
small file: a recording that comes later never changes the name of another, and takes none that was given before.
"""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from poseflow.core.errors import ConfigError
from poseflow.core.files import read_json, write_json
from poseflow.runs.fingerprints import key_of
from poseflow.runs.places import PLACES

MAX_NAME = 120
"""Two of these, and a few characters, fit a file's name: SLURM's logs have a recording's and a video's in one."""
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def read_names(path: Path = PLACES.names) -> dict[str, str]:
    """Names that were given so far, by path; that of a folder ends in '/'. None where there is no such file.

    Raises: ConfigError where the file is damaged, or gives a name twice.
    """
    if not path.exists():
        return {}
    try:
        names = read_json(path)
    except ValueError as error:
        raise ConfigError(f"{error}; without it, names are given anew") from None
    sound = isinstance(names, dict) and all(isinstance(name, str) and _SAFE.fullmatch(name) for name in names.values())
    if not sound or len({name.casefold() for name in names.values()}) < len(names):
        raise ConfigError(f"{path} must give each recording a name of its own, of letters, digits and _.-, got others")
    return names


def give_names(videos: Iterable[Path], known: Mapping[str, str], groups: Iterable[Path] = ()) -> dict[str, str]:
    """Names of videos, of the folders that they lie in, and of groups, by path; those that are known stay.

    Two names never differ in letters' case alone: they must not be one file on a file system that makes no difference.

    Args:
        videos: paths below the root.
        known: what read_names gives.
        groups: of videos that are one recording and lie in no folder of their own; named as a folder would be.

    Returns: the known names and the new ones; the key of a folder or group ends in '/'.
    """
    names = dict(known)
    paths = sorted(videos)
    folders = sorted({*(path.parent for path in paths), *groups} - {Path()})
    _name_new({path.as_posix(): path for path in paths}, [_name_without_suffix, _name_path, _name_apart], names)
    _name_new({f"{path.as_posix()}/": path for path in folders}, [_name_folder, _name_folder_apart], names)
    return names


def write_names(names: Mapping[str, str], path: Path = PLACES.names) -> None:
    """Keep the names, where there are new ones."""
    if names != read_names(path):
        write_json(dict(names), path)


def show_path(path: str | Path) -> str:
    """A path in one line that any terminal and any file of text can hold: what is no UTF-8 or no letter is escaped."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def _name_new(paths: Mapping[str, Path], ways: list[Callable[[Path], str]], names: dict[str, str]) -> None:
    """Name each new path in the first way that tells it from all others."""
    taken = {name.casefold() for name in names.values()}
    left = {key: path for key, path in paths.items() if key not in names}
    for way in (*ways, *(lambda path, length=length: _name_by_hash(path, length) for length in (16, 64))):
        tried = {key: way(path) for key, path in left.items()}
        counts = Counter(name.casefold() for name in tried.values())
        for key, name in tried.items():
            if counts[name.casefold()] == 1 and name.casefold() not in taken:
                names[key] = name
                taken.add(name.casefold())
                del left[key]


def _name_without_suffix(path: Path) -> str:
    return _name_path(path.with_suffix(""))


def _name_path(path: Path) -> str:
    return _join(path) if _is_safe(path) else _name_apart(path)


def _name_apart(path: Path) -> str:
    return _cut(_make_safe(path), _hash(path, 6))


def _name_folder(path: Path) -> str:
    return _join(path) if _is_safe(path) else _name_folder_apart(path)


def _name_folder_apart(path: Path) -> str:
    return _cut(_make_safe(path), key_of(path.as_posix())[:6])


def _name_by_hash(path: Path, length: int) -> str:
    return _cut(_make_safe(path), _hash(path, length))


def _join(path: Path) -> str:
    return "__".join(path.parts)


def _is_safe(path: Path) -> bool:
    return _make_safe(path) == _join(path) and len(_join(path)) <= MAX_NAME


def _make_safe(path: Path) -> str:
    safe = re.sub(r"[^A-Za-z0-9_.-]", "_", _join(path))
    # Names that begin so are options to programs, or passed over by readers of Parquet folders.
    return f"v{safe}" if safe[0] in "-._" else safe


def _cut(name: str, end: str) -> str:
    return f"{name[: MAX_NAME - len(end) - 1]}-{end}"


def _hash(path: Path, length: int) -> str:
    return sha256(os.fsencode(path.as_posix())).hexdigest()[:length]
