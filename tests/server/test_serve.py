"""The verb itself, as somebody starts and ends it."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from poseflow.server.listen import state_folder

pytestmark = pytest.mark.slow


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Of a machine where nobody else is logged in, with a home of its own."""
    kept = {name: value for name, value in os.environ.items() if name != "SSH_CONNECTION"}
    return {**kept, "XDG_STATE_HOME": str(tmp_path / "state")}


class Process:
    """`poseflow serve` at work."""

    def __init__(self, project: Path, environment: dict[str, str], *options: str) -> None:
        command = [sys.executable, "-m", "poseflow", "serve", str(project), *options]
        # Ctrl-C is ignored by what a shell puts in the background, as these tests may be.
        start = "import signal, sys, runpy; signal.signal(signal.SIGINT, signal.default_int_handler);"
        start += "sys.argv = sys.argv[1:]; runpy.run_module('poseflow', run_name='__main__')"
        self.process = subprocess.Popen(
            [sys.executable, "-c", start, *command[2:]], stdout=subprocess.PIPE, text=True, env=environment
        )
        self.lines: list[str] = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.strip())
            if line.startswith("open "):
                break
        assert self.lines, "it ended at once"

    @property
    def link(self) -> str:
        return self.lines[-1].removeprefix("open ")

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(20)


@pytest.fixture
def started(project: Path, environment: dict[str, str]) -> Iterator[list[Process]]:
    """Those that a test has started, which end with it."""
    processes: list[Process] = []
    yield processes
    for one in processes:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait()


def ask(line: HTTPConnection, path: str, host: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    line.request("GET", path, headers={"host": host, **headers})
    answer = line.getresponse()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def test_the_link_opens_the_page_and_ctrl_c_ends_it(
    project: Path, environment: dict[str, str], started: list[Process]
) -> None:
    started.append(Process(project, environment, "--port", str(_free_port())))
    [one] = started
    host, _, query = one.link.removeprefix("http://").partition("/")
    line = HTTPConnection(host, timeout=20)
    status, headers, _ = ask(line, f"/{query}", host)
    assert (status, headers["location"]) == (303, "/")
    cookie = headers["set-cookie"].partition(";")[0]
    assert ask(line, "/", host, cookie=cookie)[0] == 200
    assert json.loads(ask(line, "/api/session", host, cookie=cookie)[2])["path"] == str(project)
    token = query.partition("token=")[2]
    assert token not in " ".join(Path(f"/proc/{one.process.pid}/cmdline").read_text().split("\0"))
    folder = Path(environment["XDG_STATE_HOME"]) / "poseflow"
    [url] = folder.glob("*/url")
    assert url.read_text().strip() == one.link and stat.S_IMODE(url.stat().st_mode) == 0o600
    stream = HTTPConnection(host, timeout=20)
    stream.request("GET", "/api/events", headers={"host": host, "cookie": cookie})
    assert stream.getresponse().status == 200  # a tab that stays open keeps nobody from ending the page
    begin = time.monotonic()
    assert one.interrupt() in (0, 1, 130)
    assert time.monotonic() - begin < 15
    again = Process(project, environment, "--port", host.rpartition(":")[2])
    started.append(again)
    line = HTTPConnection(host, timeout=20)
    assert ask(line, "/api/session", host, cookie=cookie)[0] == 200  # open tabs go on


def test_a_unix_socket_serves_and_goes_with_the_page(
    project: Path, environment: dict[str, str], started: list[Process], tmp_path: Path
) -> None:
    path = tmp_path / "p.sock"
    started.append(Process(project, environment, "--socket", str(path), "--read-only"))
    [one] = started
    assert one.lines[0].startswith("on your own machine: ssh -N -L 8765:") and str(path) in one.lines[0]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    line = HTTPConnection("localhost")
    line.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.sock.settimeout(20)
    line.sock.connect(str(path))
    token = one.link.partition("token=")[2]
    status, _, body = ask(line, "/api/session", "localhost:8765", authorization=f"token {token}")
    assert (status, json.loads(body)["read_only"]) == (200, True)
    line.close()
    one.interrupt()
    assert not path.exists()


def test_a_folder_that_is_no_project_is_said_so(tmp_path: Path, environment: dict[str, str]) -> None:
    for folder, words in ((tmp_path, "config/config.yaml"), (tmp_path / "nowhere", "must be a project's folder")):
        done = subprocess.run(
            [sys.executable, "-m", "poseflow", "serve", str(folder)], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_each_project_has_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_folder(Path("/a")) != state_folder(Path("/b"))
    assert state_folder(Path("/a")) == state_folder(Path("/a"))
