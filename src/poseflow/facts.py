"""What was found out about files, kept as long as they are the same."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from poseflow.files import read_json, write_json


class FileFacts:
    """Facts about files, kept in one JSON file; each is found again when its file's size or mtime has changed."""

    def __init__(self, store: str | Path) -> None:
        self._store = Path(store)
        self._changed = False
        try:
            self._facts: dict[str, Any] = read_json(self._store)
        except (OSError, ValueError):
            self._facts = {}  # a cache: whatever is lost is found again

    def find(self, path: Path, name: str, compute: Callable[[Path], Any]) -> Any:
        """Give the fact `name` (JSON-able) about the file or folder `path`, from the store where it still holds."""
        try:
            status = path.stat()
        except OSError:  # a link to nowhere, say: nothing to keep
            return compute(path)
        stamp = [status.st_size, status.st_mtime_ns]
        key = os.fsencode(path).decode("utf-8", "backslashreplace")
        known = self._facts.get(key)
        if known is None or known["stamp"] != stamp:
            known = {"stamp": stamp}
        if name not in known:
            known[name] = compute(path)
            self._facts[key] = known
            self._changed = True
        return known[name]

    def save(self) -> None:
        """Write what is new, atomically."""
        if self._changed:
            write_json(self._facts, self._store)
            self._changed = False
