"""What was found out about files, kept as long as they are the same."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from poseflow.core.contents import list_members
from poseflow.core.files import read_json, write_json


class FileFacts:
    """Facts about files and folders, kept in one JSON file.

    A fact holds as long as the file's size and times of change are the same: the one that programs may set back (rsync
    does), and the system's own. Of a folder, size and time of all its members must be, since the folder's own tell
    nothing of a file that is written anew in its place.
    """

    def __init__(self, store: str | Path, check: bool = True) -> None:
        """Read the store.

        Args:
            check: look whether facts still hold. A job takes them as they were when its run was planned: so it plans
                the same, and looks through no folder of images.
        """
        self._store = Path(store)
        self._check = check
        self._changed = False
        self._folders: dict[Path, str] = {}
        try:
            self._facts: dict[str, Any] = read_json(self._store)
        except (OSError, ValueError):
            self._facts = {}  # a cache: whatever is lost is found again

    def find(self, path: Path, name: str, compute: Callable[[Path], Any]) -> Any:
        """Give the fact `name` (JSON-able) about `path`, from the store where it still holds.

        None stands for what could not be found out: that is not kept, and asked again the next time.
        """
        key = os.fsencode(path).decode("utf-8", "backslashreplace")
        known = self._facts.get(key)
        if not self._check and known is not None and name in known:
            return known[name]
        stamp = self._stamp(path)
        if known is None or known["stamp"] != stamp:
            known = {"stamp": stamp}
        if stamp is None or known.get(name) is None:
            known[name] = compute(path)
            self._facts[key] = known
            self._changed = True
        return known[name]

    def save(self) -> None:
        """Write what is new, atomically."""
        if self._changed:
            write_json(self._facts, self._store)
            self._changed = False

    def _stamp(self, path: Path) -> str | list[int] | None:
        """What is the same as long as the file is; None where that cannot be told."""
        try:
            if not path.is_dir():
                return _stamp_file(path)
            if path not in self._folders:  # looked through once
                self._folders[path] = _stamp_folder(path)
            return self._folders[path]
        except OSError:  # a link to nowhere, say
            return None


def _stamp_file(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _stamp_folder(path: Path) -> str:
    text = "\n".join(f"{member.path} {member.size} {member.mtime_ns}" for member in list_members(path))
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
