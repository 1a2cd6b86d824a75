"""Results of a small run, shared by the tests of the report."""

from pathlib import Path

import pytest
from fake_results import write_run


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    return write_run(tmp_path / "results")
