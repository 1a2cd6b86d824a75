"""A project is labeled from nothing: a skeleton and animals by clicks, frames that are chosen, all saved at once."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import sleap_io as sio
import yaml
from browser_page import Person, Served
from cage_project import HEIGHT, SKELETON, WIDTH, Cage, CageProject, film
from playwright.sync_api import Route, expect

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


def label(person: Person, animal: np.ndarray) -> None:
    """Place the nodes of an animal, each when the page asks for it."""
    person.press("n")
    for name, place in zip(NODES, PLACES, strict=True):
        person.sees(".news", f"Click {name}")
        click(person, *animal[place])
        person.keys += 1
    person.sees(".news", "Saved")


def make_file(person: Person) -> None:
    """Draw the skeleton over an animal of the frame that is shown, name its nodes, and make the file."""
    person.page.wait_for_selector(f"canvas[data-layer=picture][data-frame='{CAGE.frames // 2}']")
    middle = CAGE.points(CAGE.frames // 2)[0]
    fields = person.page.locator(".nodes.edit input")
    for number, place in enumerate(PLACES):
        click(person, *middle[place])
        expect(fields).to_have_count(number + 1)
    for number, name in enumerate(NODES):
        fields.nth(number).fill(name)
    person.page.get_by_placeholder("ada, bob").fill("ada, bob")
    person.page.click("button:has-text('Make the label file')")


def choose_frames(person: Person, count: int) -> None:
    """So many frames to label, by the page."""
    person.page.locator("input.number").fill(str(count))
    person.page.click(f"button:has-text('Choose {count} frames')")
    person.page.wait_for_selector(f".item.suggested >> nth={count - 1}")


def test_a_new_project_is_labeled_from_nothing(
    new_project: Path, serve: Callable[..., Served], visit: Callable[..., Person]
) -> None:
    person = visit(serve(new_project), "/label")
    make_file(person)
    choose_frames(person, 4)
    for number in range(4):
        person.page.wait_for_selector(".item.suggested[aria-selected=true]")
        person.wait_shown("full")
        frame = person.frame
        for animal in CAGE.points(frame):
            before = person.keys
            label(person, animal)
            assert person.keys - before == 1 + len(NODES)
        person.press("1", "Control+1", "2", "Control+2")
        person.sees(".panel.right header", "all saved")
        person.sees(".panel.left header", f"{number + 1} of 4 labeled")
        person.move("Space")
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
    choose_frames(person, 2)
    person.wait_shown("full")
    animal = CAGE.points(person.frame)[0]

    def saved() -> list:
        labels = sio.load_slp(str(new_project / "labels/page.slp"), open_videos=False)
        return [instance for labeled in labels.user_labeled_frames for instance in labeled.instances]

    def wait_saved(holds: Callable[[np.ndarray, list[bool]], object]) -> np.ndarray:
        """Until the file's one animal has points, and nodes that are seen, of which this holds."""
        [own] = person.wait_for(
            saved, lambda all_: len(all_) == 1 and holds(all_[0].numpy(), all_[0].points["visible"].tolist())
        )
        return own.numpy()

    label(person, animal)
    first = wait_saved(lambda points, seen: all(seen))
    start = person.to_screen(*animal[0], WIDTH, HEIGHT)
    person.drag(start, person.to_screen(animal[0][0] + 12, animal[0][1], WIDTH, HEIGHT))
    wait_saved(lambda points, seen: points[0] - first[0] == pytest.approx([12, 0], abs=1.5))
    person.press("q")  # the node that was dragged is chosen
    wait_saved(lambda points, seen: seen == [False, True, True])
    person.press("Delete")
    person.wait_for(saved, lambda all_: not all_)
    person.press("Control+z", "Control+z", "Control+z")
    wait_saved(lambda points, seen: all(seen) and points[0] == pytest.approx(first[0], abs=0.1))


def test_no_animal_goes_into_the_frame_that_was_shown_before(
    new_project: Path, serve: Callable[..., Served], visit: Callable[..., Person]
) -> None:
    person = visit(serve(new_project), "/label")
    make_file(person)
    choose_frames(person, 2)
    person.wait_shown("full")
    held: list[Route] = []  # what is known of the next frame is long in coming
    person.page.route("**/api/labels/frame?*", lambda route: held.append(route))
    before = person.frame
    person.move("Space")
    expect(person.page.locator(".stage")).not_to_have_attribute("data-frame", str(before))
    person.press("n")
    person.sees(".news", "still being read")
    after = person.frame
    for one in held:
        one.continue_()
    person.page.unroute_all()
    person.sees("footer.status", f"frame {after} of")
    person.wait_shown("full")
    label(person, CAGE.points(after)[0])
    person.sees(".panel.right header", "all saved")
    labels = sio.load_slp(str(new_project / "labels/page.slp"), open_videos=False)
    assert [labeled.frame_idx for labeled in labels.user_labeled_frames] == [after]


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
    person.press("Enter", "Enter")

    def saved() -> list:
        return sio.load_slp(str(cage.folder / "labels/page.slp"), open_videos=False).user_labeled_frames

    [labeled] = person.wait_for(saved, lambda all_: [len(one.user_instances) for one in all_] == [2])
    assert labeled.frame_idx == 120
    found = sorted(instance.numpy()[2].tolist() for instance in labeled.user_instances)
    assert np.array(found) == pytest.approx(np.array(sorted(cage.cage.points(120)[:, 2].tolist())), abs=4)
