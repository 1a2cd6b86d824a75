"""What files take of a disk."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path


def measure_files(paths: Iterable[Path], seen: set[tuple[int, int]] | None = None) -> int:
    """Bytes of files, and of all in folders; links are not followed, and a file with two names counts once.

    Args:
        seen: such files that were counted before; those that are found are added.
    """
    known = set() if seen is None else seen
    return sum(_count_once(status, known) for path in paths for status in _list_files(path))


def _list_files(path: Path) -> Iterator[os.stat_result]:
    if path.is_symlink() or not path.is_dir():
        if path.is_symlink() or path.exists():
            yield path.lstat()
        return
    folders = [path]
    while folders:
        for entry in scan_folder(folders.pop()):
            if entry.is_dir(follow_symlinks=False):
                folders.append(Path(entry.path))
            else:
                yield entry.stat(follow_symlinks=False)


def _count_once(status: os.stat_result, seen: set[tuple[int, int]]) -> int:
    if status.st_nlink > 1:
        if (status.st_dev, status.st_ino) in seen:
            return 0
        seen.add((status.st_dev, status.st_ino))
    return status.st_size


def scan_folder(folder: Path) -> Iterator[os.DirEntry[str]]:
    """What lies in a folder; nothing where there is none."""
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except (FileNotFoundError, NotADirectoryError):
        return


def say_size(count: float) -> str:
    """Bytes as `5.3 GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"
