"""Fixtures that several folders of tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("poseflow", deadline=None)  # how long an example takes is no behaviour
settings.load_profile("poseflow")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real recordings, labels and models (POSEFLOW_REAL_DATA); the test is skipped where it is not set."""
    folder = os.environ.get("POSEFLOW_REAL_DATA")
    if not folder:
        pytest.skip("POSEFLOW_REAL_DATA is not set")
    return Path(folder).resolve()
