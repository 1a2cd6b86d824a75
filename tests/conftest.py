"""Fixtures that several folders of tests share."""

import os
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

SLOW_FIXTURES = {"blob_models", "one_pass_models", "real_data", "case"}

MOVED = {
    "data.samples": "training.data.samples",
    "errors": "core.errors",
    "files": "core.files",
    "plan": "runs.plan",
    "skeleton": "core.skeleton",
}
"""Modules that the cases' scripts know by the names of their time."""

settings.register_profile("poseflow", deadline=None)  # how long an example takes is no behavior
settings.load_profile("poseflow")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of tests that take longest come first, so that the processes of a run end together."""
    for item in items:
        if isinstance(item, pytest.Function) and SLOW_FIXTURES & set(item.fixturenames):
            item.add_marker(pytest.mark.slow)
    weights = Counter(item.path for item in items if item.get_closest_marker("slow"))
    workflows = {item.path for item in items if item.get_closest_marker("workflow")}
    items.sort(key=lambda item: (item.path not in workflows, -weights[item.path]))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real recordings, labels and models (POSEFLOW_REAL_DATA); the test is skipped where it is not set."""
    folder = os.environ.get("POSEFLOW_REAL_DATA")
    if not folder:
        pytest.skip("POSEFLOW_REAL_DATA is not set")
    return Path(folder).resolve()


def rename_modules(script: str) -> str:
    """A case's script, or the commands in its text, with today's names of modules."""
    for old, new in MOVED.items():
        script = re.sub(rf"\bposeflow\.{re.escape(old)}\b", f"poseflow.{new}", script)
    return script


@pytest.fixture
def case(tmp_path: Path) -> Callable[[str], Path]:
    """Copy of a regression case's folder, by name (POSEFLOW_CASES); the test is skipped where that is not set.

    Beside it lie the cases' scripts (`numbered.py` and the like) and, as `../../data`, the real recordings.
    """
    folder = os.environ.get("POSEFLOW_CASES")
    if not folder:
        pytest.skip("POSEFLOW_CASES is not set")
    cases = Path(folder).resolve()

    def lay_out(name: str) -> Path:
        copy = tmp_path / "cases" / name
        shutil.copytree(cases / name, copy, symlinks=True, copy_function=shutil.copyfile)
        for script in (*copy.rglob("*.py"), *copy.rglob("case.md"), *cases.glob("*.py")):
            here = script if script.is_relative_to(copy) else copy.parent / script.name
            here.write_text(rename_modules(script.read_text()))
        data = os.environ.get("POSEFLOW_REAL_DATA")
        if data and not (tmp_path / "data").exists():
            (tmp_path / "data").symlink_to(Path(data).resolve())
        return copy

    return lay_out


@pytest.fixture
def synced(monkeypatch):
    """Inodes that were given to fsync."""
    inodes = set()
    fsync = os.fsync

    def note(descriptor):
        inodes.add(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    return inodes
