"""The server: routes behind the gate."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware

from poseflow.server.page import Page
from poseflow.server.routes import claims, labels, poses, recordings, run
from poseflow.server.routes import page as pages
from poseflow.server.routes.routing import HANDLERS
from poseflow.server.security import Gate, Keys


def build_app(page: Page, keys: Keys) -> Starlette:
    """Put routes and gate together."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        page.watch.start()
        yield
        page.close()

    modules = (pages, recordings, poses, claims, run, labels)
    routes = [route for module in modules for route in module.routes()]
    gate = Middleware(Gate, keys=keys, read_only=page.read_only)
    app = Starlette(routes=routes, middleware=[gate], exception_handlers=HANDLERS, lifespan=lifespan)
    app.state.page = page
    return app
