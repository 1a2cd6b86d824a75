"""Who may ask for what: each attack does what it should, and nothing else."""

import json
import os
import re
import socket
import stat
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from served_project import TOKEN, Browser, Server
from starlette.routing import Route

from poseflow.core.errors import ConfigError
from poseflow.server import listen
from poseflow.server.app import build_app
from poseflow.server.page import Page
from poseflow.server.project import Project
from poseflow.server.security import MOST_BODY_BYTES, Keys


@pytest.fixture
def stranger(server: Server) -> Browser:
    """One that has never opened the link."""
    return Browser(server.port)


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", ["/", "/api/session", "/static/page.js", "/api/events", "/report", "/proofread/clip/clip"]
)
def test_without_the_link_there_is_nothing(stranger: Browser, path: str) -> None:
    assert stranger.get(path).status == 401


@pytest.mark.parametrize("token", ["", "x", TOKEN[:-1], TOKEN + "x", "ä"])
def test_a_wrong_token_opens_nothing(stranger: Browser, token: str) -> None:
    answer = stranger.get(f"/?token={token.encode().hex() if token == 'ä' else token}")
    assert answer.status == 401
    assert "set-cookie" not in answer.headers
    assert stranger.get("/api/session", authorization=f"token {TOKEN}x").status == 401


def test_the_link_leads_to_the_same_address_without_the_token_and_a_cookie(stranger: Browser) -> None:
    answer = stranger.get(f"/proofread/clip?frame=7&token={TOKEN}&item=a")
    assert answer.status == 303
    assert answer.headers["location"] == "/proofread/clip?frame=7&item=a"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and TOKEN not in cookie
    stranger.cookie = answer.headers["set-cookie"].partition(";")[0]
    assert stranger.get("/api/session").status == 200


def test_the_way_back_from_the_link_stays_on_this_server(stranger: Browser) -> None:
    for path in ("//evil.example/", "/\\evil.example/", "///evil.example"):
        location = stranger.get(f"{path}?token={TOKEN}").headers.get("location", "/")
        assert re.match(r"/(?![/\\])", location), location


def test_a_cookie_that_somebody_made_is_none(server: Server, browser: Browser, stranger: Browser) -> None:
    name, _, value = browser.cookie.partition("=")
    said, _, seal = value.rpartition(".")
    older = f"{said.partition('.')[0]}.1.{seal}"
    for forged in (f"{value}0", f"{said}.{'0' * 64}", older, "", "a.b", "ä.ä.ä"):
        stranger.cookie = f"{name}={forged}".encode().decode("latin-1")
        assert stranger.get("/api/session").status == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "localhost.evil.example", "127.0.0.1.nip.io", "", "[::1", "a b"]
)
def test_another_host_name_is_refused_before_anything_else(server: Server, host: str) -> None:
    own = Browser(server.port, server.browser.cookie, host=host or "x")
    own.host = host
    assert own.get("/api/session").status == 400
    assert own.get(f"/?token={TOKEN}").status == 400
    assert "set-cookie" not in own.get(f"/?token={TOKEN}").headers


def test_loopback_is_known_by_its_names_on_any_port(server: Server) -> None:
    """A tunnel's port on the other machine is another one."""
    for host in ("localhost", "LOCALHOST:9000", "127.0.0.1:8765", "[::1]:1"):
        assert Browser(server.port, server.browser.cookie, host=host).get("/api/session").status == 200


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://localhost:1", "https://localhost"])
def test_what_changes_anything_must_come_from_the_page(browser: Browser, origin: str | None) -> None:
    answer = browser.post("/api/presence", {"client": "a", "author": "b"}, origin=origin)
    assert (answer.status, answer.json["error"]) == (403, "forbidden_origin")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
def test_what_changes_anything_must_be_json(browser: Browser, kind: str | None) -> None:
    """A form of another page can send anything but JSON."""
    answer = browser.post("/api/presence", {"client": "a", "author": "b"}, content_type=kind)
    assert (answer.status, answer.json["error"]) == (415, "not_json")


def test_a_body_that_is_too_large_is_refused_said_or_not(server: Server, browser: Browser) -> None:
    length = str(MOST_BODY_BYTES + 1)
    assert browser.ask("POST", "/api/presence", b"", content_length=length, **browser.own).status == 413
    body = json.dumps({"client": "a" * 2 * MOST_BODY_BYTES, "author": "b"}).encode()
    parts = [body[begin : begin + 65536] for begin in range(0, len(body), 65536)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    lines = ["POST /api/presence HTTP/1.1", f"Host: {browser.host}", f"Origin: http://{browser.host}"]
    lines += [f"Cookie: {browser.cookie}", "Content-Type: application/json", "Transfer-Encoding: chunked", "", ""]
    head = "\r\n".join(lines)
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as line:
        with suppress(BrokenPipeError, ConnectionResetError):
            line.sendall(head.encode() + chunks + b"0\r\n\r\n")
        assert b" 413 " in line.recv(4096)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"client": 1}', b'{"client": "a", "author": "b", "more": 1}', b"\xff\xfe"]
)
def test_what_is_no_message_is_refused_with_the_place(browser: Browser, body: bytes) -> None:
    answer = browser.ask(
        "POST", "/api/presence", body, origin=f"http://{browser.host}", content_type="application/json"
    )
    assert (answer.status, answer.json["error"]) == (422, "invalid")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_other_methods_do_not_exist(browser: Browser, method: str) -> None:
    assert browser.ask(method, "/api/session").status == 405


def test_nothing_is_changed_by_get(server: Server) -> None:
    """Each route that has another name for what it does has POST alone."""
    app = build_app(server.page, Keys(TOKEN))
    changing = [route for route in app.routes if isinstance(route, Route) and "POST" in (route.methods or ())]
    assert changing
    assert all(route.methods == {"POST"} for route in changing)


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/app.py",
        "/static//etc/passwd",
        "/static/..\\app.py",
        "/api/videos/..%2f..%2fconfig/still?frame=0",
        "/api/videos/%2fetc%2fpasswd/still?frame=0",
        "/api/videos/videos%2fclip.mp4/still?frame=0",
        "/api/recordings/..%2fclip",
        "/api/recordings/clip/videos/..%2f..%2fclip/times",
        "/api/recordings/%00",
    ],
)
def test_a_path_is_no_name(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    assert answer.status == 404
    assert b"root:" not in answer.body and b"import" not in answer.body


def test_each_answer_says_what_browsers_may_do_with_it(browser: Browser, stranger: Browser) -> None:
    for answer in (browser.get("/"), browser.get("/api/session"), browser.get("/nowhere"), stranger.get("/")):
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in policy and "frame-ancestors 'none'" in policy and "base-uri 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in answer.headers
        assert "server" not in answer.headers


def test_the_report_is_shown_in_an_origin_of_its_own(project: Path, browser: Browser) -> None:
    (project / "results").mkdir(exist_ok=True)
    (project / "results/report.html").write_text("<script>alert(1)</script>")
    answer = browser.get("/report")
    assert answer.status == 200
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox ") and "allow-same-origin" not in policy


def test_names_of_files_come_as_json_which_browsers_do_not_run(project: Path, browser: Browser) -> None:
    answer = browser.get("/api/recordings/%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/json"
    page = browser.get("/nowhere/%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    assert page.headers["content-type"].startswith("text/plain")


@pytest.mark.slow
def test_many_at_once_are_answered_or_told_to_wait(browser: Browser) -> None:
    with ThreadPoolExecutor(200) as threads:
        answers = [*threads.map(lambda _: browser.get("/api/session").status, range(400))]
    assert set(answers) <= {200, 503}
    assert 200 in answers
    assert browser.get("/api/session").status == 200


def test_read_only_changes_nothing(project: Path) -> None:
    running = Server(read_only=True)
    try:
        app = build_app(running.page, Keys(TOKEN))
        paths = [route.path for route in app.routes if isinstance(route, Route) and "POST" in (route.methods or ())]
        for path in (path for path in paths if path != "/api/presence"):
            assert running.browser.post(path, {}).json["error"] == "read_only", path
        assert running.browser.get("/api/session").json["read_only"] is True
    finally:
        running.stop()


def test_a_unix_socket_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "page.sock"
    listener = listen.listen_on_socket(path, tmp_path, TOKEN, 8765)
    try:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert str(path) in (listener.hint or "")
        with pytest.raises(ConfigError, match="served there already"):
            listen.listen_on_socket(path, tmp_path, TOKEN, 8765)
    finally:
        listener.socket.close()
    again = listen.listen_on_socket(path, tmp_path, TOKEN, 8765)  # what a killed server left
    again.socket.close()


def test_something_else_at_the_sockets_path_stays(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    with pytest.raises(ConfigError, match="something else"):
        listen.listen_on_socket(path, tmp_path, TOKEN, 8765)
    assert path.read_text() == "mine"


def test_token_and_link_are_their_owners_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    folder = listen.state_folder(Path("/lab"))
    token = listen.keep_token(folder)
    listen.write_secret(f"http://localhost/?token={token}", folder / "url")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert listen.keep_token(folder) == token  # open tabs go on after a restart
    assert listen.keep_token(folder, anew=True) != token


def test_a_link_names_what_browsers_can_reach() -> None:
    assert listen.name_host("127.0.0.1") == "localhost"
    assert listen.name_host("10.0.0.7") == "10.0.0.7"
    assert listen.name_host("fe80::1") == "[fe80::1]"
    assert listen.name_host("0.0.0.0") == os.uname().nodename.lower()


def test_shared_machines_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert not listen.is_shared_machine()
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 22 10.0.0.2 22")
    assert listen.is_shared_machine()
    monkeypatch.delenv("SSH_CONNECTION")
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    assert listen.is_shared_machine()


@pytest.mark.slow
def test_the_page_imports_neither_keras_nor_tensorflow(project: Path) -> None:
    code = (
        "import sys; from poseflow.server.app import build_app; from poseflow.server.page import Page;"
        "from poseflow.server.project import Project; from poseflow.server.security import Keys;"
        "build_app(Page(Project(), 'a'), Keys('t')); Project().plan();"
        "sys.exit(', '.join(sorted({'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_the_pages_types_are_those_of_the_messages() -> None:
    from poseflow.server.typescript import write_types

    made = Path(__file__).parents[2] / "src/page/types.ts"
    assert made.read_text(encoding="utf-8") == write_types(), "run `make schema`"


def test_a_projects_plan_is_made_by_its_settings_alone(project: Path) -> None:
    assert list(Page(Project(), "a").project.plan().recordings) == ["clip"]


def test_a_file_whose_name_is_a_script_has_a_safe_name_and_is_told_as_text(project: Path) -> None:
    odd = project / "videos" / "<script>alert(1)<.mp4"
    odd.write_bytes((project / "videos/clip.mp4").read_bytes() + b"\0")
    running = Server()
    try:
        answer = running.browser.get("/api/recordings")
        [name] = [row["name"] for row in answer.json["recordings"] if row["name"] != "clip"]
        assert re.fullmatch(r"[A-Za-z0-9_.-]+", name)
        facts = running.browser.get(f"/api/recordings/{name}")
        assert facts.json["videos"][0]["file"] == odd.name
        for one in (answer, facts):
            assert one.headers["content-type"] == "application/json"
            assert one.headers["x-content-type-options"] == "nosniff"
        assert running.browser.get(f"/api/videos/{name}/still?frame=3").status == 200
    finally:
        running.stop()
        odd.unlink()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
def test_another_user_of_the_machine_gets_neither_socket_nor_token(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # so that nothing but the rights of socket and file stand in the way
        monkeypatch.setenv("XDG_STATE_HOME", name)
        token = listen.state_folder(Path("/lab")) / "token"
        listen.keep_token(token.parent)
        token.parent.chmod(0o755)
        path = folder / "page.sock"
        listener = listen.listen_on_socket(path, folder, TOKEN, 8765)
        code = (
            "import os, socket, sys; os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
            "def tried(act):\n"
            "    try: act()\n"
            "    except PermissionError: return 'refused'\n"
            "    return 'open'\n"
            "line = socket.socket(socket.AF_UNIX)\n"
            "print(tried(lambda: line.connect(sys.argv[1])), tried(lambda: open(sys.argv[2])))"
        )
        try:
            command = [sys.executable, "-c", code, str(path), str(token)]
            done = subprocess.run(command, capture_output=True, text=True, check=True, env={})
            assert done.stdout.split() == ["refused", "refused"]
        finally:
            listener.socket.close()
