"""Every route, called by every kind of actor, lets in exactly whom it declares."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from fastapi import FastAPI

from reqtrail.api import openapi
from reqtrail.features.access.public import Permission
from reqtrail.platform.http import ApiRoute
from tests.api.cast import (
    ACTORS,
    LIMITED,
    OWNERS,
    PROJECT_ROLES,
    READERS,
    SIGNED_IN,
    UNPROVEN,
    WRITERS,
    Cast,
)
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio

ALLOWED = {
    "public": SIGNED_IN | LIMITED | UNPROVEN,
    "authenticated": SIGNED_IN | LIMITED,
    "signed_in": SIGNED_IN,
    "administrator": {"administrator"},
    "audit:read": OWNERS,
    "baseline:create": WRITERS,
    "branch:create": WRITERS,
    "branch:merge": WRITERS,
    "document:read": READERS,
    "export:run": READERS,
    "group:manage": {"administrator"},
    "group:read": {"administrator"},
    "history:read": READERS,
    "history:redact": OWNERS,
    "import:read": READERS,
    "import:run": WRITERS,
    "item:write": WRITERS,
    "job:run": READERS,
    "member:manage": OWNERS,
    "member:read": READERS,
    "project:read": READERS,
    "project:update": OWNERS,
    "restriction:manage": OWNERS,
    "webhook:manage": OWNERS,
}
"""Whom each declaration lets in, written down apart from the table of the code."""
ASKED_INSIDE = {"branch:protect": OWNERS, "job:manage": OWNERS, "project:archive": OWNERS}
"""Permissions that no route declares: they depend on what the request holds."""
PROJECT_PERMISSIONS = {
    name for name in (*ALLOWED, *ASKED_INSIDE) if ":" in name and not name.startswith("group:")
}


def _declared(app: FastAPI) -> list[tuple[str, str, str]]:
    """Return (method, path, permission) of every route."""
    found = []
    declarations = openapi.permissions(app)
    for route in openapi.routes_of(app):
        (permission,) = declarations[str(route.operation_id)]
        for method in sorted(route.methods or ()):
            found.append((method, str(route.path_format).removeprefix("/api/v1"), permission))
    return found


def _expected(actor: str, permission: str) -> set[int]:
    if actor in ALLOWED[permission]:
        return set(range(200, 500)) - {401, 403, 405, 429}
    if actor in UNPROVEN:
        return {401}
    if actor == "elsewhere":
        return {404} if permission in PROJECT_PERMISSIONS else {403}
    if actor == "limited":
        return {403}
    hidden = permission.startswith("group:") or (":" in permission and actor == "outsider")
    return {404} if hidden else {403}


async def test_every_route_declares_exactly_one_permission(app: FastAPI) -> None:
    undeclared = {
        operation: permissions
        for operation, permissions in openapi.permissions(app).items()
        if len(permissions) != 1 or permissions[0] not in ALLOWED
    }
    assert undeclared == {}


async def test_every_permission_guards_something(app: FastAPI) -> None:
    declared = {name for names in openapi.permissions(app).values() for name in names}
    assert declared == ALLOWED.keys()
    assert {*Permission} == PROJECT_PERMISSIONS


async def test_projects_tell_what_one_may_do_in_them(people: Cast) -> None:
    table = {**ALLOWED, **ASKED_INSIDE}
    for role in (*PROJECT_ROLES, "owner", "administrator"):
        told = (await people.clients[role].get(f"/projects/{people.key}")).json()["permissions"]
        assert told == sorted(name for name in PROJECT_PERMISSIONS if role in table[name]), role


async def test_every_route_is_strict_and_named(app: FastAPI) -> None:
    names = []
    for route in openapi.routes_of(app):
        assert isinstance(route.original_route, ApiRoute), route.path
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", str(route.operation_id)), route.path
        names.append(route.operation_id)
    assert len(names) == len(set(names))


@pytest.mark.parametrize("actor", ACTORS)
async def test_routes_let_in_whom_they_declare(people: Cast, app: FastAPI, actor: str) -> None:
    client = people.clients[actor]
    wrong = []
    for method, template, permission in _declared(app):
        if permission == "public" and template.startswith("/auth"):
            continue  # their own tests: they refuse by credentials in the body or the cookie
        path = template.replace("{project}", people.key).replace("{group_id}", people.group)
        path = re.sub(r"\{\w+\}", lambda _: str(uuid4()), path)
        body: dict[str, str] | None = {} if method in {"POST", "PUT", "PATCH"} else None
        if actor == "limited" and permission == "project:read":
            client = people.clients["limited otherwise"]
        answer = await client.request(method, path, json=body)
        client = people.clients[actor]
        if answer.status_code not in _expected(actor, permission):
            wrong.append((method, template, permission, answer.status_code, answer.text[:200]))
    assert wrong == []


async def test_invisible_and_missing_projects_answer_alike(people: Cast) -> None:
    outsider = people.clients["outsider"]
    invisible = await outsider.get(f"/projects/{people.key}")
    missing = await outsider.get("/projects/NOPE123")
    for answer in (invisible, missing):
        answer_json = answer.json()
        answer_json.pop("request_id")
        assert answer.status_code == 404
    assert {**invisible.json(), "request_id": 0} == {**missing.json(), "request_id": 0}


async def test_files_cookie_is_good_for_files_alone(people: Cast, world: World) -> None:
    owner = people.clients["owner"]
    signer = world.app.state.signer
    user, family = owner.user, owner.family_id
    files_token = signer.sign(user.user_id, family, "files")
    api_token = signer.sign(user.user_id, family, "api")
    path = f"/projects/{people.key}/files/{'0' * 64}/x.png"
    browser = world.anonymous()
    for token, status in ((files_token, 404), (api_token, 401)):
        headers = {"Cookie": f"reqtrail_files={token}"}
        assert (await browser.get(path, headers=headers)).status_code == status
        project = await browser.get(f"/projects/{people.key}", headers=headers)
        assert project.status_code == 401
    headers = {"Authorization": f"Bearer {files_token}"}
    assert (await browser.get("/me", headers=headers)).status_code == 401
