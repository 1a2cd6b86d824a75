"""Fixtures that several folders of tests share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real recordings, labels and models (POSEFLOW_REAL_DATA); the test is skipped where it is not set."""
    folder = os.environ.get("POSEFLOW_REAL_DATA")
    if not folder:
        pytest.skip("POSEFLOW_REAL_DATA is not set")
    return Path(folder).resolve()
