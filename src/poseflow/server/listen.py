"""Where the server listens, and the link that opens the page.

On a machine that many people are logged in to, a port on loopback is open to all of them, and a token in a link is all
that stands between: there the default is a Unix socket that only its owner may open, to be forwarded with `ssh -L`.
Such a machine is told by SLURM's commands, or by a session that came over SSH.
"""

import hashlib
import os
import resource
import secrets
import shutil
import socket
import stat
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from poseflow.core.errors import ConfigError
from poseflow.core.files import replacing

DEFAULT_PORT = 8765
EVERYWHERE = ("0.0.0.0", "::")
TOKEN_BYTES = 24
MOST_CONNECTIONS = 1000
MOST_PATH_BYTES = 100
"""Of a socket's path; systems take 104 or 108."""
WANTED_FILES = 4096


@dataclass(frozen=True)
class Listener:
    """A socket that listens, and how the page is opened through it."""

    socket: socket.socket
    url: str
    """With the token."""
    hint: str | None
    """What must be done first."""
    path: Path | None = None
    """Of a Unix socket, which goes with the server."""


def is_shared_machine() -> bool:
    """Whether others are likely to be logged in here: a cluster's login node, or a server."""
    return shutil.which("sbatch") is not None or "SSH_CONNECTION" in os.environ


def state_folder(project: Path) -> Path:
    """Where the token and the link of a project's page are kept, readable by their owner alone."""
    root = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "poseflow"
    folder = root / hashlib.sha256(os.fsencode(project)).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    return folder


def keep_token(folder: Path, anew: bool = False) -> str:
    """The token of a project's page: the same after a restart, so that open tabs go on."""
    path = folder / "token"
    if path.is_file() and not anew:
        token = path.read_text(encoding="ascii", errors="replace").strip()
        if len(token) >= TOKEN_BYTES:
            return token
    token = secrets.token_urlsafe(TOKEN_BYTES)
    write_secret(token, path)
    return token


def write_secret(text: str, path: Path) -> None:
    """Write a file that only its owner may read, from its first moment on."""
    with replacing(path) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")


def listen_on_port(host: str, port: int, token: str, is_fixed: bool) -> Listener:
    """Listen on a port; where it is taken and nobody asked for just this one, on the next that is free.

    Raises: ConfigError where there is none.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for tried in [port] if is_fixed else [*range(port, port + 20), 0]:
        # With its protocol named, asyncio sends at once: else small answers wait 40 ms for the other side.
        server = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((host, tried))
        except OSError as error:
            server.close()
            fault = error
            continue
        server.listen(MOST_CONNECTIONS)
        bound = server.getsockname()[1]
        return Listener(server, f"http://{name_host(host)}:{bound}/?token={token}", None)
    raise ConfigError(f"--port must be free, got {port}: {fault.strerror}")


def name_host(host: str) -> str:
    """What an address is called in a link; all addresses of this machine, by its name."""
    if host in ("127.0.0.1", "::1"):
        return "localhost"
    if host in EVERYWHERE:
        return os.uname().nodename.lower()
    return f"[{host}]" if ":" in host else host


def listen_on_socket(path: Path | None, project: Path, token: str, port: int) -> Listener:
    """Listen on a Unix socket that only its owner may open.

    Raises: ConfigError for a path where another server listens, or something else lies.
    """
    path = path or _socket_folder() / f"{hashlib.sha256(os.fsencode(project)).hexdigest()[:12]}.sock"
    if len(os.fsencode(path)) > MOST_PATH_BYTES:
        raise ConfigError(f"--socket must be a path of at most {MOST_PATH_BYTES} bytes, got {path}")
    _clear(path)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # at no moment may others open it
    try:
        server.bind(str(path))
    except OSError as error:
        server.close()
        raise ConfigError(f"--socket must be a path where a socket can be made, got {path}: {error.strerror}") from None
    finally:
        os.umask(before)
    path.chmod(0o600)
    server.listen(MOST_CONNECTIONS)
    host = os.uname().nodename
    hint = f"on your own machine: ssh -N -L {port}:{path} {host}"
    return Listener(server, f"http://localhost:{port}/?token={token}", hint, path)


def _socket_folder() -> Path:
    """A folder of the user's own on this machine's disk: sockets do not work on all network file systems."""
    folder = Path("/tmp") / f"poseflow-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise ConfigError(f"{folder} must be a folder of your own, got another's; name a place with --socket")
    folder.chmod(0o700)
    return folder


def _clear(path: Path) -> None:
    """Remove a socket that nobody listens on any more."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise ConfigError(f"--socket must be free, got {path}, where something else lies")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink()
            return
    raise ConfigError(f"{path}: a page of this project is served there already")


def serve(app: Starlette, listener: Listener) -> None:
    """Answer requests until the process is told to end; the socket's path goes with it."""
    _raise_limit()
    try:
        make_server(app).run(sockets=[listener.socket])
    finally:
        if listener.path is not None:
            listener.path.unlink(missing_ok=True)


def make_server(app: Starlette) -> uvicorn.Server:
    """The server of the page. It writes no line about a request: addresses hold names, and once a token."""
    config = uvicorn.Config(
        app,
        lifespan="on",
        access_log=False,
        log_level="error",
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=2,
        server_header=False,
        ws="none",
        proxy_headers=False,
        h11_max_incomplete_event_size=32 << 10,
    )
    return uvicorn.Server(config)


def _raise_limit() -> None:
    """As many open files as the system grants without asking: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, WANTED_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
