"""Routes of the page itself, of its events, and of the report."""

import hashlib
import mimetypes
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from poseflow.server.errors import unknown
from poseflow.server.messages.claims import Presence
from poseflow.server.page import Page
from poseflow.server.routes.routing import get, page_of, post

SHELLS = ("/", "/recordings", "/run", "/label", "/proofread", "/networks")
KINDS = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".svg": "image/svg+xml",
    ".map": "application/json",
}
REPORT_POLICY = (
    "sandbox allow-scripts allow-popups; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data:; font-src data:; media-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""The report is one file with all that it shows; it may run what it brings, in an origin of its own."""
MISSING = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>poseflow</title><h1>poseflow</h1>"
    "<p>The page's files are not in this installation (src/poseflow/server/static). The server is at work.</p></html>"
)


def routes() -> list[Route]:
    """All of them."""
    shells = [get(path, show_page) for path in SHELLS]
    below = [get(f"{path}/{{rest:path}}", show_page) for path in SHELLS[1:]]
    return [
        *shells,
        *below,
        get("/static/{name}", give_static),
        get("/report", show_report),
        get("/summary", show_summary),
        Route("/api/events", stream_events, methods=["GET"]),
        post("/api/presence", Presence, note_presence),
    ]


def show_page(page: Page, request: Request) -> Response:
    """The page, whatever view of it is asked for."""
    found = page.static / "index.html"
    content = found.read_bytes() if found.is_file() else MISSING.encode()
    return Response(content, headers={"cache-control": "no-cache"}, media_type="text/html")


def give_static(page: Page, request: Request) -> Response:
    """A file of the bundle, by its name among those that there are."""
    name = request.path_params["name"]
    files = {path.name: path for path in page.static.iterdir() if path.is_file()} if page.static.is_dir() else {}
    if name not in files:
        raise unknown("file of the page", name)
    content = files[name].read_bytes()
    tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    headers = {"cache-control": "no-cache", "etag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    kind = KINDS.get(files[name].suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Response(content, headers=headers, media_type=kind)


def show_report(page: Page, request: Request) -> Response:
    """The report of the last run."""
    return _show_file(page.project.places.report)


def show_summary(page: Page, request: Request) -> Response:
    """The summary of the last run."""
    return _show_file(page.project.places.summary_page)


def _show_file(path: Path) -> Response:
    if not path.is_file():
        raise unknown("page of results", path.name)
    headers = {"content-security-policy": REPORT_POLICY, "x-frame-options": "SAMEORIGIN", "cache-control": "no-cache"}
    return Response(path.read_bytes(), headers=headers, media_type="text/html")


async def stream_events(request: Request) -> Response:
    """Events, as long as the tab is open."""
    stream = page_of(request).hub.stream()
    return StreamingResponse(stream, headers={"x-accel-buffering": "no"}, media_type="text/event-stream")


def note_presence(page: Page, request: Request, person: Presence) -> None:
    """Where a person is."""
    page.hub.note(person)
