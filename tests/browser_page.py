"""A server in a process of its own, and a person before the page: what tests in the browser share."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import Browser, expect

Found = TypeVar("Found")
START_S = 60
WAIT_S = 60
"""For what the page does at once, on a computer that has other work."""
READ_NUMBER = """([bits, cell, width, height]) => {
  const canvas = document.querySelector("canvas[data-layer=picture]");
  const ratio = devicePixelRatio, w = canvas.clientWidth, h = canvas.clientHeight;
  const scale = Math.min((w - 24) / width, (h - 24) / height);
  const left = w / 2 - scale * width / 2, top = h / 2 - scale * height / 2;
  const context = canvas.getContext("2d");
  let number = 0;
  for (let bit = 0; bit < bits; bit++) {
    const x = (left + (bit + 0.5) * cell * scale) * ratio, y = (top + 0.5 * cell * scale) * ratio;
    if (context.getImageData(Math.round(x), Math.round(y), 1, 1).data[0] > 127) number += 2 ** bit;
  }
  return number;
}"""


class Served:
    """`poseflow serve` on a project; it may be killed and started again, at the same address."""

    def __init__(self, folder: Path, state: Path, *options: str) -> None:
        self.folder, self.options = folder, options
        # SLURM's commands, where they are installed, fail at once over an empty file; for another they wait a minute.
        alone = {"XDG_STATE_HOME": str(state), "SSH_CONNECTION": "", "SLURM_CONF": os.devnull}
        self._environment = {**os.environ, **alone}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._process: subprocess.Popen[str] | None = None
        self.link = ""
        self.start()

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "poseflow", "serve", str(self.folder), "--port", str(self.port), *self.options]
        self._process = subprocess.Popen(
            command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self._process.stdout is not None
        told = ""
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            line = self._process.stdout.readline()
            told += line
            if found := re.search(r"http://\S+", line):
                self.link = found[0]
                return
            if not line:
                break
        raise AssertionError(f"the server must begin, and say its link, got: {told}")

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None


class Person:
    """One before the page, by keys and pointer; `keys` counts what is pressed beside navigation."""

    def __init__(
        self,
        browser: Browser,
        server: Served,
        path: str,
        name: str,
        size: tuple[int, int] = (1366, 768),
        scheme: str = "light",
    ) -> None:
        self.server, self.errors, self.keys = server, [], 0
        viewport = {"width": size[0], "height": size[1]}
        self.context = browser.new_context(viewport=viewport, color_scheme=scheme)  # type: ignore[arg-type]
        self.context.add_init_script(f"try {{ localStorage.setItem('poseflow.author', {name!r}) }} catch {{}}")
        self.context.set_default_timeout(1000 * WAIT_S)
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(f"{error.message}\n{error.stack}"))
        self.page.goto(server.link)
        self.go(path)

    def go(self, path: str) -> None:
        self.page.goto(self.server.address + path)
        self.page.wait_for_selector("footer.status")

    def close(self) -> None:
        self.context.close()

    def press(self, *keys: str) -> None:
        """Keys that change something: they are counted."""
        for key in keys:
            self.page.keyboard.press(key)
            self.keys += 1

    def move(self, *keys: str) -> None:
        """Keys that only lead elsewhere."""
        for key in keys:
            self.page.keyboard.press(key)

    @property
    def news(self) -> str:
        """Last words of the status bar."""
        return self.page.locator(".news").inner_text()

    def sees(self, selector: str, text: str | re.Pattern[str], timeout_s: float = WAIT_S) -> None:
        expect(self.page.locator(selector)).to_contain_text(text, timeout=1000 * timeout_s)

    @property
    def frame(self) -> int:
        """Number of the frame that the page says it shows."""
        return int(self.page.locator(".stage").get_attribute("data-frame") or -1)

    def wait_frame(self, frame: int) -> None:
        """Until the page says that it is at this frame."""
        self.page.wait_for_selector(f".stage[data-frame='{frame}']", timeout=1000 * WAIT_S)

    def wait_shown(self, source: str | None = None) -> None:
        """Until the picture is that of the frame."""
        self.page.wait_for_function(
            """(source) => {
              const stage = document.querySelector(".stage");
              const canvas = stage?.querySelector("canvas[data-layer=picture]");
              return stage?.dataset.state === "shown" && canvas?.dataset.frame === stage.dataset.frame
                && (!source || source.split(" ").includes(canvas.dataset.from));
            }""",
            arg=source,
            timeout=1000 * WAIT_S,
        )

    def read_number(self, bits: int, cell: int, width: int, height: int) -> int:
        """The number that the picture itself bears; the whole frame must be shown."""
        return int(self.page.evaluate(READ_NUMBER, [bits, cell, width, height]))

    def wait_saved(self) -> None:
        """Until no edit is on its way."""
        expect(self.page.locator("footer.status .chip", has_text="way")).to_have_count(0, timeout=1000 * WAIT_S)

    def wait_for(self, read: Callable[[], Found], holds: Callable[[Found], object]) -> Found:
        """Until what can be read elsewhere, in a file say, is as it must become; gives it."""
        end = time.monotonic() + WAIT_S
        while not holds(found := read()):
            assert time.monotonic() < end, f"what is read must become otherwise within {WAIT_S} s, got {found}"
            self.page.wait_for_timeout(50)  # in which the page's own events are heard
        return found

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        mouse = self.page.mouse
        mouse.move(*start)
        mouse.down()
        mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        mouse.move(*end)
        mouse.up()

    def to_screen(self, x: float, y: float, width: int, height: int) -> tuple[float, float]:
        """Where a point of the image is on the screen, while the whole frame is shown."""
        box: Any = self.page.locator(".stage canvas[data-layer=overlay]").bounding_box()
        scale = min((box["width"] - 24) / width, (box["height"] - 24) / height)
        left = box["x"] + box["width"] / 2 - scale * (width - 1) / 2
        top = box["y"] + box["height"] / 2 - scale * (height - 1) / 2
        return left + scale * x, top + scale * y
