"""Fixtures that several folders of tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("poseflow", deadline=None)  # how long an example takes is no behaviour
settings.load_profile("poseflow")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With `-n`: tests of one folder share a process, and so what they trained; those that take longest come first."""
    items.sort(key=lambda item: "workflow" not in item.keywords)
    for item in items:
        place = item.path.relative_to(Path(__file__).parent)
        item.add_marker(pytest.mark.xdist_group(place.parts[0]))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real recordings, labels and models (POSEFLOW_REAL_DATA); the test is skipped where it is not set."""
    folder = os.environ.get("POSEFLOW_REAL_DATA")
    if not folder:
        pytest.skip("POSEFLOW_REAL_DATA is not set")
    return Path(folder).resolve()
