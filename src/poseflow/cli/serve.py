"""The verb serve: the page in the browser."""

import os
from pathlib import Path
from typing import Annotated

import typer

from poseflow.core.errors import ConfigError

DEFAULT_PORT = 8765


def serve(
    project: Annotated[
        Path, typer.Argument(metavar="PROJECT", help="The project's folder; by default this one.")
    ] = Path(),
    port: Annotated[
        int | None,
        typer.Option(
            min=1, max=65535, help=f"On this machine's loopback; by default {DEFAULT_PORT}, or the next free one."
        ),
    ] = None,
    socket: Annotated[
        str | None, typer.Option(metavar="PATH|auto", help="A Unix socket that only you may open, in place of a port.")
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="Listen on this address, for others too: not encrypted, so behind a proxy only.")
    ] = None,
    host_name: Annotated[
        list[str] | None, typer.Option(help="A further name that browsers may know this server by; may be repeated.")
    ] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Show all, change nothing.")] = False,
    author: Annotated[str | None, typer.Option(help="Who works with the page; by default your user name.")] = None,
    new_token: Annotated[
        bool, typer.Option("--new-token", help="Close the page to all who have the old link.")
    ] = False,
    config: Annotated[Path, typer.Option("--config", "-c", help="The project's settings.")] = Path(
        "config/config.yaml"
    ),
) -> None:
    """Serve the page in the browser: label, train, proofread, and look after runs.

    It prints the link that opens it. On a cluster, or over SSH, it listens on a Unix socket that only you may open, and
    prints the line for `ssh` beside the link; elsewhere on a port of this machine.

    Examples:

        poseflow serve

        poseflow serve lab --port 9000
    """
    if not project.is_dir():
        raise ConfigError(f"PROJECT must be a project's folder, got {project}")
    os.chdir(project)
    if not config.is_file():
        raise ConfigError(f"PROJECT must be a project's folder, with {config}, got {Path.cwd()}")
    if host is not None and socket is not None:
        raise ConfigError("--socket must stand alone, got --host as well")
    from poseflow.corrections.claims import stamp
    from poseflow.server import listen
    from poseflow.server.app import build_app
    from poseflow.server.page import Page
    from poseflow.server.project import Project
    from poseflow.server.security import LOOPBACK, Keys

    folder = listen.state_folder(Path.cwd())
    token = listen.keep_token(folder, new_token)
    own_port = port or DEFAULT_PORT
    if socket is not None or (port is None and host is None and listen.is_shared_machine()):
        path = None if socket in (None, "auto") else Path(str(socket)).absolute()
        listener = listen.listen_on_socket(path, Path.cwd(), token, own_port)
    else:
        listener = listen.listen_on_port(host or "127.0.0.1", own_port, token, port is not None)
    names = LOOPBACK | {name.lower() for name in host_name or ()} | ({listen.name_host(host)} if host else set())
    keys = Keys(token, f"poseflow-{folder.name}", frozenset(names), token.encode())
    page = Page(Project(config), author or stamp()["author"], read_only)
    listen.write_secret(listener.url, folder / "url")
    if host is not None:
        typer.echo(
            "warning: whoever can reach this address and reads along sees the token and all that is sent", err=True
        )
    if listener.hint:
        typer.echo(listener.hint)
    typer.echo(f"open {listener.url}")
    typer.echo(f"the link stands in {folder / 'url'}; Ctrl-C ends the page", err=True)
    listen.serve(build_app(page, keys), listener)
