"""Errors that nobody expected, of this side and of the browser's, in a tracker on the loopback address."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from fastapi import FastAPI, Request, Response
from pydantic import ValidationError
from structlog.testing import capture_logs

from reqtrail import __version__
from reqtrail.api.client_errors import MOST_BYTES
from reqtrail.platform.settings import Settings
from reqtrail.platform.telemetry.crashes import MOST_A_MINUTE
from reqtrail.platform.telemetry.reporting import narrowed
from tests.fixtures.api import World
from tests.platform.test_metrics import sampled
from tests.telemetry.collector import traced
from tests.telemetry.tracker import Tracker, tracking

pytestmark = pytest.mark.anyio

SAMPLE: dict[str, Any] = {
    "kind": "error",
    "name": "TypeError",
    "frames": ["/assets/index-Zyz_1.js:12:345", "/assets/vendor.js:1:2"],
    "route": "/projects/:key/items/:item",
    "request_id": "abc-123",
}


@pytest.fixture
def tracker() -> Iterator[Tracker]:
    """A tracker that listens."""
    with tracking() as made:
        yield made


def _plant(app: FastAPI) -> None:
    """Add a route that crashes with a secret in its message, its variables and the cause of its error."""

    async def crash(request: Request) -> Response:
        password = "zyzzyva variable"
        body = await request.body()
        try:
            raise KeyError(f"zyzzyva cause {body!r}")
        except KeyError as error:
            raise ZeroDivisionError(f"zyzzyva message {password}") from error

    app.router.add_route("/api/v1/crash/{zyzzyva}", crash, methods=["POST"])
    app.router.routes.insert(0, app.router.routes.pop())


async def test_a_crash_is_reported_without_what_anybody_sent(
    settings: Settings, tracker: Tracker
) -> None:
    async with traced(settings, error_dsn=tracker.dsn, environment="staging") as world:
        _plant(world.app)
        person = await world.user(name="Zyzzyva")
        answer = await person.post(
            "/crash/zyzzyva-path?token=zyzzyva-query",
            json={"text": "zyzzyva body"},
            headers={
                "X-Request-ID": "abc-123",
                "User-Agent": "zyzzyva",
                "Cookie": "reqtrail_refresh=zyzzyva",
            },
        )
        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
        assert (await person.get("/projects/NOPE")).status_code == 404
        (event,) = tracker.events(1)
    assert event["release"] == f"reqtrail@{__version__}"
    assert event["environment"] == "staging"
    assert event["tags"] == {
        "event": "request_crashed",
        "request_id": "abc-123",
        "service": "reqtrail-api",
    }
    values = event["exception"]["values"]
    assert [value["type"] for value in values] == ["KeyError", "ZeroDivisionError"]
    assert values[1]["stacktrace"]["frames"][-1]["function"] == "crash"
    assert event.keys() <= {
        *("event_id", "timestamp", "level", "platform", "release", "environment"),
        *("tags", "exception"),
    }
    sent = tracker.text().lower()
    token = person.headers["Authorization"].removeprefix("Bearer ").lower()
    for secret in ("zyzzyva", person.user.email, str(person.user.user_id), token):
        assert secret not in sent


def test_events_are_made_anew_from_a_list() -> None:
    """Whatever a later version of the library puts into an event stays inside."""
    event: Any = {
        "event_id": "1" * 32,
        "request": {"headers": {"Cookie": "secret"}, "data": "secret", "url": "secret"},
        "user": {"email": "secret"},
        "breadcrumbs": {"values": ["secret"]},
        "contexts": {"runtime": "secret"},
        "extra": {"argv": "secret"},
        "modules": {"secret": "1"},
        "server_name": "secret",
        "logentry": {"message": "secret"},
        "message": "secret",
        "tags": {"email": "secret", "request_id": "abc"},
        "exception": {
            "values": [
                {
                    "type": "ValueError",
                    "value": "secret",
                    "stacktrace": {
                        "frames": [
                            {
                                "function": "work",
                                "vars": {"a": "secret"},
                                "context_line": "secret",
                                "abs_path": "secret",
                            }
                        ]
                    },
                }
            ]
        },
    }
    assert "secret" not in json.dumps(narrowed(event, {}))
    assert narrowed(event, {})["tags"] == {"request_id": "abc"}


async def test_a_flood_of_crashes_is_cut_off(settings: Settings, tracker: Tracker) -> None:
    async with traced(settings, error_dsn=tracker.dsn, log_level="INFO"):
        for _ in range(3 * MOST_A_MINUTE):
            structlog.get_logger().error("sample", exc_info=ValueError("zyzzyva"))
        structlog.get_logger().warning("sample", exc_info=ValueError("expected"))
        structlog.get_logger().error("without an exception")
    # It waits for those that are under way as it ends; of so many at once its own queue drops some.
    assert 20 <= len(tracker.raw) <= MOST_A_MINUTE * 2
    assert "zyzzyva" not in tracker.text()


async def test_errors_of_browsers_are_logged_counted_and_handed_on(
    settings: Settings, tracker: Tracker
) -> None:
    before = sampled()
    async with traced(settings, error_dsn=tracker.dsn) as world:
        with capture_logs() as logs:
            answer = await world.anonymous("192.0.2.80").post("/client-errors", json=SAMPLE)
        assert (answer.status_code, answer.content) == (204, b"")
        (event,) = tracker.events(1)
    (line,) = (line for line in logs if line["event"] == "client_error")
    assert (line["kind"], line["name"], line["route"]) == ("error", "TypeError", SAMPLE["route"])
    assert line["frames"] == SAMPLE["frames"] and line["log_level"] == "warning"
    grown = sampled()("client_errors_total", kind="error") - before(
        "client_errors_total", kind="error"
    )
    assert grown == 1
    assert event["platform"] == "javascript"
    (value,) = event["exception"]["values"]
    assert value["type"] == "TypeError"
    assert value["stacktrace"]["frames"][-1] == {
        "filename": "/assets/index-Zyz_1.js",
        "lineno": 12,
        "colno": 345,
        "in_app": True,
    }
    assert event["tags"] == {
        "event": "client_error",
        "request_id": "abc-123",
        "route": "/projects/:key/items/:item",
        "service": "reqtrail-browser",
    }


@pytest.mark.parametrize(
    "change",
    [
        {"message": "what somebody wrote"},
        {"kind": "other"},
        {"name": "Error: what somebody wrote"},
        {"name": "x" * 65},
        {"name": "Line\nbreak"},
        {"frames": ["https://example.org/assets/a.js:1:2"]},
        {"frames": ["/assets/a.js:1:2\n[error] forged"]},
        {"frames": ["/assets/a.js:1:2"] * 21},
        {"route": "/projects/what somebody wrote"},
        {"route": "relative"},
        {"request_id": "two words"},
    ],
)
async def test_nothing_else_is_taken_from_browsers(world: World, change: dict[str, Any]) -> None:
    with capture_logs() as logs:
        answer = await world.anonymous("192.0.2.81").post(
            "/client-errors", json={**SAMPLE, **change}
        )
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert not [line for line in logs if line["event"] == "client_error"]


async def test_large_bodies_are_refused(world: World) -> None:
    client = world.anonymous("192.0.2.82")
    padded = json.dumps(SAMPLE) + " " * MOST_BYTES
    headers = {"Content-Type": "application/json"}

    async def in_pieces() -> Any:
        for start in range(0, len(padded), 1000):
            yield padded[start : start + 1000].encode()

    for content in (padded, in_pieces()):
        answer = await client.post("/client-errors", content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_one_address_cannot_fill_the_log(world: World) -> None:
    limit = world.app.state.settings.rate_client_errors
    client = world.anonymous("192.0.2.83")
    before = sampled()("client_errors_total", kind="error")
    codes = [(await client.post("/client-errors", json=SAMPLE)).status_code for _ in range(25)]
    assert codes == [204] * limit + [429] * (25 - limit)
    assert sampled()("client_errors_total", kind="error") - before == limit
    other = await world.anonymous("192.0.2.84").post("/client-errors", json=SAMPLE)
    assert other.status_code == 204


@pytest.mark.parametrize("value", ["https://errors.example.org/1", "secret", "https://secret@host"])
def test_a_dsn_that_cannot_be(value: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        Settings.model_validate({"error_dsn": value})
    assert "secret" not in str(refusal.value)
