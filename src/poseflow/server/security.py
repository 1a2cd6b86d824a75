"""Who may ask for what: host names, the token, the origin of what changes anything, and limits.

The order is that of Jupyter's server, and stricter: names first, so that a foreign page that had its own name resolved
to this machine (DNS rebinding) learns nothing; then token or cookie; then, of a POST, where it comes from and what it
is. Nothing here knows what is asked for.
"""

import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from poseflow.server.errors import RefusedError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
MOST_BODY_BYTES = 1 << 20
SESSION_S = 30 * 24 * 3600
MOST_AT_ONCE, MOST_STREAMS = 128, 64
STREAM = "/api/events"
_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>\d{1,5}))?")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; worker-src 'self'; "
    "img-src 'self' blob: data:; font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}
"""Of each answer that does not say otherwise itself."""


@dataclass(frozen=True)
class Keys:
    """What opens the door: a token for people, and what cookies are signed with."""

    token: str
    cookie: str = "poseflow"
    """Name of the cookie: browsers keep one jar for all ports of a machine."""
    names: frozenset[str] = LOOPBACK
    """Host names under which the page is asked for."""
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def sign(self, now: float) -> str:
        """A new session, for a cookie."""
        said = f"{secrets.token_hex(8)}.{int(now)}"
        return f"{said}.{self._seal(said)}"

    def is_signed(self, value: str, now: float) -> bool:
        """Whether a cookie is one of ours, and not too old."""
        said, _, seal = value.rpartition(".")
        if not hmac.compare_digest(seal.encode(), self._seal(said).encode()):
            return False
        return now - float(said.rpartition(".")[2]) < SESSION_S

    def fits(self, token: str) -> bool:
        """Whether a token is the one."""
        return hmac.compare_digest(token.encode(), self.token.encode())

    def _seal(self, said: str) -> str:
        return hmac.new(self.secret, said.encode(), hashlib.sha256).hexdigest()


class Gate:
    """Lets through what may pass, and answers the rest; ASGI middleware."""

    def __init__(self, app: ASGIApp, keys: Keys, read_only: bool) -> None:
        self._app, self._keys, self._read_only = app, keys, read_only
        self._at_once = self._streams = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # a WebSocket: there are none here
            await send({"type": "websocket.close", "code": 1008})
            return
        guarded = _with_headers(send)
        try:
            login = self._check(scope)
            if login is not None:
                await login(scope, receive, guarded)
                return
            await self._pass(scope, receive, guarded)
        except RefusedError as refusal:
            await answer_refusal(refusal, scope)(scope, receive, guarded)

    def _check(self, scope: Scope) -> Response | None:
        """Raise what is to be refused; gives the answer to a request that brings the token in its URL."""
        headers = Headers(scope=scope)
        _check_host(headers, self._keys.names)
        if scope["method"] not in ("GET", "HEAD", "POST"):
            raise RefusedError(405, "method", f"method must be GET, HEAD or POST, got {scope['method']}")
        login = self._authenticate(scope, headers)
        if scope["method"] == "POST":
            self._check_post(scope, headers)
        return login

    def _authenticate(self, scope: Scope, headers: Headers) -> Response | None:
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        told = [value for name, value in query if name == "token"]
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if told and scope["method"] == "GET" and self._keys.fits(told[0]):
            rest = urlencode([pair for pair in query if pair[0] != "token"])
            # Of the path as it was sent, no second slash at its begin: that would be another host.
            path = "/" + scope["raw_path"].decode("latin-1").lstrip("/\\")
            answer = RedirectResponse(f"{path}?{rest}" if rest else path, status_code=303)
            answer.set_cookie(
                self._keys.cookie,
                self._keys.sign(time.time()),
                max_age=SESSION_S,
                httponly=True,
                samesite="strict",
                path="/",
            )
            return answer
        if scheme.lower() == "token" and self._keys.fits(given):
            return None
        cookies = cookie_parser(headers.get("cookie", ""))
        if self._keys.is_signed(cookies.get(self._keys.cookie, ""), time.time()):
            return None
        raise RefusedError(401, "unauthorized", "the link that `poseflow serve` printed must be opened once")

    def _check_post(self, scope: Scope, headers: Headers) -> None:
        host = headers["host"].lower()
        origin = headers.get("origin", "")
        if origin.lower() not in (f"http://{host}", f"https://{host}"):
            raise RefusedError(403, "forbidden_origin", f"Origin must be this page's own, got {origin or 'none'}")
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise RefusedError(415, "not_json", "Content-Type must be application/json")
        if self._read_only and scope["path"] != "/api/presence":
            raise RefusedError(403, "read_only", "this page was started with --read-only")
        length = headers.get("content-length")
        if length is not None and (not length.isdigit() or int(length) > MOST_BODY_BYTES):
            raise _too_large()

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == STREAM:
            if self._streams >= MOST_STREAMS:
                raise RefusedError(503, "busy", f"at most {MOST_STREAMS} tabs can be told of events at once")
            self._streams += 1
            try:
                await self._app(scope, receive, send)
            finally:
                self._streams -= 1
            return
        if self._at_once >= MOST_AT_ONCE:
            raise RefusedError(503, "busy", f"at most {MOST_AT_ONCE} requests can be under way at once")
        self._at_once += 1
        try:
            await self._app(scope, _bounded(receive), send)
        finally:
            self._at_once -= 1


def answer_refusal(refusal: RefusedError, scope: Scope) -> Response:
    """A refusal as JSON; of a page, as a sentence."""
    headers = {"retry-after": "1"} if refusal.status == 503 else {}
    if scope["path"].startswith("/api/") or scope["method"] == "POST":
        said = {"error": refusal.error, "message": refusal.message, "detail": refusal.detail}
        content, kind = json.dumps(said), "application/json"
    else:
        content, kind = f"{refusal.message}\n", "text/plain; charset=utf-8"
    return Response(content, refusal.status, headers, kind)


def _check_host(headers: Headers, names: Collection[str]) -> None:
    hosts = headers.getlist("host")
    found = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
    if found is None or found["name"].lower() not in names:
        said = ", ".join(hosts) or "none"
        raise RefusedError(400, "forbidden_host", f"Host must be localhost or a name that was listed, got {said}")


def _with_headers(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return guarded


def _bounded(receive: Receive) -> Receive:
    """What is received, up to so many bytes: the header that says how many need not be there, or true."""
    got = 0

    async def counted() -> Message:
        nonlocal got
        message = await receive()
        if message["type"] == "http.request":
            got += len(message.get("body", b""))
            if got > MOST_BODY_BYTES:
                raise _too_large()
        return message

    return counted


def _too_large() -> RefusedError:
    return RefusedError(413, "too_large", f"a request must be of {MOST_BODY_BYTES} bytes at most")
