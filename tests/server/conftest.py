"""A project and a server on it, for all tests of a module."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from served_project import Browser, Server, lay_out


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The project, in which this process works as long as the module's tests last."""
    before = Path.cwd()
    folder = lay_out(tmp_path_factory.mktemp("lab") / "project")
    os.chdir(folder)
    yield folder
    os.chdir(before)


@pytest.fixture(scope="module")
def server(project: Path) -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


@pytest.fixture
def browser(server: Server) -> Browser:
    """One that has opened the link."""
    return server.browser
