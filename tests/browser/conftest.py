"""Debian's Chromium, a real server in a process of its own, and a project with planted mistakes."""

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cage_project import CageProject, plant
from made_once import made_once

if importlib.util.find_spec("playwright") is None:  # then these are left out, and `make test-browser` finds none
    collect_ignore_glob = ["test_*.py"]
if TYPE_CHECKING:
    from browser_page import Person, Served
    from playwright.sync_api import Browser

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator["Browser"]:
    """Debian's, which decodes H.264; Playwright's own does not."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is missing: apt install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


FRAMES = int(os.environ.get("POSEFLOW_CAGE_FRAMES", "2500"))
MISTAKES = 20 if FRAMES >= 50_000 else 4
CAGE = plant(FRAMES, swaps=MISTAKES, false_animals=MISTAKES)


@pytest.fixture
def cage(tmp_path: Path, request: pytest.FixtureRequest) -> CageProject:
    """A recording with planted swaps and false animals, tracked and assembled; to write."""
    made = made_once(request.config, f"cage_{FRAMES}", lambda folder: CageProject(folder, CAGE).lay_out())
    folder = tmp_path / "lab"
    shutil.copytree(made, folder)
    return CageProject(folder, CAGE)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., "Served"]]:
    """Starts servers on projects; they end with the test."""
    from browser_page import Served

    servers: list[Served] = []

    def start(folder: Path, *options: str) -> Served:
        servers.append(Served(folder, tmp_path / "state", *options))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


@pytest.fixture
def visit(chromium: "Browser") -> Iterator[Callable[..., "Person"]]:
    """Opens the page as a person with a browser of their own would; no error of a script may be left at the end."""
    from browser_page import Person

    people: list[Person] = []

    def open_page(server: "Served", path: str = "/", name: str = "ann", **options: object) -> Person:
        people.append(Person(chromium, server, path, name, **options))
        return people[-1]

    yield open_page
    errors = [error for person in people for error in person.errors]
    for person in people:
        person.close()
    assert not errors
