"""The server: routes behind the gate."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware

from poseflow.server import routes_labels, routes_page, routes_poses, routes_recordings, routes_run
from poseflow.server.page import Page
from poseflow.server.routing import HANDLERS
from poseflow.server.security import Gate, Keys


def build_app(page: Page, keys: Keys) -> Starlette:
    """Put routes and gate together."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        page.watch.start()
        yield
        page.close()

    modules = (routes_page, routes_recordings, routes_poses, routes_run, routes_labels)
    routes = [route for module in modules for route in module.routes()]
    gate = Middleware(Gate, keys=keys, read_only=page.read_only)
    app = Starlette(routes=routes, middleware=[gate], exception_handlers=HANDLERS, lifespan=lifespan)
    app.state.page = page
    return app
