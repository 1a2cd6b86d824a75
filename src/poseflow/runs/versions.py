"""What a project's results were made with: the version of each step, kept beside them."""

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from poseflow.core.files import read_json, write_json
from poseflow.runs.fingerprints import STEP_VERSIONS

Versions = dict[str, list[int]]
"""Of each step the versions by which results were made; several while a run has not made all of them anew."""


def note_versions(path: Path, steps: Mapping[str, int] = STEP_VERSIONS) -> None:
    """Note that results are made with these versions from now on, beside those that there are."""
    before = read_versions(path)
    _write({step: sorted({*before.get(step, ()), number}) for step, number in steps.items()}, path)


def settle_versions(path: Path, steps: Mapping[str, int] = STEP_VERSIONS) -> None:
    """Note that all results are made with these versions: a run has made everything."""
    _write({step: [number] for step, number in steps.items()}, path)


def read_versions(path: Path) -> Versions:
    """The versions that were noted; none where nothing was, or where it cannot be read."""
    try:
        return dict(read_json(path)["steps"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def find_raised(path: Path, steps: Mapping[str, int] = STEP_VERSIONS) -> dict[str, tuple[list[int], int]]:
    """Steps by another version of which there are results: those versions, and today's."""
    noted = read_versions(path)
    others = {step: [one for one in noted.get(step, ()) if one != number] for step, number in steps.items()}
    return {step: (numbers, steps[step]) for step, numbers in others.items() if numbers}


def read_package_version(path: Path) -> str | None:
    """The version of poseflow that results were last made with, where it was noted."""
    try:
        return str(read_json(path)["poseflow"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(steps: Versions, path: Path) -> None:
    note = {"poseflow": version("poseflow"), "steps": steps}
    if not path.exists() or (read_versions(path), read_package_version(path)) != (steps, note["poseflow"]):
        write_json(note, path)
