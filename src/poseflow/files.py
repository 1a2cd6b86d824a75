"""Files that are either whole or absent."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a path beside `path` to write a file or folder to; rename it into place if the body succeeds.

    A crash leaves the old file or none. The temporary name starts with a dot, so that dataset readers and globs
    pass it over, and ends like `path`, so that writers who choose a format by the suffix work.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{os.getpid()}.{path.name}")
    _remove(beside)
    try:
        yield beside
        if beside.is_file():
            _flush_to_disk(beside)
        if path.is_dir() and beside.is_dir():
            _remove(path)
        os.replace(beside, path)
    finally:
        _remove(beside)


def write_json(value: Any, path: str | Path) -> None:
    """Write `value` as indented JSON, atomically; NaN is not JSON and raises ValueError."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    with replacing(path) as beside:
        beside.write_text(text + "\n", encoding="utf-8")


def read_json(path: str | Path) -> Any:
    """Read a JSON file; what is no JSON raises ValueError naming the file."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} must be a JSON file, got one that is damaged: {error}") from error


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _flush_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
