"""What files and folders hold: the members of a folder, and whether a recording is still the same."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

SAMPLE_BYTES = 1 << 16
SAMPLES = 9
"""Of a recording, of one file or several; of each file two at least, its beginning and its end."""
MANY_MEMBERS = 256
KEY_LENGTH = 10


class Member(NamedTuple):
    """A file in a folder, or in a folder in it."""

    path: str
    """Below the folder; bytes that are no UTF-8 are escaped as Python does."""
    size: int
    mtime_ns: int


def list_members(folder: Path) -> list[Member]:
    """All files of a folder and its folders, sorted; hidden ones are left out.

    One look at each: 100,000 images take half a second.

    Raises: OSError where a folder cannot be listed.
    """
    return sorted(_walk(folder, ""))


def _walk(folder: Path | str, below: str) -> Iterator[Member]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path, f"{below}{entry.name}/")
                continue
            try:
                status = entry.stat()
            except OSError:  # a link to nowhere
                status = entry.stat(follow_symlinks=False)
            yield Member(f"{below}{entry.name}", status.st_size, status.st_mtime_ns)


def fingerprint_recording(path: Path) -> str | None:
    """Short hash by which a recording that was changed is told from one that was only touched, or copied.

    Of a file, its size, its first and last 64 KB, and as much at seven places between; of a folder, its members' paths
    and sizes, and samples of the content of each. Of a folder of more than MANY_MEMBERS, which take too long to open,
    their times take the content's place. What is changed between the samples is not seen. None where it cannot be read.
    """
    try:
        if not path.is_dir():
            return _key_of_bytes(_read_samples(path, SAMPLES))
        members = list_members(path)
        samples = SAMPLES // max(1, len(members))
        parts = [os.fsencode(f"{member.path}/{member.size}") for member in members]
        if len(members) > MANY_MEMBERS:
            parts += [str(member.mtime_ns).encode() for member in members]
        else:
            parts += [part for member in members for part in _read_samples(path / member.path, samples)]
        return _key_of_bytes(parts)
    except OSError:
        return None


def _read_samples(path: Path, samples: int) -> list[bytes]:
    """Size of a file, and its bytes at evenly spread places; of a pipe, which would be waited for, what it is."""
    if not path.is_file():
        return [str(path.stat().st_mode).encode()]
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        found = [str(size).encode()]
        steps = max(samples, 2) - 1
        for step in range(steps + 1):
            file.seek(max(size - SAMPLE_BYTES, 0) * step // steps)
            found.append(file.read(SAMPLE_BYTES))
    return found


def _key_of_bytes(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:KEY_LENGTH]
