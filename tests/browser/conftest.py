"""Debian's Chromium, a real server in a process of its own, and a project with planted mistakes."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from made_once import made_once

playwright = pytest.importorskip("playwright.sync_api")

from browser_page import Person, Served  # noqa: E402
from cage_project import CageProject, plant  # noqa: E402

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator["playwright.Browser"]:
    """Debian's, which decodes H.264; Playwright's own does not."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is missing: apt install chromium")
    with playwright.sync_playwright() as driver:
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
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts servers on projects; they end with the test."""
    servers: list[Served] = []

    def start(folder: Path, *options: str) -> Served:
        servers.append(Served(folder, tmp_path / "state", *options))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


@pytest.fixture
def visit(chromium: "playwright.Browser") -> Iterator[Callable[..., Person]]:
    """Opens the page as a person with a browser of their own would; no error of a script may be left at the end."""
    people: list[Person] = []

    def open_page(server: Served, path: str = "/", name: str = "ann", **options: object) -> Person:
        people.append(Person(chromium, server, path, name, **options))
        return people[-1]

    yield open_page
    errors = [error for person in people for error in person.errors]
    for person in people:
        person.close()
    assert not errors
