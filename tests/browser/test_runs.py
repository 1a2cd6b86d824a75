"""From labels to animals over the frame by the page alone, with real runs of the workflow and tiny networks."""

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from browser_page import Person, Served
from playwright.sync_api import expect
from small_project import FRAMES, SIZE, Project, animal_points, lay_out

from poseflow import read_poses
from poseflow.core.files import read_json
from poseflow.runs.places import ANY
from poseflow.server.runs.trainings import find_work

WAIT_S = 300
"""For what a step of the workflow does; each imports TensorFlow first, and computers of tests are slow."""
pytestmark = pytest.mark.timeout(1200)
ENDLESS, LEARNED = 10_000, 6
"""Epochs: so many that only a person ends the training; after so few it finds the animals."""
MODEL = {
    "profile": "config/models/bottom_up.yaml",
    "input": {"scale": 1.0},
    "backbone": {"filters": 8, "down_blocks": 2},
    "head": {"output_stride": 2, "sigma_px": 3.0, "part_affinity_fields": {"output_stride": 4, "sigma_px": 6.0}},
}


def configure(project: Project, **training: object) -> None:
    """One network, trained with these settings, over one recording."""
    steps = {"steps_per_epoch": 25, "warmup_steps": 5, "pictures_every": 0}
    models = {"bottom_up": {**MODEL, "training": {**steps, **training}}}
    project.configure(
        models=models,
        pipelines=None,
        release=None,
        render={"enabled": False},
        predict={"shard_frames": FRAMES, "batch_size": 4, "max_instances": 2, "flow": {"window_frames": 2}},
    )


@pytest.fixture
def labeled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project with a recording and its labels, of which nothing has been made; no run of it outlives the test."""
    project = lay_out(tmp_path / "lab")
    for video in ("broken.mp4", "day 2/second.mp4"):
        (project.folder / "videos" / video).unlink()
    for name in ("OMP_NUM_THREADS", "TF_CPP_MIN_LOG_LEVEL"):
        monkeypatch.setenv(name, project.environment[name])
    configure(project, max_epochs=ENDLESS)
    yield project
    with suppress(OSError):  # none was started, or it has ended
        os.killpg(read_json(project.places.log("page", "run").with_suffix(".json"))["process"], signal.SIGKILL)


def open_view(person: Person, name: str) -> None:
    person.page.click(f"nav.top a:has-text('{name}')")


def click(person: Person, button: str, within: str = "main") -> None:
    """A button by its whole text, once it can be pressed."""
    person.page.locator(within).get_by_role("button", name=button, exact=True).click(timeout=1000 * WAIT_S)


def start(person: Person) -> None:
    """A run, after its plan was shown."""
    open_view(person, "Run")
    click(person, "Show what it would do")
    person.sees("main", re.compile(r"\d+ jobs:"), WAIT_S)
    person.sees(".card table.rules", "train", WAIT_S)
    click(person, "Start")
    person.page.wait_for_selector("main .state.running", timeout=1000 * WAIT_S)


def see_training(person: Person, epochs: int) -> None:
    """Until a training that is at work has come so far, and its curves are drawn."""
    open_view(person, "Networks")
    person.page.wait_for_function(
        """(epochs) => {
          const card = document.querySelector(".card.training:has(.state.running)");
          const canvas = card?.querySelector(".curves canvas");
          return Number(card?.innerText.match(/epoch (\\d+)/)?.[1] ?? 0) >= epochs
            && canvas?.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0);
        }""",
        arg=epochs,
        timeout=1000 * WAIT_S,
    )


def see_end(person: Person, code: int) -> None:
    """Until the run has ended by itself or by a wish."""
    open_view(person, "Run")
    person.sees("main h1 + .state", "ended", WAIT_S)
    person.sees("main", f"exit {code}", WAIT_S)


def test_from_labels_to_animals_over_the_frame_and_to_a_candidate(
    labeled: Project, serve: Callable[..., Served], visit: Callable[..., Person]
) -> None:
    person = visit(serve(labeled.folder), "/")
    start(person)
    see_training(person, LEARNED)
    click(person, "Stop early", ".card.training")
    person.sees(".cards .card .state", "stopped", WAIT_S)  # among the models, with its best weights
    [trained] = labeled.places.find(labeled.places.model(ANY, ANY) / "training.json")
    facts = read_json(trained)
    assert facts["stopped_by"] == "ann" and LEARNED <= facts["epochs"] < ENDLESS
    person.sees(".cards .card:has(.state)", f"best {facts['best_epoch']}")
    see_end(person, 0)
    see_animals(person, labeled)

    configure(labeled, max_epochs=1, steps_per_epoch=1)  # a network that learns nothing is no better
    start(person)
    see_end(person, 0)
    promote_and_go_back(person)


def see_animals(person: Person, project: Project) -> None:
    """Both animals, in the table and over the frame, where they are in truth."""
    open_view(person, "Recordings")
    person.page.click("tbody a:has-text('first')", timeout=1000 * WAIT_S)
    person.wait_shown()
    person.sees(".panel.right header", "2 here", WAIT_S)
    for place in animal_points(0, seed=0)[:, 1]:
        person.page.mouse.click(*person.to_screen(*place, SIZE, SIZE))
        person.page.wait_for_selector(".animal[aria-selected=true]", timeout=1000 * WAIT_S)
        person.move("Escape")
        person.page.wait_for_selector(".animal[aria-selected=true]", state="detached")
    assert len(read_poses(project.places.pose_table("first", "first"))) == 2 * FRAMES


def promote_and_go_back(person: Person) -> None:
    """The candidate that is no better is put in use by a person, then the release before it again."""
    open_view(person, "Networks")
    current = person.page.locator(".card", has_text="In use for new recordings").locator("code")
    candidate = person.page.locator(".card", has=person.page.get_by_role("heading", name="Candidate")).locator("code")
    before, after = (one.inner_text(timeout=1000 * WAIT_S) for one in (current, candidate))
    assert before != after
    click(person, "Use it")
    click(person, "Use it for new recordings")
    expect(current).to_have_text(after, timeout=1000 * WAIT_S)
    person.sees("main", "was put in use")
    click(person, f"Back to {before[:8]}")
    click(person, f"Use {before[:8]} again")
    expect(current).to_have_text(before, timeout=1000 * WAIT_S)
    person.sees("main", f"back to release {before}")


def test_a_run_is_stopped_and_started_again_and_its_training_cancelled(
    labeled: Project, serve: Callable[..., Served], visit: Callable[..., Person]
) -> None:
    person = visit(serve(labeled.folder), "/")
    start(person)
    see_training(person, 2)
    open_view(person, "Run")
    click(person, "Stop")
    click(person, "Stop: work that is done stays")
    see_end(person, 130)
    open_view(person, "Networks")
    person.sees(".card.training .state", "stopped", WAIT_S)
    start(person)
    see_training(person, 4)
    click(person, "Cancel", ".card.training")
    click(person, "Drop this training", ".card.training")
    see_end(person, 1)
    [(model, version)] = labeled.places.find_trainings()  # all that is left is who cancelled it
    assert [path.name for path in find_work(labeled.places, model, version).iterdir()] == ["stop.json"]
    assert not labeled.places.find(labeled.places.model(ANY, ANY) / "training.json")
