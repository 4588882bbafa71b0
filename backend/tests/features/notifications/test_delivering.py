"""What receivers of webhooks are told: all of it, in order, signed, again after a failure, and not for ever."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from reqtrail.features.notifications import repository
from reqtrail.features.notifications.public import deliver_next, queued_webhooks, webhooks_behind
from reqtrail.features.notifications.service import delivering
from reqtrail.features.notifications.service.delivering import MOST_FAILURES
from reqtrail.features.notifications.tables import webhooks
from reqtrail.features.versioning.tables import commits
from reqtrail.kit import clock
from reqtrail.platform.database.scope import of_task
from reqtrail.platform.outbound import Outbound
from tests.features.notifications.hooked import LOOPBACK, Hooked
from tests.features.notifications.receiver import receiving
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio


async def test_each_commit_is_told_once_in_order_and_signed(world: World) -> None:
    async with receiving() as receiver:
        hooked = await Hooked.make(world, receiver)
        made = [await hooked.edit() for _ in range(45)]
        await hooked.work()
        await hooked.work()
    assert receiver.sequences() == made
    assert all(request.is_signed_with(hooked.secret) for request in receiver.requests)
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == len(made)
    first = receiver.requests[0]
    assert first.headers["content-type"] == "application/json"
    sent = datetime.fromtimestamp(int(first.headers["webhook-timestamp"]), UTC)
    assert abs(datetime.now(UTC) - sent) < timedelta(minutes=2)
    content = first.json()
    assert content["type"] == "commit.created"
    data = content["data"]
    assert data["project"]["key"] == hooked.book.key and data["branch"] == "main"
    (listed,) = (await hooked.book.get("/commits", limit=1, before=made[0] + 1))["commits"]
    assert data["commit"] == listed
    shown = await hooked.show()
    assert (shown["seen_seq"], shown["failures"], shown["active"]) == (made[-1], 0, True)
    assert shown["last_attempt"]["status"] == 204 and shown["last_attempt"]["error"] == ""


async def test_what_happened_before_is_not_told(world: World) -> None:
    async with receiving() as receiver:
        await (await Hooked.make(world, receiver)).work()
    assert receiver.requests == []


async def test_only_main_is_told_where_only_main_was_asked_for(world: World) -> None:
    async with receiving() as receiver:
        hooked = await Hooked.make(world, receiver, main_only=True)
        await hooked.book.ask("POST", "/branches", json={"name": "aside"})
        await hooked.edit("aside")
        wanted = await hooked.edit()
        await hooked.edit("aside")
        await hooked.work()
    branches = {request.json()["data"]["branch"] for request in receiver.requests}
    assert branches == {"main"} and receiver.sequences()[-1] == wanted
    assert (await hooked.show())["seen_seq"] == wanted + 1


async def test_after_a_failure_it_goes_on_where_it_stopped(world: World) -> None:
    """Nothing is told out of order; a repetition has the same id, so that a receiver can drop it."""
    async with receiving() as receiver:
        hooked = await Hooked.make(world, receiver)
        made = [await hooked.edit() for _ in range(3)]
        receiver.answers = [200, 503]
        await hooked.work()
        assert receiver.sequences() == made[:2]
        shown = await hooked.show()
        assert (shown["failures"], shown["seen_seq"]) == (1, made[0])
        assert shown["last_attempt"]["error"] == "The receiver answered 503."
        wait = datetime.fromisoformat(shown["next_attempt_at"]) - datetime.now(UTC)
        assert timedelta(seconds=5) < wait <= timedelta(seconds=18)
        await hooked.work()  # not due yet
        assert receiver.sequences() == made[:2]
        await hooked.make_due()
        await hooked.work()
    assert receiver.sequences() == [made[0], made[1], made[1], made[2]]
    ids = [request.headers["webhook-id"] for request in receiver.requests]
    assert ids[1] == ids[2] and len(set(ids)) == 3
    assert (await hooked.show())["failures"] == 0


async def test_a_receiver_that_never_answers_well_is_given_up(world: World) -> None:
    """The wait grows to an hour; then the owner sees it paused, and resumes it: what was missed is told."""
    async with receiving() as receiver:
        hooked = await Hooked.make(world, receiver)
        made = await hooked.edit()
        receiver.answers = [500] * MOST_FAILURES
        waits = []
        for _ in range(MOST_FAILURES):
            await hooked.work()
            shown = await hooked.show()
            if shown["next_attempt_at"]:
                moment = datetime.fromisoformat(shown["next_attempt_at"])
                waits.append((moment - datetime.now(UTC)).total_seconds())
            await hooked.make_due()
        assert not shown["active"] and shown["failures"] == MOST_FAILURES
        assert 2800 < max(waits) <= 4320 and waits[3] > 2 * waits[1]
        await hooked.work()
        assert len(receiver.requests) == MOST_FAILURES
        resumed = await hooked.patch(active=True)
        assert (resumed["active"], resumed["failures"]) == (True, 0)
        await hooked.work()
    assert receiver.sequences() == [made] * (MOST_FAILURES + 1)


async def test_a_receiver_that_wants_nothing_more_ends_it(world: World) -> None:
    async with receiving() as receiver:
        hooked = await Hooked.make(world, receiver)
        await hooked.edit()
        receiver.answers = [410]
        await hooked.work()
    shown = await hooked.show()
    assert not shown["active"] and shown["last_attempt"]["status"] == 410


async def test_a_redirection_is_not_followed(world: World) -> None:
    async with receiving() as receiver:
        hooked = await Hooked.make(world, receiver)
        await hooked.edit()
        receiver.answers = [302]
        await hooked.work()
    shown = await hooked.show()
    assert shown["last_attempt"]["error"] == "The receiver answered 302."
    assert len(receiver.requests) == 1


async def test_an_address_is_checked_each_time(world: World) -> None:
    """What may be reached when a webhook is made may lie inside when it sends."""
    async with receiving() as receiver:
        hooked = await Hooked.make(world, receiver)
        await hooked.edit()
        await hooked.work(Outbound())
    assert receiver.requests == []
    shown = await hooked.show()
    assert shown["last_attempt"]["error"] == "127.0.0.1 is not on the public internet."
    assert shown["last_attempt"]["status"] is None


async def test_a_test_is_sent_once_whatever_comes_of_it(world: World) -> None:
    async with receiving() as receiver:
        hooked = await Hooked.make(world, receiver)
        for status in (204, 500):
            receiver.answers = [status]
            asked = await hooked.book.ask("POST", f"/webhooks/{hooked.id}/test")
            assert asked.status_code == 202 and asked.json()["test_asked"]
            await hooked.work()
            await hooked.make_due()
            await hooked.work()
    assert [request.json()["type"] for request in receiver.requests] == ["webhook.test"] * 2
    kept = await hooked.attempts()
    assert [(one["event"], one["seq"], one["status"]) for one in kept] == [
        ("webhook.test", None, 500),
        ("webhook.test", None, 204),
    ]


async def test_a_renewed_secret_signs_from_then_on(world: World) -> None:
    async with receiving() as receiver:
        hooked = await Hooked.make(world, receiver)
        renewed = await hooked.book.ask("POST", f"/webhooks/{hooked.id}/secret")
        await hooked.edit()
        await hooked.work()
    (request,) = receiver.requests
    assert request.is_signed_with(renewed.json()["secret"])
    assert not request.is_signed_with(hooked.secret)


async def test_what_a_dead_worker_took_is_sent_by_the_next(world: World) -> None:
    """Its lease runs out; until then nobody else sends, so that the order holds."""
    async with receiving() as receiver:
        hooked = await Hooked.make(world, receiver)
        made = await hooked.edit()
        async with world.database.within(of_task("webhooks")).session() as session:
            taken = None
            while taken is None or str(taken[0].webhook_id) != hooked.id:
                taken = await repository.claim(session, timedelta(hours=1))
                assert taken is not None
        await hooked.work()
        assert receiver.requests == []
        await hooked.make_due()
        await hooked.work()
        assert receiver.sequences() == [made]
        async with world.database.session() as session:
            assert await repository.settle(session, taken[0], seen_seq=0) is None


async def test_a_worker_keeps_what_it_sends_however_long_that_takes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease is as long as a request rather than a round, and renewed by each."""
    monkeypatch.setattr(delivering, "LEASE", timedelta(seconds=1))
    async with receiving() as receiver:
        hooked = await Hooked.make(world, receiver)
        made = [await hooked.edit() for _ in range(6)]
        working = asyncio.create_task(hooked.work())
        began = time.monotonic()
        while not working.done():
            receiver.gate.clear()
            await asyncio.sleep(0.4)
            receiver.gate.set()
            await hooked.work()
        await working
        assert time.monotonic() - began > 1.5
    assert receiver.sequences() == made


async def test_a_changed_address_ends_the_round_and_loses_nothing(world: World) -> None:
    """A worker that is sending knows the webhook as it was; what it has just sent is told again, to the new address."""
    async with receiving() as receiver, receiving() as other:
        hooked = await Hooked.make(world, receiver)
        made = [await hooked.edit() for _ in range(3)]
        receiver.gate.clear()
        working = asyncio.create_task(hooked.work())
        await receiver.asked.wait()
        await hooked.patch(url=other.url)
        renewed = await hooked.book.ask("POST", f"/webhooks/{hooked.id}/secret")
        receiver.gate.set()
        await working
        await hooked.work()
        attempts = await hooked.attempts()
    assert receiver.sequences() == made[:1] and other.sequences() == made
    assert all(request.is_signed_with(renewed.json()["secret"]) for request in other.requests)
    assert [one["seq"] for one in attempts] == [*made[::-1], made[0]]


async def test_a_test_that_is_asked_for_while_a_commit_fails_is_sent(world: World) -> None:
    async with receiving() as receiver:
        hooked = await Hooked.make(world, receiver)
        await hooked.edit()
        receiver.answers = [500]
        receiver.gate.clear()
        working = asyncio.create_task(hooked.work())
        await receiver.asked.wait()
        await hooked.book.ask("POST", f"/webhooks/{hooked.id}/test")
        receiver.gate.set()
        await working
        assert (await hooked.show())["test_asked"]
        await hooked.make_due()
        await hooked.work()
    assert [one.json()["type"] for one in receiver.requests] == [
        "commit.created",
        "webhook.test",
        "commit.created",
    ]


async def test_a_slow_receiver_gives_its_place_to_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with receiving() as slow, receiving() as quick:
        first, second = await Hooked.make(world, slow), await Hooked.make(world, quick)
        told = [await first.edit() for _ in range(3)]
        await second.edit()
        monkeypatch.setattr(delivering, "ROUND_SECONDS", 0.0)
        assert await deliver_next(world.database, LOOPBACK)
        assert len(slow.requests) <= 1  # unless what other tests left was first
        await first.work()
        await second.work()
    assert slow.sequences() == told and len(quick.requests) == 1


async def test_the_internet_is_told_by_tls_alone(world: World) -> None:
    """A name may lead inside when the webhook is made, and outside when it sends."""
    async with receiving() as receiver:
        hooked = await Hooked.make(world, receiver, url=f"http://ci.example.org:{receiver.port}/")
        await hooked.edit()

        async def outside(host: str, port: int) -> list[str]:
            return ["93.184.215.14"]

        await hooked.work(Outbound(("127.0.0.1",), outside, require_tls=True))
        failed = await hooked.show()
        assert failed["last_attempt"]["error"].startswith("Use an https address")


async def test_a_secret_that_cannot_be_read_is_told_to_the_owner(world: World) -> None:
    async with receiving() as receiver:
        hooked = await Hooked.make(world, receiver)
        await hooked.edit()
        async with world.owner.session() as session:
            await session.execute(
                update(webhooks)
                .where(webhooks.c.webhook_id == UUID(hooked.id))
                .values(secret=webhooks.c.url)
            )
        await hooked.work()
    assert receiver.requests == []
    shown = await hooked.show()
    assert shown["failures"] == 1 and shown["last_attempt"]["error"]


async def test_many_workers_tell_each_commit_once(world: World) -> None:
    async with receiving() as receiver:
        hooked = await Hooked.make(world, receiver)
        made = [await hooked.edit() for _ in range(25)]
        await asyncio.gather(*(hooked.work() for _ in range(4)))
    assert receiver.sequences() == made


async def test_the_attempts_that_are_kept_are_bounded(world: World) -> None:
    async with receiving() as receiver:
        hooked = await Hooked.make(world, receiver)
        made = [await hooked.edit() for _ in range(repository.KEPT_ATTEMPTS + 5)]
        await hooked.work()
    kept = await hooked.attempts()
    assert [one["seq"] for one in kept] == made[: -repository.KEPT_ATTEMPTS - 1 : -1]


async def test_how_long_webhooks_have_waited(world: World) -> None:
    """They wait from the commit that is missing, or from the end of the wait after a failure; a taken one does not."""
    hour = timedelta(hours=1)

    async def longest() -> float:
        return (await queued_webhooks(world.database))[1]

    async with receiving() as receiver:
        hooked = await Hooked.make(world, receiver)
        await hooked.work()
        seq = await hooked.edit()
        assert (await queued_webhooks(world.database))[0] >= 1
        mine = webhooks.c.webhook_id == UUID(hooked.id)
        async with world.owner.session() as session:
            await session.execute(update(webhooks).where(mine).values(due_at=clock.now() - hour))
        assert await longest() < 1800
        async with world.owner.session() as session:
            project = select(webhooks.c.project_id).where(mine).scalar_subquery()
            await session.execute(
                update(commits)
                .where(commits.c.project_id == project, commits.c.seq == seq)
                .values(recorded_at=clock.now() - hour)
            )
        assert 3500 < await longest() < 3700
        async with world.owner.session() as session:
            taken = clock.now() + timedelta(minutes=1)
            await session.execute(update(webhooks).where(mine).values(leased_until=taken))
        assert await longest() < 1800
        # Its receiver is behind all the same, and is so until it has been told.
        behind, furthest = await webhooks_behind(world.database)
        assert behind >= 1 and 3500 < furthest < 3700
        await hooked.make_due()
        assert await longest() < 1800
        await hooked.work()
        assert (await webhooks_behind(world.database))[1] < 1800
        await hooked.work()
        assert receiver.sequences() == [seq]
