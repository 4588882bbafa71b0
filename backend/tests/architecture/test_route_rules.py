"""Every route says who may call it, under a name and with schemas of its own; planted violations are found."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI, Response
from pydantic import BaseModel

from reqtrail.api import openapi
from reqtrail.entrypoints.web import create_app
from reqtrail.features.access.public import GroupPermission, Permission
from reqtrail.platform.http import ApiRoute, ApiRouter
from reqtrail.platform.permissions import declares, public
from reqtrail.platform.settings import Settings

PERMISSIONS = {
    "public",
    "authenticated",
    "signed_in",
    "administrator",
    *Permission,
    *GroupPermission,
}
WITHOUT_PERMISSION = {
    "/api/v1/openapi.json": "describes the API; holds no data",
    "/api/v1/docs": "shows that description",
    "/api/v1/docs.css": "shows that description",
    "/api/v1/docs.js": "shows that description",
}
"""Paths that are served without the machinery of the API, each with the reason."""


def undeclared_routes(app: FastAPI) -> list[str]:
    """Name the routes that declare no permission, several, or an unknown one, and doubled operation names."""
    found = []
    names: Counter[str] = Counter()
    for route in openapi.routes_of(app):
        names[str(route.operation_id)] += 1
        said = openapi.permissions(app)[str(route.operation_id)]
        if len(said) != 1 or said[0] not in PERMISSIONS:
            found.append(f"{route.path}: {said}")
        if not isinstance(route.original_route, ApiRoute):
            found.append(f"{route.path}: not of an ApiRouter")
        if not re.fullmatch(r"[a-z]+(_[a-z]+)*", str(route.operation_id)):
            found.append(f"{route.path}: operation {route.operation_id}")
    return found + [
        f"{name} names {count} operations" for name, count in names.items() if count > 1
    ]


def other_routes(app: FastAPI) -> list[str]:
    """Name what is served beside the API's routes and not known; the browser application is mounted."""
    api = {route.path for route in openapi.routes_of(app)}
    paths = {str(getattr(route, "path", "")) for route in app.routes}
    return sorted(path for path in paths - api - WITHOUT_PERMISSION.keys() if path)


def doubled_schemas(app: FastAPI) -> list[str]:
    """Name the schemas that share a name, which FastAPI then replaces by the path of the module."""
    return sorted(name for name in openapi.document(app)["components"]["schemas"] if "__" in name)


def open_bodies(app: FastAPI) -> list[str]:
    """Name the schemas of requests that take fields which they do not know."""
    document = openapi.document(app)
    schemas = document["components"]["schemas"]
    bodies = [
        media["schema"]
        for path in document["paths"].values()
        for operation in path.values()
        for kind, media in operation.get("requestBody", {}).get("content", {}).items()
        if kind == "application/json"
    ]
    reached: set[str] = set()
    while bodies:
        for name in re.findall(r"#/components/schemas/(\w+)", str(bodies.pop())):
            if name not in reached:
                reached.add(name)
                bodies.append(schemas[name])
    return sorted(
        name
        for name in reached
        if "properties" in schemas[name] and schemas[name].get("additionalProperties") is not False
    )


def _app(tmp_path: Path) -> FastAPI:
    """Return the application with the addresses of engines that need not be there: it is not started."""
    static = tmp_path / "none"
    return create_app(
        Settings(home=tmp_path, database_url="postgresql://nobody@/none", static_dir=static)
    )


def test_every_route_keeps_the_rules(tmp_path: Path) -> None:
    app = _app(tmp_path)
    assert len(list(openapi.routes_of(app))) > 50
    assert undeclared_routes(app) == []
    assert other_routes(app) == []
    assert doubled_schemas(app) == []
    assert open_bodies(app) == []


@declares("signed_in")
async def _signed_in() -> None:
    """A dependency that says who may call a route."""


@declares("everyone")
async def _unknown() -> None:
    """A dependency that declares what there is not."""


async def _endpoint() -> None:
    """A route that does nothing."""


def test_a_planted_route_is_found() -> None:
    app, router, plain = FastAPI(), ApiRouter(), APIRouter()
    one, two = Depends(public), Depends(_signed_in)
    router.get("/good", operation_id="good", dependencies=[one])(_endpoint)
    router.get("/silent", operation_id="silent")(_endpoint)
    router.get("/both", operation_id="both", dependencies=[one, two])(_endpoint)
    router.get("/unknown", operation_id="unknown", dependencies=[Depends(_unknown)])(_endpoint)
    router.get("/again", operation_id="good", dependencies=[one])(_endpoint)
    plain.get("/plain", operation_id="Plain-1", dependencies=[one])(_endpoint)
    app.include_router(router)
    app.include_router(plain)
    assert undeclared_routes(app) == [
        "/silent: []",
        "/both: ['public', 'signed_in']",
        "/unknown: ['everyone']",
        "/plain: not of an ApiRouter",
        "/plain: operation Plain-1",
        "good names 2 operations",
    ]


def test_a_planted_door_beside_the_api_is_found(tmp_path: Path) -> None:
    app = _app(tmp_path)
    app.add_route("/api/v1/secret", lambda request: Response())
    assert other_routes(app) == ["/api/v1/secret"]


def test_a_planted_schema_of_the_same_name_is_found() -> None:
    def schema(module: str) -> type[BaseModel]:
        fields = {"__module__": module, "__annotations__": {f"{module}_id": int}}
        return type("ItemRead", (BaseModel,), fields)

    app, router = FastAPI(), ApiRouter()
    for name in ("one", "two"):
        router.get(f"/{name}", operation_id=name, response_model=schema(name))(_endpoint)
    app.include_router(router)
    assert doubled_schemas(app) == ["one__ItemRead", "two__ItemRead"]


class _Loose(BaseModel):
    """A body that takes anything."""

    name: str


async def _takes_loose(body: _Loose) -> None:
    """A route that would ignore a slip of the pen."""


def test_a_planted_loose_body_is_found(tmp_path: Path) -> None:
    app, router = _app(tmp_path), ApiRouter()
    router.post("/api/v1/loose", operation_id="loose", dependencies=[Depends(public)])(_takes_loose)
    app.include_router(router)
    assert open_bodies(app) == ["_Loose"]
