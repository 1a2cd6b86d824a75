"""Files and folders that are either whole or absent, after a crash, a SIGKILL and a power cut too."""

import errno
import json
import os
import re
import secrets
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from itertools import takewhile
from pathlib import Path
from typing import Any

from poseflow.core.errors import ConfigError

UNFINISHED = ".unfinished"
"""What the names of temporary files and folders end with; they begin with a dot."""
TEMPORARY_FOLDER = ".temporary"
"""A folder that collects the temporary files of all that is written beside it and in the folders beside it."""
NAME_BYTES = 80
_UNFINISHED_NAME = re.compile(rf"\..*\.(?P<host>[A-Za-z0-9-]+)-(?P<process>\d+)-[0-9a-f]+{re.escape(UNFINISHED)}", re.S)
_NO_LINKS = frozenset([errno.EPERM, errno.EACCES, errno.ENOSYS, errno.ENOTSUP, errno.EXDEV, errno.EMLINK])
_NO_FLUSH = frozenset([errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EACCES, errno.EPERM, errno.EBADF])


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path to write a file or folder to; rename it to `path` if the body succeeds.

    A crash leaves the old file or none. What is renamed has reached the disk before, and the new name after it. Where
    the temporary path lies, and how it is called, `temporary_path` says. A writer that chooses a format by the suffix
    must be told the format.

    Raises: ConfigError where something lies at `path` that is no file or folder: a device would be gone.
    """
    path = Path(path)
    _check_target(path)
    made = _make_folder(path.parent)
    temporary = temporary_path(path)
    try:
        yield temporary
        move_into_place(temporary, path)
        for folder in made:
            flush_folder(folder.parent)
    finally:
        _remove(temporary)


@contextmanager
def temporary_folder(path: str | Path) -> Iterator[Path]:
    """A folder for what is needed while `path` is being made, on its disk; gone when the block ends."""
    folder = temporary_path(Path(path))
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        _remove(folder)


def temporary_path(path: Path) -> Path:
    """A path that no other writer has, on whatever machine: its name has the host, the process, and chance.

    It lies in the next `.temporary` folder beside or above `path`, where there is one that has the same file system and
    access rights as the folder of `path`; Polars opens a folder of tables only if it holds nothing else. Without one,
    and for what lies in hidden folders, which nobody opens, it lies beside `path`. Its name ends with `.unfinished`, so
    that no reader's glob matches it, not even DuckDB's, which match names with a dot.
    """
    begin = os.fsencode(path.name)[:NAME_BYTES].decode(errors="ignore")  # the whole could get too long for a name
    name = f".{begin}.{_host()}-{os.getpid()}-{secrets.token_hex(6)}{UNFINISHED}"
    return (_find_temporary_folder(path.absolute().parent) or path.parent) / name


def make_temporary_folder(root: str | Path) -> None:
    """See that what is written below `root` from now on has its temporary files there, in one hidden folder."""
    Path(root, TEMPORARY_FOLDER).mkdir(parents=True, exist_ok=True)


def move_into_place(source: Path, path: Path) -> None:
    """Rename a file or folder to `path` once all of it is on disk; a folder that is there makes way.

    Raises: ConfigError where a file would take the place of a folder, or a folder that of a file.
    """
    if path.exists() and path.is_dir() != source.is_dir():
        raise ConfigError(f"{path} must be a {_kind_of(source)}, got a {_kind_of(path)} that is there")
    flush(source)
    if path.is_dir() and source.is_dir():
        old = temporary_path(path)
        _rename(path, old)
        try:
            _rename(source, path)
        except OSError:
            _rename(old, path)
            raise
        flush_folder(path.parent)
        _remove(old)
    else:
        _rename(source, path)
        flush_folder(path.parent)


def check_replaceable(folder: Path, parts: Collection[str]) -> None:
    """Raise ConfigError where a folder to be written holds other things than its `parts`: all would be replaced."""
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    others = sorted(name for name in names - set(parts) if not name.startswith("."))
    if others or (folder.exists() and not folder.is_dir()):
        got = f"one that holds {others[0]}" if others else "a file"
        raise ConfigError(f"{folder} must be a new folder or an earlier result of the same kind, got {got}")


def flush(path: Path) -> None:
    """See that a file, or a folder with all that it holds, is on disk."""
    if not path.is_dir():
        _flush_file(path)
        return
    for folder, _, files in os.walk(path, topdown=False):
        for name in files:
            _flush_file(Path(folder, name))
        flush_folder(Path(folder))


def link_or_copy(source: str | Path, target: str | Path) -> None:
    """Give a file a second name; where the file system has no hard links (SMB, exFAT, rclone), a copy."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        with replacing(target) as temporary:
            shutil.copyfile(source, temporary)


def remove_unfinished(folder: str | Path, but_in: str | None = None) -> list[Path]:
    """Remove the temporary files and folders below `folder` whose writers are gone; gives what was removed.

    A writer on this machine is asked after; one on another is taken to be gone: whoever calls this knows that.

    Args:
        but_in: pattern of names of folders to leave alone.
    """
    removed = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if but_in is None or not fnmatch(name, but_in)]
        for name in [name for name in (*files, *folders) if name.endswith(UNFINISHED)]:
            match = _UNFINISHED_NAME.fullmatch(name)
            if match and not (match["host"] == _host() and is_running(int(match["process"]))):
                _remove(Path(place, name))
                removed.append(Path(place, name))
        folders[:] = [name for name in folders if not name.endswith(UNFINISHED)]
    return removed


def write_json(value: Any, path: str | Path) -> None:
    """Write `value` as indented JSON, atomically; NaN is not JSON and raises ValueError."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    with replacing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: str | Path) -> Any:
    """Read a JSON file, with a byte order mark or without; what is no JSON raises ValueError naming the file."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} must be a JSON file, got one that is damaged: {error}") from error


def _find_temporary_folder(folder: Path) -> Path | None:
    for root in (folder, *folder.parents):
        found = root / TEMPORARY_FOLDER
        if found.is_dir():
            is_alike = _file_system_and_rights(found) == _file_system_and_rights(folder)
            return found if is_alike and os.access(found, os.W_OK | os.X_OK) else None
        if root.name.startswith("."):
            return None
    return None


def _file_system_and_rights(folder: Path) -> tuple[int, int, int] | None:
    """What a file inherits from its folder; None where there is no such folder."""
    try:
        status = folder.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_gid, status.st_mode


def _check_target(path: Path) -> None:
    if path.name in ("", ".."):
        raise ConfigError(f"{path} must be the name of a file or folder to write, got {path}")
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise ConfigError(f"{path} must be a file or folder to write, got a device, a pipe or a socket")


def _kind_of(path: Path) -> str:
    return "folder" if path.is_dir() else "file"


def _make_folder(path: Path) -> list[Path]:
    """Make a folder and those above it; gives the ones that were not there."""
    missing = list(takewhile(lambda folder: not folder.exists(), (path, *path.parents)))
    path.mkdir(parents=True, exist_ok=True)
    return missing


def is_running(process: int) -> bool:
    """Whether there is such a process on this machine; one that is dead and not yet buried is none."""
    import psutil

    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9-]", "-", os.uname().nodename)[:40] or "host"


def _rename(source: Path, path: Path) -> None:
    """Rename; where two folders of one disk are kept apart (bind mounts, quotas of projects), copy, then rename."""
    try:
        os.replace(source, path)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy = path.with_name(source.name)
        try:
            shutil.copytree(source, copy) if source.is_dir() else shutil.copyfile(source, copy)
            flush(copy)
            os.replace(copy, path)
        finally:
            _remove(copy)
        _remove(source)


def _remove(path: Path) -> None:
    """Remove a file or folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _flush_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_folder(path: Path) -> None:
    """Some file systems cannot be asked to (SMB, FUSE), and some do it by themselves."""
    try:
        _flush_file(path)
    except OSError as error:
        if error.errno not in _NO_FLUSH:
            raise
