"""A recording with planted mistakes is proofread by keys alone, and by several people."""

from collections.abc import Callable

import pytest
from browser_page import Person, Served
from cage_project import HEIGHT, WIDTH, CageProject
from playwright.sync_api import Route

from poseflow.corrections import find_standing, read_log
from poseflow.tables import read_poses


def open_items(person: Person) -> None:
    person.wait_shown()
    person.page.wait_for_selector(".panel.left .item")


def test_all_planted_mistakes_are_mended_by_keys_alone_within_the_counts(
    cage: CageProject, serve: Callable[..., Served], visit: Callable[..., Person]
) -> None:
    before = cage.count_errors()
    assert before[0] >= len(cage.cage.swaps)
    assert before[1] > 0
    person = visit(serve(cage.folder), "/proofread/cage")
    open_items(person)
    items = person.page.locator(".panel.left .item").count()
    assert items == len(cage.cage.swaps) + len(cage.cage.false_animals)
    swaps = false_animals = 0
    for _ in range(items):
        person.move("Space")
        person.page.wait_for_selector(".item.open[aria-selected=true]")
        text = person.page.locator(".item[aria-selected=true]").inner_text()
        person.page.wait_for_selector(".animal[aria-selected=true]")
        count = person.keys
        if "new" in text:  # the animal that appeared is selected
            person.press("Shift+Delete")
            person.sees(".news", "Removed")
            assert person.keys - count <= 2
            false_animals += 1
        else:
            person.press("x")
            person.sees(".news", "Swapped")
            assert person.keys - count <= 1
            swaps += 1
        person.page.wait_for_selector(".item.answered[aria-selected=true]")
    assert (swaps, false_animals) == (len(cage.cage.swaps), len(cage.cage.false_animals))
    person.sees(".panel.left header", "all answered")
    person.wait_saved()
    assert cage.make().count_errors() == (0, 0)


def test_an_edit_says_its_frames_and_may_have_others_afterwards(
    cage: CageProject, serve: Callable[..., Served], visit: Callable[..., Person]
) -> None:
    person = visit(serve(cage.folder), "/proofread/cage?frame=100")
    open_items(person)
    person.page.wait_for_selector(".animal")
    person.press("x")
    person.sees(".last .scope", "from 100 to the end")
    person.wait_saved()
    person.page.click(".segments button:has-text('frame')")
    person.sees(".last .scope", "frame 100 alone")
    person.wait_saved()
    cage.make()
    poses = read_poses(cage.places.pose_table("cage", "cage"))
    left = poses[poses["body.x"] < WIDTH / 2]
    own = left.set_index("frame_idx")["track"]
    assert own[99] == own[101] != own[100]


def test_undo_takes_back_one_action_after_the_other_and_redo_brings_it_again(
    cage: CageProject, serve: Callable[..., Served], visit: Callable[..., Person]
) -> None:
    person = visit(serve(cage.folder), "/proofread/cage?frame=100")
    open_items(person)
    person.page.wait_for_selector(".animal")
    person.press("x")
    person.sees(".news", "Swapped")
    person.wait_saved()
    person.press("1", "Delete")
    person.sees(".panel.right header", "1 here, 1 removed")
    person.wait_saved()
    standing = [claim.kind for claim in find_standing(read_log(cage.log).claims)]
    assert standing == ["continuation", "continuation", "absence"]
    person.press("Control+z")
    person.sees(".panel.right header", "2 here")
    person.press("Control+z")
    person.wait_for(lambda: find_standing(read_log(cage.log).claims), lambda claims: not claims)
    person.press("Control+Shift+z", "Control+Shift+z")
    person.sees(".panel.right header", "1 here, 1 removed")
    person.wait_saved()
    assert [claim.kind for claim in find_standing(read_log(cage.log).claims)] == standing


def test_keys_that_come_while_an_edit_is_being_made_are_done_after_it(
    cage: CageProject, serve: Callable[..., Served], visit: Callable[..., Person]
) -> None:
    person = visit(serve(cage.folder), "/proofread/cage?frame=100")
    open_items(person)
    person.page.wait_for_selector(".animal")
    held: list[Route] = []
    person.page.route("**/tracklet?*", lambda route: held.append(route))
    person.press("1", "Shift+Delete", "2", "Delete", "Control+z", "Control+Shift+z")
    person.wait_for(lambda: len(held), lambda count: count == 1)
    assert not read_log(cage.log).claims
    held[0].continue_()
    person.sees(".panel.right header", "2 removed")
    person.wait_saved()
    assert [claim.kind for claim in find_standing(read_log(cage.log).claims)] == ["absence", "absence"]


def test_a_node_that_is_dragged_is_there_in_the_pose_table(
    cage: CageProject, serve: Callable[..., Served], visit: Callable[..., Person]
) -> None:
    person = visit(serve(cage.folder), "/proofread/cage?frame=50")
    open_items(person)
    person.page.wait_for_selector(".animal")
    nose = cage.cage.points(50)[0, 0]
    start = person.to_screen(*nose, WIDTH, HEIGHT)
    end = person.to_screen(nose[0] + 9, nose[1] - 6, WIDTH, HEIGHT)
    person.drag(start, end)
    person.sees(".news", "nose moved: frame 50 alone")
    person.wait_saved()
    poses = read_poses(cage.make().places.pose_table("cage", "cage"))
    moved = poses[poses["edited"]]
    assert moved["frame_idx"].tolist() == [50]
    assert moved["nose.x"].iloc[0] - nose[0] == pytest.approx(9, abs=2.5)
    assert moved["nose.y"].iloc[0] - nose[1] == pytest.approx(-6, abs=2.5)


def test_two_people_see_each_others_edits_and_nothing_is_lost(
    cage: CageProject, serve: Callable[..., Served], visit: Callable[..., Person]
) -> None:
    server = serve(cage.folder)
    ann, bob = (visit(server, "/proofread/cage?frame=60", name=name) for name in ("ann", "bob"))
    for person in (ann, bob):
        open_items(person)
        person.page.wait_for_selector(".animal")
    bob.sees(".stage-corner", "ann")
    ann.press("1", "Delete")
    bob.sees(".panel.right header", "1 here, 1 removed")
    for _ in range(5):
        ann.move("ArrowRight")
        bob.move("ArrowLeft")
        ann.press("1", "Delete")
        bob.press("1", "Delete")
        ann.sees(".panel.right header", "removed")
        bob.sees(".panel.right header", "removed")
    for person in (ann, bob):
        person.wait_saved()
    claims = find_standing(read_log(cage.log).claims)
    assert sorted((claim.author, claim.where.frame) for claim in claims) == sorted(
        [("ann", 60 + step) for step in range(6)] + [("bob", 59 - step) for step in range(5)]
    )


def test_of_a_killed_server_no_edit_is_lost(
    cage: CageProject, serve: Callable[..., Served], visit: Callable[..., Person]
) -> None:
    server = serve(cage.folder)
    person = visit(server, "/proofread/cage?frame=60")
    open_items(person)
    person.page.wait_for_selector(".animal")
    person.press("1", "Delete")
    server.kill()
    frames = [60]
    for _ in range(3):
        person.move("ArrowRight")
        person.press("1", "Delete")
        person.sees(".panel.right header", "1 here, 1 removed")  # shown at once, whoever answers
        frames.append(person.frame)
    person.sees(".banner", "in this browser")
    person.page.goto("about:blank")  # and the tab is closed, too
    server.start()
    person.go("/proofread/cage?frame=60")
    person.page.wait_for_selector(".animal")
    person.wait_saved()
    person.page.wait_for_selector(".banner", state="detached")
    claims = find_standing(read_log(cage.log).claims)
    assert sorted(claim.where.frame for claim in claims) == frames


def test_names_of_files_and_people_are_text(
    cage: CageProject, serve: Callable[..., Served], visit: Callable[..., Person]
) -> None:
    server = serve(cage.folder)
    name = "<script>document.title='taken'</script><img src=x onerror=document.title='taken'>"
    ann = visit(server, "/proofread/cage?frame=60", name=name)
    bob = visit(server, "/proofread/cage?frame=60", name="bob")
    for person in (ann, bob):
        open_items(person)
        person.page.wait_for_selector(".animal")
    ann.press("1", "Delete")
    bob.sees(".stage-corner", "<script>")
    assert "taken" not in bob.page.title() + ann.page.title()
    assert bob.page.locator(".stage-corner script, .stage-corner img").count() == 0


def test_a_page_that_is_only_to_read_changes_nothing(
    cage: CageProject, serve: Callable[..., Served], visit: Callable[..., Person]
) -> None:
    person = visit(serve(cage.folder, "--read-only"), "/proofread/cage?frame=100")
    open_items(person)
    person.page.wait_for_selector(".animal")
    person.press("x")
    person.sees(".news", "read-only")
    assert not cage.log.exists()


def test_an_animal_is_removed_over_a_range_by_four_keys_and_no_range_is_left(
    cage: CageProject, serve: Callable[..., Served], visit: Callable[..., Person]
) -> None:
    first = cage.cage.false_animals[0]
    person = visit(serve(cage.folder), f"/proofread/cage?frame={first + 5}")
    open_items(person)
    person.page.wait_for_selector(".animal >> nth=2")
    person.press("3", "[")
    person.move("Control+ArrowRight")
    person.press("]")
    person.sees(".panel.right section:has-text('No animal') .scope", f"{first + 5} to {first + 15}")
    person.press("Delete")
    person.sees(".news", f"{first + 5} to {first + 15}")
    person.wait_saved()
    assert person.keys == 4
    person.sees(".transport .range", "range")
    before = cage.count_errors()[1]
    assert cage.make().count_errors()[1] == before - 11


def test_of_two_names_for_one_animal_the_later_counts_and_both_people_know(
    cage: CageProject, serve: Callable[..., Served], visit: Callable[..., Person]
) -> None:
    server = serve(cage.folder)
    ann, bob = (visit(server, "/proofread/cage?frame=60", name=name) for name in ("ann", "bob"))
    for person, number, name in ((ann, "1", "eve"), (bob, "1", "ada")):
        open_items(person)
        person.page.wait_for_selector(".animal")
        person.press(number)
        person.page.get_by_placeholder("another name").fill(name)
        person.move("Enter")
        person.sees(".news", f"Named {name}")
        person.wait_saved()
    bob.sees(".banner", "says otherwise")
    bob.sees(".panel.right .animal >> nth=0", "ada")
    ann.sees(".panel.right .animal >> nth=0", "ada")
