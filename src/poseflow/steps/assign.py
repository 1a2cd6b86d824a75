"""The step `assign`: the release that new recordings are predicted with."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from poseflow.core.files import replacing


def assign_release(current: Path, out: Iterable[Path]) -> None:
    """Give recordings the release in use, each a file of its own that stays."""
    for path in out:
        with replacing(path) as temporary:
            shutil.copyfile(current, temporary)
