"""From requests to functions and back: JSON in, JSON or bytes out, every fault in one form."""

import json
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from poseflow.core.errors import PoseflowError, TableError
from poseflow.server.errors import RefusedError
from poseflow.server.security import answer_refusal

if TYPE_CHECKING:
    from poseflow.server.page import Page

logger = logging.getLogger("poseflow")
M = TypeVar("M", bound=BaseModel)
Answer = BaseModel | Response
BINARY = "application/octet-stream"


def page_of(request: Request) -> "Page":
    """What the routes work with."""
    page: Page = request.app.state.page
    return page


def get(path: str, function: Callable[["Page", Request], Answer]) -> Route:
    """A route that is read from; its function runs in a thread."""

    async def endpoint(request: Request) -> Response:
        return as_response(await run_in_threadpool(function, page_of(request), request))

    return Route(path, endpoint, methods=["GET"])


def post(path: str, model: type[M], function: Callable[["Page", Request, M], Answer | None]) -> Route:
    """A route that changes something; its function runs in a thread, with what was sent, checked."""

    async def endpoint(request: Request) -> Response:
        body = await request.body()
        message = model.model_validate_json(body)
        return as_response(await run_in_threadpool(function, page_of(request), request, message))

    return Route(path, endpoint, methods=["POST"])


def as_response(answer: Answer | None) -> Response:
    """What a function gave, as it is sent."""
    if answer is None:
        return Response(status_code=204)
    if isinstance(answer, Response):
        return answer
    return Response(answer.model_dump_json(), media_type="application/json")


def text(request: Request, name: str) -> str:
    """A parameter of the query; raises RefusedError where it is missing."""
    value = request.query_params.get(name)
    if value is None:
        raise RefusedError(422, "invalid", f"{name} must be given")
    return value


def whole(request: Request, name: str, default: int | None = None) -> int:
    """A whole number of the query; raises RefusedError where it is none, or very large."""
    value = request.query_params.get(name)
    if value is None and default is not None:
        return default
    if value is None or not value.lstrip("-").isdigit() or len(value) > 15 or not value.isascii():
        raise RefusedError(422, "invalid", f"{name} must be a whole number, got {(value or 'none')[:40]}")
    return int(value)


def frame_range(request: Request, frames: int, most: int) -> tuple[int, int]:
    """`from` and `to` of the query, within the frames of a video; raises RefusedError for more than `most`."""
    start, stop = whole(request, "from", 0), whole(request, "to", frames)
    start, stop = max(start, 0), min(stop, frames)
    if not 0 <= stop - start <= most:
        said = f"from and to must be within 0 to {frames}, {most} apart at most, got {start} to {stop}"
        raise RefusedError(422, "invalid", said)
    return start, stop


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return answer_refusal(error, request.scope)


async def _refuse_message(request: Request, error: Exception) -> Response:
    assert isinstance(error, ValidationError)
    faults = [
        {"where": ".".join(map(str, one["loc"])), "message": one["msg"]}
        for one in error.errors(include_url=False, include_input=False, include_context=False)[:20]
    ]
    said = f"{faults[0]['where']}: {faults[0]['message']}" if faults else "it is no message that is known"
    return answer_refusal(RefusedError(422, "invalid", said, faults), request.scope)


async def _refuse_project(request: Request, error: Exception) -> Response:
    status = 410 if isinstance(error, TableError) else 409
    return answer_refusal(RefusedError(status, "gone" if status == 410 else "refused", str(error)), request.scope)


async def _fail_machine(request: Request, error: Exception) -> Response:
    logger.warning("%s: %s", request.url.path, error)
    return answer_refusal(RefusedError(500, "failed", f"the machine failed: {error}"), request.scope)


async def _refuse_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "unknown", 405: "method"}.get(error.status_code, "refused")
    return answer_refusal(RefusedError(error.status_code, code, error.detail), request.scope)


async def _fail(request: Request, error: Exception) -> Response:
    said = "the server has a fault, which it wrote to the terminal that it was started in"
    return answer_refusal(RefusedError(500, "failed", said), request.scope)


HANDLERS: dict[Any, Callable[[Request, Exception], Awaitable[Response]]] = {
    RefusedError: _refuse,
    ValidationError: _refuse_message,
    PoseflowError: _refuse_project,
    OSError: _fail_machine,
    HTTPException: _refuse_http,
    Exception: _fail,
}


def plain_json(value: Any) -> Response:
    """JSON of no model."""
    return Response(json.dumps(value, allow_nan=False), media_type="application/json")
