"""A project is labeled from nothing: a skeleton and animals by clicks, frames that are chosen, all saved at once."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import sleap_io as sio
import yaml
from browser_page import Person, Served
from cage_project import HEIGHT, SKELETON, WIDTH, Cage, CageProject, film

CAGE = Cage(frames=400, swaps=(), false_animals=())
NODES = ("nose", "body", "tail")
PLACES = (0, 2, 4)


@pytest.fixture
def new_project(tmp_path: Path) -> Path:
    folder = tmp_path / "new"
    (folder / "config").mkdir(parents=True)
    (folder / "labels").mkdir()
    (folder / "videos").mkdir()
    settings = {"videos": {"root": "videos"}, "labels": {"paths": ["labels/*.slp"]}, "tracking": {"animals": 2}}
    (folder / "config/config.yaml").write_text(yaml.safe_dump(settings))
    film(CAGE, folder / "videos/pair.mp4")
    return folder


def click(person: Person, x: float, y: float) -> None:
    person.page.mouse.click(*person.to_screen(x, y, WIDTH, HEIGHT))


def make_file(person: Person) -> None:
    """Draw the skeleton over an animal of the frame that is shown, name its nodes, and make the file."""
    person.page.wait_for_selector(".stage[data-state=shown]")
    person.page.wait_for_timeout(300)
    middle = CAGE.points(CAGE.frames // 2)[0]
    for place in PLACES:
        click(person, *middle[place])
        person.page.wait_for_timeout(60)
    fields = person.page.locator(".nodes.edit input")
    assert fields.count() == len(NODES)
    for number, name in enumerate(NODES):
        fields.nth(number).fill(name)
    person.page.get_by_placeholder("ada, bob").fill("ada, bob")
    person.page.click("button:has-text('Make the label file')")


def test_a_new_project_is_labeled_from_nothing(
    new_project: Path, serve: Callable[..., Served], visit: Callable[..., Person]
) -> None:
    person = visit(serve(new_project), "/label")
    make_file(person)
    person.page.locator("input.number").fill("4")
    person.page.click("button:has-text('Choose 4 frames')")
    person.page.wait_for_selector(".item.suggested >> nth=3")
    for _ in range(4):
        person.wait_shown("full")
        frame = person.frame
        for animal in CAGE.points(frame):
            before = person.keys
            person.press("n")
            for place in PLACES:
                click(person, *animal[place])
                person.keys += 1
                person.page.wait_for_timeout(60)
            assert person.keys - before == 1 + len(NODES)
        person.press("1", "Control+1", "2", "Control+2")
        person.sees(".panel.right header", "all saved")
        person.move("Space")
        person.page.wait_for_timeout(300)
    person.sees(".panel.left header", "4 of 4 labeled")
    labels = sio.load_slp(str(new_project / "labels/page.slp"), open_videos=False)
    assert [node.name for node in labels.skeleton.nodes] == list(NODES)
    assert labels.skeleton.edge_inds == [(0, 1), (1, 2)]
    assert len(labels.user_labeled_frames) == 4
    for labeled in labels.user_labeled_frames:
        found = {instance.track.name: instance.numpy() for instance in labeled.instances}
        for name, truth in zip(("ada", "bob"), CAGE.points(labeled.frame_idx), strict=True):
            assert found[name] == pytest.approx(truth[list(PLACES)], abs=1.5)


def test_what_is_dragged_hidden_removed_and_undone_is_saved_at_once(
    new_project: Path, serve: Callable[..., Served], visit: Callable[..., Person]
) -> None:
    person = visit(serve(new_project), "/label")
    make_file(person)
    person.page.locator("input.number").fill("2")
    person.page.click("button:has-text('Choose 2 frames')")
    person.page.wait_for_selector(".item.suggested >> nth=1")
    person.wait_shown("full")
    animal = CAGE.points(person.frame)[0]

    def saved() -> list:
        person.sees(".panel.right header", "all saved")
        labels = sio.load_slp(str(new_project / "labels/page.slp"), open_videos=False)
        return [instance for labeled in labels.user_labeled_frames for instance in labeled.instances]

    person.press("n")
    for place in PLACES:
        click(person, *animal[place])
        person.page.wait_for_timeout(60)
    person.page.wait_for_timeout(300)
    [own] = saved()
    start = person.to_screen(*animal[0], WIDTH, HEIGHT)
    person.drag(start, person.to_screen(animal[0][0] + 12, animal[0][1], WIDTH, HEIGHT))
    person.page.wait_for_timeout(300)
    [moved] = saved()
    assert moved.numpy()[0] - own.numpy()[0] == pytest.approx([12, 0], abs=1.5)
    person.press("q")  # the node that was dragged is chosen
    person.page.wait_for_timeout(300)
    [hidden] = saved()
    assert hidden.points["visible"].tolist() == [False, True, True]
    person.press("Delete")
    person.page.wait_for_timeout(300)
    assert saved() == []
    person.press("Control+z", "Control+z", "Control+z")
    person.page.wait_for_timeout(500)
    [again] = saved()
    assert again.numpy()[0] == pytest.approx(own.numpy()[0], abs=0.1)


def test_a_prediction_becomes_a_label_by_one_key(
    cage: CageProject, serve: Callable[..., Served], visit: Callable[..., Person]
) -> None:
    (cage.folder / "labels").mkdir()
    person = visit(serve(cage.folder), "/recordings")
    skeleton = {"nodes": SKELETON.nodes, "edges": SKELETON.edges, "symmetries": []}
    create = """async (body) => (await fetch("/api/labels/create", {
      method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)})).status"""
    assert person.page.evaluate(create, {"name": "page", "skeleton": skeleton, "tracks": [], "author": "ann"}) == 200
    person.go("/label?file=labels/page.slp&video=cage&frame=120")
    person.wait_shown("full")
    person.sees(".stage-corner", "predicted")
    person.press("Enter")
    person.sees(".panel.right header", "all saved")
    person.press("Enter")
    person.page.wait_for_timeout(300)
    person.sees(".panel.right header", "all saved")
    labels = sio.load_slp(str(cage.folder / "labels/page.slp"), open_videos=False)
    [labeled] = labels.user_labeled_frames
    assert labeled.frame_idx == 120
    found = sorted(instance.numpy()[2].tolist() for instance in labeled.user_instances)
    assert np.array(found) == pytest.approx(np.array(sorted(cage.cage.points(120)[:, 2].tolist())), abs=4)
