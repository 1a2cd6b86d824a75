"""The small project, finished and not."""

import json
import shutil

import pytest
from made_once import made_once
from shell import run_script
from small_project import TOP_DOWN, Project, lay_out


@pytest.fixture(scope="session")
def finished(pytestconfig) -> Project:
    """A project in which everything has run; copy it, do not change it."""
    return Project(made_once(pytestconfig, "finished", lambda folder: lay_out(folder).snakemake()))


@pytest.fixture
def project(finished, tmp_path) -> Project:
    """A copy to change; times of files are kept, so it is as finished as the original."""
    shutil.copytree(finished.folder, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")


@pytest.fixture
def fresh(finished, tmp_path) -> Project:
    """The same labels and two of the recordings, with nothing made of them yet."""
    without = shutil.ignore_patterns("results", "logs", ".snakemake", "day 2")
    shutil.copytree(finished.folder, tmp_path / "fresh", symlinks=True, ignore=without)
    project = Project(tmp_path / "fresh")
    project.configure(**TOP_DOWN)
    return project


@pytest.fixture
def case_project(case):
    """Make a project of small videos in a case's folder, by the cases' own script."""

    def make(name, settings, *videos):
        folder = case(name)
        run_script(folder.parent / "project.py", "P", json.dumps(settings), *videos, folder=folder)
        return folder / "P"

    return make
