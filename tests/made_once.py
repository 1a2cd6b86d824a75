"""What takes minutes to make is made once: for all processes of a test run, and for later runs of the same code."""

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from poseflow.runs.provenance import find_commit

ROOT = Path(__file__).parents[1]
MADE_FROM = (
    "src/*poseflow/**/*.*",
    "workflow/**/*.*",
    "profiles/**/*.*",
    "config/**/*.*",
    "Snakefile",
    "requirements*.lock",
)
MADE_BY = ("tests/small_project.py", "tests/blobs.py", "tests/inference/conftest.py")
KEPT_S = 24 * 3600
"""What nobody has asked for so long goes when a newer one is made; another run of tests may be at work with it."""


def made_once(config: pytest.Config, name: str, make: Callable[[Path], None]) -> Path:
    """The folder `name` in pytest's cache, which `make` fills unless that was done from the same code; only to read."""
    assert config.cache is not None
    place = config.cache.mkdir("made") / f"{name}-{_fingerprint()}"
    with place.with_name(f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            for other in place.parent.glob(f"{name}-*"):
                if time.time() - other.stat().st_mtime > KEPT_S:
                    shutil.rmtree(other)
            beside = place.with_name(f"{name}.unfinished")
            shutil.rmtree(beside, ignore_errors=True)
            make(beside)
            beside.rename(place)
        os.utime(place)
    return place


@cache
def _fingerprint() -> str:
    """A hash of all that may change what is made."""
    files = sorted({path for pattern in (*MADE_FROM, *MADE_BY) for path in ROOT.glob(pattern) if path.is_file()})
    code = hashlib.sha256(os.environ.get("KERAS_BACKEND", "").encode())
    code.update(str(find_commit()).encode())  # which the tables name
    for path in files:
        if "__pycache__" not in path.parts:
            code.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return code.hexdigest()[:16]
