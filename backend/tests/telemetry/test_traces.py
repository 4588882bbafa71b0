"""Traces from the request to SQL, Redis and the worker, in a collector on the loopback address."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import Decision
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from reqtrail.entrypoints.telemetry import start_telemetry
from reqtrail.kit.ids import new_id
from reqtrail.platform.jobs.runner import Runner
from reqtrail.platform.mail import outbox
from reqtrail.platform.mail.letters import Letter
from reqtrail.platform.settings import Settings
from reqtrail.platform.telemetry import tracing
from reqtrail.platform.telemetry.exporting import QUEUE, Ratio
from reqtrail.platform.telemetry.tracing import (
    OUR_OWN,
    continued_from,
    current_trace_parent,
    is_tracing,
)
from tests.features.exchange.sample import sample
from tests.features.exchange.trade import Trade
from tests.fixtures.api import PASSWORD, World
from tests.platform.test_metrics import sampled
from tests.telemetry.collector import Collector, collecting, traced

pytestmark = pytest.mark.anyio

BROWSER, SPAN = "0af76519" * 4, "b7ad6b71" * 2
PARENT = f"00-{BROWSER}-{SPAN}-00"


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector that listens."""
    with collecting() as made:
        yield made


async def test_a_request_of_a_browser_makes_one_trace_down_to_sql_and_redis(
    settings: Settings, collector: Collector
) -> None:
    async with traced(settings, otlp_endpoint=collector.url, trace_ratio=1) as world:
        person = await world.user()
        answer = await world.anonymous().post(
            "/auth/sign-in",
            json={"email": person.user.email, "password": PASSWORD},
            headers={"traceparent": PARENT, "tracestate": "other=zyzzyva", "baggage": "k=zyzzyva"},
        )
        assert answer.status_code == 200
        request = collector.named("POST /api/v1/auth/sign-in")
        spans = [span for span in collector.spans() if span.trace == BROWSER]
    assert (request.trace, request.parent) == (BROWSER, SPAN)
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/api/v1/auth/sign-in",
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
        "url.scheme": "http",
    }
    below = {span.name: span for span in spans if span.parent == request.span}
    assert below["SELECT users"].attributes == {
        "db.system.name": "postgresql",
        "db.operation.name": "SELECT",
        "db.collection.name": "users",
    }
    assert {span.attributes["db.system.name"] for span in below.values()} == {"postgresql", "redis"}
    assert {span.service for span in spans} == {"reqtrail-api"}
    assert len(below) > 3


async def test_an_import_goes_on_in_the_trace_of_its_request(
    settings: Settings, collector: Collector
) -> None:
    async with traced(settings, otlp_endpoint=collector.url, trace_ratio=1) as world:
        trade = await Trade.make(world)
        job = await trade.bring(sample())
        assert job["state"] == "done"
        request = collector.named("POST /api/v1/projects/{project}/imports")
        work = next(
            s for s in collector.spans() if s.name == "exchange.import" and s.trace == request.trace
        )
        below = [span for span in collector.spans() if span.parent == work.span]
    assert work.parent == request.span
    assert work.kind == trace.SpanKind.CONSUMER.value + 1
    names = {span.name for span in below}
    assert {"WITH commits", "INSERT items", "UPDATE exchange_jobs"} <= names


async def test_a_job_goes_on_in_the_trace_of_its_request(
    settings: Settings, collector: Collector
) -> None:
    async with traced(settings, otlp_endpoint=collector.url, trace_ratio=1) as world:
        owner = await world.user()
        key = await world.project(owner)
        asked = await owner.post(f"/projects/{key}/verifications")
        assert asked.status_code in (201, 202), asked.text
        await Runner(world.database, settings).run_waiting()
        request = collector.named("POST /api/v1/projects/{project}/verifications")
        done = [span for span in collector.spans() if span.name == "versioning.verify"]
    # Others' jobs wait in the same queue.
    assert [span.parent for span in done if span.trace == request.trace] == [request.span]


async def test_a_mail_remembers_who_caused_it(settings: Settings, collector: Collector) -> None:
    letter, recipient = Letter("A subject", ("A line.",)), f"{new_id()}@example.org"
    async with traced(settings, otlp_endpoint=collector.url, trace_ratio=1) as world:
        with continued_from(PARENT.removesuffix("0") + "1", "sample"):
            async with world.database.session() as session:
                await outbox.post(session, recipient, letter)
                kept = await session.scalar(
                    text("SELECT trace_parent FROM mails WHERE recipient = :recipient"),
                    {"recipient": recipient},
                )
        assert kept is not None and kept.startswith(f"00-{BROWSER}-")
        assert kept.split("-")[2] == collector.named("sample").span


async def test_nothing_of_anybody_leaves(settings: Settings, collector: Collector) -> None:
    """No id, key, address, text, query or message of an error is in anything that was sent."""
    async with traced(
        settings, otlp_endpoint=collector.url, trace_ratio=1, otlp_headers="x-who=zyzzyva-header"
    ) as world:
        owner = await world.user(name="Zyzzyva")
        key = await world.project(owner, name="Quixotry")
        answer = await owner.post(f"/projects/{key}/documents", json={"title": "Zyzzyva"})
        document = answer.json()["id"]
        secrets = [key, document, "zyzzyva", "quixotry", owner.user.email, str(owner.user.user_id)]
        await owner.get(f"/projects/{key}/documents/{document}/outline?limit=7&q=zyzzyva")
        await owner.get(f"/projects/{key}/items/{key}-1?token=zyzzyva", headers={"Host": "zyzzyva"})
        await owner.request("ZYZZYVA", f"/nowhere/{document}")
        with continued_from(None, "sample"), pytest.raises(IntegrityError):
            async with world.owner.session() as session:
                await session.execute(
                    text("INSERT INTO users SELECT * FROM users WHERE email = 'zyzzyva' OR true")
                )
        names = {span.name for span in collector.spans()}
        failed = collector.named("INSERT users")
        sent = collector.text().lower()
    assert "GET /api/v1/projects/{project}/documents/{document_id}/outline" in names
    assert failed.attributes["db.response.status_code"] == "23505" and failed.has_error
    secrets.append(owner.headers["Authorization"].removeprefix("Bearer "))
    assert [secret for secret in secrets if secret.lower() in sent] == []
    assert {headers["x-who"] for headers in collector.headers} == {"zyzzyva-header"}


async def test_the_client_decides_nothing(settings: Settings, collector: Collector) -> None:
    """Neither its flag nor its choice of a trace id makes a span more than the ratio says."""
    async with traced(settings, otlp_endpoint=collector.url, trace_ratio=0) as world:
        for number in ("0" * 31 + "1", BROWSER):
            parent = f"00-{number}-{SPAN}-01"
            await world.anonymous().get("/projects", headers={"traceparent": parent})
        assert collector.spans() == []


def test_the_dice_are_thrown_for_whoever_comes_from_outside_alone() -> None:
    def decision(sampled: bool, *, ours: bool, dice: float) -> bool:
        flags = trace.TraceFlags(trace.TraceFlags.SAMPLED if sampled else 0)
        parent = trace.NonRecordingSpan(trace.SpanContext(1, 1, is_remote=True, trace_flags=flags))
        context = trace.set_span_in_context(parent, contexts.Context())
        if ours:
            context = contexts.set_value(OUR_OWN, True, context)
        result = Ratio(0.1, lambda: dice).should_sample(context, 1, "sample")
        return result.decision is Decision.RECORD_AND_SAMPLE

    assert decision(False, ours=False, dice=0.05) and not decision(True, ours=False, dice=0.5)
    assert decision(True, ours=True, dice=0.5) and not decision(False, ours=True, dice=0.05)


@pytest.mark.parametrize("away", ["nobody listens", "it stands still"])
async def test_a_collector_that_is_away_delays_nobody(
    settings: Settings, collector: Collector, away: str
) -> None:
    """Spans are lost and counted; requests go on, also when more spans wait than the queue holds."""
    collector.gate.clear()
    endpoint = collector.url if away == "it stands still" else "http://127.0.0.1:9"
    lost = sampled()("spans_lost_total")
    async with traced(settings, otlp_endpoint=endpoint, trace_ratio=1) as world:
        person = await world.user()
        began = time.monotonic()
        for _ in range(20):
            assert (await person.get("/projects")).status_code == 200
        for _ in range(QUEUE + 600):
            with continued_from(None, "sample"):
                pass
        assert (await person.get("/projects")).status_code == 200
        assert time.monotonic() - began < 5
        ending = time.monotonic()
    # Ending does not wait for it longer than it says.
    assert time.monotonic() - ending < 8
    assert sampled()("spans_lost_total") - lost > 50
    assert not is_tracing()


async def test_off_is_off(world: World, collector: Collector) -> None:
    """Without the setting no span is made, nothing is kept with jobs, and no library that sends is loaded."""
    stop = start_telemetry(Settings(), "api")
    assert not is_tracing() and tracing.request_tracing().get("tracing") is False
    trade = await Trade.make(world)
    await trade.bring(sample())
    assert current_trace_parent() is None
    with continued_from(PARENT, "sample"):
        assert not trace.get_current_span().get_span_context().is_valid
    async with world.owner.session() as session:
        kept = await session.scalar(
            text(
                "SELECT count(*) FROM jobs JOIN projects USING (project_id)"
                " WHERE key = :key AND trace_parent IS NOT NULL"
            ),
            {"key": trade.key},
        )
    stop()
    assert (kept, collector.raw) == (0, [])


def test_off_loads_no_library() -> None:
    """redis-py loads the part of the SDK that counts, wherever it is installed; nothing loads more."""
    code = (
        "import json, sys; import reqtrail.entrypoints.web, reqtrail.entrypoints.worker;"
        "print(json.dumps([name for name in sys.modules if name.startswith("
        "('opentelemetry.sdk.trace', 'opentelemetry.exporter', 'google.protobuf', 'sentry_sdk', 'requests'))]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(done.stdout) == []


async def test_lines_of_the_log_say_their_trace(
    settings: Settings, collector: Collector, capsys: pytest.CaptureFixture[str]
) -> None:
    async with traced(
        settings, otlp_endpoint=collector.url, trace_ratio=0, log_format="json", log_level="INFO"
    ) as world:
        await world.anonymous().get("/projects", headers={"traceparent": PARENT})
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (line,) = (line for line in lines if line.get("path") == "/api/v1/projects")
    assert line["trace_id"] == BROWSER


@pytest.mark.parametrize("broken", ["", "00-zz-zz-01", "x" * 500, f"00-{'0' * 32}-{'0' * 16}-01"])
async def test_a_broken_parent_begins_a_trace(
    settings: Settings, collector: Collector, broken: str
) -> None:
    async with traced(settings, otlp_endpoint=collector.url, trace_ratio=1) as world:
        await world.anonymous().get("/projects", headers={"traceparent": broken})
        with continued_from(broken, "sample"):
            pass
        assert collector.named("GET /api/v1/projects").parent == ""
        assert collector.named("sample").parent == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("otlp_endpoint", "collector:4318"),
        ("otlp_endpoint", "http://who:" + "secret@collector:4318"),
        ("otlp_endpoint", "http://collector:4318?token=secret"),
        ("otlp_headers", "no value"),
        ("otlp_headers", "name=two\r\nlines: secret"),
        ("trace_ratio", "1.5"),
        ("environment", "two words"),
    ],
)
def test_settings_that_cannot_be(name: str, value: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        Settings.model_validate({name: value})
    assert "secret" not in str(refusal.value)


async def test_nobody_works_on_what_is_not_there(settings: Settings, collector: Collector) -> None:
    """A worker that finds no job makes no span: it looks every second."""
    async with traced(settings, otlp_endpoint=collector.url, trace_ratio=1) as world:
        runner = Runner(world.database, settings)
        await runner.run_waiting()
        before = len(collector.spans())
        assert await runner.run_waiting() == 0
        assert len(collector.spans()) == before
