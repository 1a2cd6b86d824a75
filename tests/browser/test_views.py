"""Recordings, runs and networks are shown as they are."""

from collections.abc import Callable

import pytest
from browser_page import Person, Served
from cage_project import CageProject
from fake_results import write_model


def test_each_view_has_its_address_and_says_what_there_is(
    cage: CageProject, serve: Callable[..., Served], visit: Callable[..., Person]
) -> None:
    write_model(cage.places.model("centroid", "0123456789"))
    person = visit(serve(cage.folder), "/")
    items = len(cage.cage.swaps) + len(cage.cage.false_animals)
    person.sees("tbody tr", f"{items} of {items}")
    person.page.click("nav.top a:has-text('Networks')")
    person.sees(".card", "centroid")
    person.page.wait_for_function(
        """() => [...document.querySelectorAll(".curves canvas")].some((canvas) =>
          canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0))"""
    )
    person.page.click("nav.top a:has-text('Run')")
    person.sees("main", "assemble")
    person.page.go_back()
    person.sees(".card", "centroid")
    person.page.go_back()
    person.page.click("tbody a:has-text('cage')")
    person.wait_shown()
    assert "/proofread/cage" in person.page.url


def test_a_view_is_found_again_as_it_was_left(
    cage: CageProject, serve: Callable[..., Served], visit: Callable[..., Person]
) -> None:
    person = visit(serve(cage.folder), "/proofread/cage?frame=10")
    person.wait_frame(10)
    person.page.wait_for_selector(".animal")
    person.move("ArrowRight")
    for name in ("Networks", "Run", "Recordings", "Networks", "Run"):
        person.page.click(f"nav.top a:has-text('{name}')")  # at once: the address still says frame 10
        person.page.wait_for_selector(f"h1:has-text('{name}')")
        person.page.wait_for_url(f"**/{name.lower()}")
    person.page.click("nav.top a:has-text('Proofread')")
    person.wait_frame(11)


def test_all_keys_are_listed_and_a_command_is_found_by_its_words(
    cage: CageProject, serve: Callable[..., Served], visit: Callable[..., Person]
) -> None:
    person = visit(serve(cage.folder), "/proofread/cage?frame=10")
    person.wait_shown()
    person.move("?")
    person.sees("dialog.help", "swap two animals from here")
    person.move("Escape")
    person.page.wait_for_selector("dialog.help", state="detached")
    person.move("Control+p")
    person.page.keyboard.type("last frame")
    person.move("Enter")
    person.page.wait_for_selector(f".stage[data-frame='{cage.cage.frames - 1}']")


@pytest.mark.parametrize("key", ["p", "j"])
def test_a_field_has_the_keyboard_before_the_next_key(
    cage: CageProject, serve: Callable[..., Served], visit: Callable[..., Person], key: str
) -> None:
    person = visit(serve(cage.folder), "/proofread/cage?frame=10")
    person.wait_shown()
    # What the page does within the key's own task: a busy computer may give it the next key right after
    focused = person.page.evaluate(
        """async (key) => {
          const press = { key, ctrlKey: true, bubbles: true, cancelable: true };
          document.body.dispatchEvent(new KeyboardEvent("keydown", press));
          for (let turn = 0; turn < 20; turn++) await null;
          return document.activeElement.tagName;
        }""",
        key,
    )
    assert focused == "INPUT"
