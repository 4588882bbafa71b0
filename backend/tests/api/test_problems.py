"""Every error is a problem document that says what is wrong and nothing of the inside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.platform.database.engine import Database
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio


async def test_unknown_address_and_method(world: World) -> None:
    client = world.anonymous()
    missing = await client.get("/nothing/here")
    assert missing.status_code == 404
    assert missing.headers["content-type"] == "application/problem+json"
    body = missing.json()
    assert body["code"] == "not_found" and body["status"] == 404
    assert body["type"] == "urn:reqtrail:problem:not_found"
    assert body["request_id"] == missing.headers["x-request-id"]
    wrong = await client.delete("/health/live")
    assert wrong.status_code == 405 and wrong.json()["code"] == "method_not_allowed"
    assert wrong.headers["allow"] == "GET"
    several = await client.request("OPTIONS", "/projects/ABC/members/1")
    assert several.status_code == 405
    assert several.headers["allow"] == "DELETE, PUT"
    literal = await client.request("OPTIONS", "/me/factors/passkeys/options")
    assert literal.headers["allow"] == "POST"
    beside = await client.patch("/me/factors/passkeys/options", json={})
    assert beside.status_code == 405


async def test_values_of_another_type_are_refused(world: World) -> None:
    """As the OpenAPI file says: a program that sends something else learns it at once."""
    client = await world.user()
    key = await world.project(client)
    for value in (1, "yes", "0"):
        answer = await client.patch(f"/projects/{key}", json={"archived": value})
        assert answer.status_code == 422, value
    for wrong in (True, "0", "x", 1.5, -1, 1e300):
        body: dict[str, object] = {"base": wrong, "message": "x", "operations": []}
        answer = await client.post(f"/projects/{key}/commits", json=body)
        assert "body.base" in {item["field"] for item in answer.json()["errors"]}, wrong
    whole = {"base": 2.0, "message": "x", "operations": []}
    refused = await client.post(f"/projects/{key}/commits", json=whole)
    assert "body.base" not in refused.text, "JSON knows one kind of number"
    for value in ("0", "1e9", "-5"):
        answer = await client.get(f"/projects/{key}/audit", params={"since": value})
        assert answer.json()["detail"].startswith("query.since: "), value
    answer = await client.get(f"/projects/{key}/audit", params={"since": "2026-01-31T12:00:00Z"})
    assert answer.status_code == 200


async def test_validation_names_the_fields(world: World) -> None:
    client = await world.user()
    answer = await client.post("/projects", json={"key": 5, "description": []})
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["code"] == "validation_failed"
    assert {item["field"] for item in problem["errors"]} == {
        "body.key",
        "body.name",
        "body.description",
    }
    assert all(item["message"] for item in problem["errors"])


async def test_an_unknown_field_is_refused(world: World) -> None:
    """What is misspelt is not dropped in silence."""
    client = await world.user()
    answer = await client.post("/projects", json={"key": "ABC", "name": "A", "descriptoin": "x"})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("body.descriptoin: There is no such field here.")
    assert (await client.get("/projects/ABC")).status_code == 404


@pytest.mark.parametrize(
    "body", [b"{", b"\xff", b"{'a': 1}", b'{"key": NaN}', b"[1,]", b"[" * 5000]
)
async def test_bad_json_is_400(world: World, body: bytes) -> None:
    client = await world.user()
    headers = {"Content-Type": "application/json"}
    answer = await client.post("/projects", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_json"


@pytest.mark.parametrize("text", [r"a\u0000b", r"\ud800", r"\udc00x", r"\ud800\ud800"])
async def test_unstorable_text_is_422(world: World, text: str) -> None:
    client = await world.user()
    headers = {"Content-Type": "application/json"}
    body = f'{{"key": "AB", "name": "{text}"}}'.encode()
    answer = await client.post("/projects", content=body, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["code"] == "unstorable_text"
    assert (await client.get("/projects/A%00B")).status_code == 422
    assert (await client.get("/projects/A?at=%00")).status_code == 422


async def test_an_escaped_backslash_is_no_nul(world: World) -> None:
    client = await world.user()
    body = rb'{"display_name": "C:\\u0000"}'
    headers = {"Content-Type": "application/json"}
    answer = await client.patch("/me", content=body, headers=headers)
    assert answer.status_code == 200
    assert answer.json()["display_name"] == r"C:\u0000"


async def test_a_crash_says_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: Any) -> None:
        raise RuntimeError("the secret is 42")

    monkeypatch.setattr(world.app.state.signer, "check", crash)
    client = world.anonymous()
    answer = await client.get("/me", headers={"Authorization": "Bearer x"})
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert "secret" not in answer.text and "Traceback" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def _failing_commit(error: Exception) -> Any:
    @asynccontextmanager
    async def session(self: Database) -> AsyncIterator[AsyncSession]:
        async with self._make() as inner, inner.begin():
            yield inner
            raise error

    return session


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RuntimeError("disk on fire"), 500, "internal_error"),
        (ConnectionResetError("gone"), 503, "database_unavailable"),
        (
            OperationalError("COMMIT", {}, asyncpg.AdminShutdownError("bye")),
            503,
            "database_unavailable",
        ),
    ],
)
async def test_a_failing_commit_is_no_success(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str
) -> None:
    client = await world.user()
    monkeypatch.setattr(Database, "session", _failing_commit(error))
    answer = await client.post("/projects", json={"key": "FAILS", "name": "x"})
    monkeypatch.undo()
    assert answer.status_code == status
    assert answer.json()["code"] == code
    assert (await client.get("/projects")).json() == []


async def test_bodies_above_the_limit_are_413(world: World) -> None:
    client = await world.user()
    limit = world.app.state.settings.max_body_mb * 2**20
    declared = await client.post("/projects", content=b" " * (limit + 1))
    assert declared.status_code == 413 and declared.json()["code"] == "too_large"

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(limit // 2**20 + 2):
            yield b" " * 2**20

    headers = {"Content-Type": "application/json"}
    chunked = await client.post("/projects", content=endless(), headers=headers)
    assert chunked.status_code == 413 and chunked.json()["code"] == "too_large"


async def test_request_ids(world: World) -> None:
    client = world.anonymous()
    given = await client.get("/health/live", headers={"X-Request-ID": "abc-123"})
    assert given.headers["x-request-id"] == "abc-123"
    bad = await client.get("/health/live", headers={"X-Request-ID": "a b<script>"})
    assert bad.headers["x-request-id"] != "a b<script>"


async def test_security_headers(world: World) -> None:
    answer = await world.anonymous().get("/health/live")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "script-src" not in policy and "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "server" not in answer.headers and "x-powered-by" not in answer.headers
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_health(world: World) -> None:
    answer = await world.anonymous().get("/health/ready")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": "ok", "redis": "ok"}
