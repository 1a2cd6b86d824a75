"""Each frame that the page shows is its own number: by packets and by stills, in whatever container."""

from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

import av
import numpy as np
import pytest
import yaml
from browser_page import READ_NUMBER, Person, Served
from numbered_clips import BITS, CELL, HEIGHT, WIDTH, encode

FRAMES = 150
VARIABLE = np.cumsum([0, *np.random.default_rng(3).integers(20, 90, FRAMES - 1)]).tolist()
CLIPS = {
    "b_frames": {},
    "variable": {"pts": VARIABLE},
    "open_gop": {"gop": 20, "options": {"x264-params": "open-gop=1"}},
    "colors_444": {"pix_fmt": "yuv444p"},
    "one_keyframe": {"gop": 1000},
    "vp9": {"codec": "libvpx-vp9", "bframes": None},
}
BY_PACKETS = {"b_frames", "variable", "open_gop", "one_keyframe", "vp9"}
SHOWN = (BITS, CELL, WIDTH, HEIGHT)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lab") / "project"
    (folder / "config").mkdir(parents=True)
    (folder / "config/config.yaml").write_text(yaml.safe_dump({"videos": {"root": "videos"}}))
    (folder / "videos").mkdir()
    for name, options in CLIPS.items():
        suffix = "webm" if name == "vp9" else "mp4"
        encode(folder / f"videos/{name}.{suffix}", frames=FRAMES, **options)
    spoil(encode(folder / "videos/damaged.mp4", frames=FRAMES), ordinal=60)
    return folder


@pytest.fixture(scope="module")
def served(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all of them, as nothing is changed here."""
    server = Served(clips, tmp_path_factory.mktemp("state"))
    yield server
    server.kill()


def spoil(video: Path, ordinal: int) -> None:
    """Zero the second half of a packet."""
    with av.open(str(video)) as container:
        packet = bytes([packet for packet in container.demux(video=0) if packet.size][ordinal])
    content = bytearray(video.read_bytes())
    end = content.index(packet) + len(packet)
    content[end - len(packet) // 2 : end] = bytes(len(packet) // 2)
    video.write_bytes(content)


WALK = [
    *["ArrowRight"] * 14,
    *["ArrowLeft"] * 4,
    *["Control+ArrowRight"] * 3,
    "PageDown",
    "PageUp",
    "Control+ArrowLeft",
    "End",
    *["ArrowLeft"] * 3,
    "Home",
    "ArrowRight",
]


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("way", ["packets", "stills"])
def test_each_step_and_jump_shows_its_own_number(
    served: Served, visit: Callable[..., Person], clip: str, way: str
) -> None:
    person = visit(served, f"/proofread/{clip}?frame=0{'&frames=stills' if way == 'stills' else ''}")
    at = 0
    steps = {"ArrowRight": 1, "ArrowLeft": -1, "Control+ArrowRight": 10, "Control+ArrowLeft": -10}
    steps |= {"PageDown": 100, "PageUp": -100, "Home": -FRAMES, "End": FRAMES}

    def step(key: str) -> str | None:
        """Go on by a key, or stay; gives where the picture comes from."""
        nonlocal at
        if key:
            person.move(key)
        at = min(max(at + steps.get(key, 0), 0), FRAMES - 1)
        person.wait_frame(at)
        person.wait_shown()
        assert person.read_number(*SHOWN) == at
        return person.page.locator("canvas[data-layer=picture]").get_attribute("data-from")

    person.wait_shown()
    by = {step(key) for key in ["", *WALK]}
    if way == "stills":
        assert by <= {"full", "half"}
    elif clip in BY_PACKETS and "packets" not in by:  # on a busy machine stills may have been the quicker all along
        # over all frames: those that were rested on stay as stills
        to_and_fro = cycle([*["ArrowRight"] * FRAMES, *["ArrowLeft"] * FRAMES])
        person.wait_for(lambda: step(next(to_and_fro)), lambda source: source == "packets")


def test_what_plays_shows_numbers_that_rise_and_are_its_own(served: Served, visit: Callable[..., Person]) -> None:
    person = visit(served, "/proofread/one_keyframe?frame=0")
    person.wait_shown()
    watch = (
        "async (shown) => { const read = " + READ_NUMBER + "; const seen = [];"
        # until it has gone on for some frames: a busy computer may show the first for long
        "while (new Set(seen.map(([said]) => said)).size < 5 && seen.length < 3000) {"
        "await new Promise(requestAnimationFrame);"
        "const canvas = document.querySelector('canvas[data-layer=picture]');"
        "seen.push([Number(canvas.dataset.frame), read(shown)]); } return seen; }"
    )
    person.move("k")
    seen = person.page.evaluate(watch, list(SHOWN))
    assert all(said == read for said, read in seen)
    frames = [said for said, _ in seen]
    assert frames == sorted(frames)
    assert frames[-1] > frames[0]


def test_an_address_leads_to_its_frame_and_back_leads_back(served: Served, visit: Callable[..., Person]) -> None:
    person = visit(served, "/proofread/variable?frame=77")
    person.wait_shown()
    assert person.read_number(*SHOWN) == 77
    person.move("Control+j")
    person.page.keyboard.type("123")
    person.move("Enter")
    person.wait_frame(123)
    person.wait_shown()
    assert person.read_number(*SHOWN) == 123
    person.page.wait_for_url("**frame=123**")
    person.page.click("nav.top a:has-text('Recordings')")
    person.page.wait_for_selector("h1:has-text('Recordings')")
    person.page.go_back()
    person.wait_frame(123)
    person.wait_shown()
    assert person.read_number(*SHOWN) == 123


def test_a_frame_that_cannot_be_decoded_is_said_to_be_so_and_the_rest_is_shown(
    served: Served, visit: Callable[..., Person]
) -> None:
    person = visit(served, "/proofread/damaged?frame=60")
    person.page.wait_for_selector(".stage[data-state=failed]")
    assert person.page.locator("canvas[data-layer=picture]").get_attribute("data-frame") == ""
    for key, frame in (("Control+ArrowLeft", 50), ("Control+ArrowRight", 60), ("Control+ArrowRight", 70)):
        person.move(key)
        person.wait_frame(frame)
    person.move("Control+ArrowRight")
    person.wait_frame(80)
    person.wait_shown()
    assert person.read_number(*SHOWN) == 80
