"""The application as ASGI: routes, middleware and error handlers, put together without any input or output."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import orjson
from fastapi import FastAPI, HTTPException, Request, Response

from reqtrail import __version__
from reqtrail.api import client_errors, docs_page, openapi, problems
from reqtrail.api.edge import Edge
from reqtrail.api.middleware import BodyLimit, RequestContext
from reqtrail.api.router import PREFIX, ROOT_ROUTERS, ROUTERS
from reqtrail.api.static import StaticSite
from reqtrail.features.identity.public import subjects_of
from reqtrail.platform.database.reading import answer_read
from reqtrail.platform.settings import Settings
from reqtrail.platform.telemetry.tracing import request_tracing

MEGABYTE = 2**20
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def build_app(settings: Settings, lifespan: Lifespan) -> FastAPI:
    """Return the application; *lifespan* fills ``app.state`` with what the routes work with."""
    app = FastAPI(
        title="Reqtrail",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        form_limits={"max_files": 10, "max_fields": 200, "max_part_size": MEGABYTE},
        lifespan=lifespan,
        telemetry=request_tracing(),
    )
    app.state.settings = settings
    app.state.answer_read = answer_read
    app.state.subjects_of = subjects_of
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX)
    for router in ROOT_ROUTERS:
        app.include_router(router, include_in_schema=False)
    problems.install(app)
    app.add_middleware(
        BodyLimit,
        limit=settings.max_body_mb * MEGABYTE,
        form_limit=settings.max_upload_mb * MEGABYTE,
        patience=settings.body_seconds,
        small={PREFIX + client_errors.PATH: client_errors.MOST_BYTES},
    )
    app.add_middleware(Edge, settings=settings)
    app.add_middleware(RequestContext)
    _add_documentation(app)
    _add_site(app, settings)
    return app


def _add_documentation(app: FastAPI) -> None:
    made: dict[str, bytes] = {}

    async def show_document(request: Request) -> Response:
        if not made:
            made["json"] = orjson.dumps(openapi.document(app))
        return Response(made["json"], media_type="application/json")

    def add(name: str, content: str, media_type: str) -> None:
        async def show(request: Request) -> Response:
            return Response(content, media_type=media_type)

        app.add_route(f"{PREFIX}/{name}", show, include_in_schema=False)

    app.add_route(f"{PREFIX}/openapi.json", show_document, include_in_schema=False)
    add("docs", docs_page.PAGE, "text/html")
    add("docs.css", docs_page.STYLE, "text/css")
    add("docs.js", docs_page.SCRIPT, "text/javascript")


def _add_site(app: FastAPI, settings: Settings) -> None:
    folder = settings.resolved_static_dir()
    if folder is None:
        return
    site = StaticSite(folder)

    async def show_site(request: Request) -> Any:
        return site.respond(request)

    # After every other route; what lies below /api has its own 404.
    app.add_route("/{path:path}", _outside_api(show_site), include_in_schema=False)


def _outside_api(show: Callable[[Request], Any]) -> Callable[[Request], Any]:
    async def guarded(request: Request) -> Any:
        if request.url.path == "/api" or request.url.path.startswith("/api/"):
            # The site takes GET anywhere, also at the address of a route that does not.
            raise HTTPException(405 if problems.methods_at(request) else 404)
        return await show(request)

    return guarded
