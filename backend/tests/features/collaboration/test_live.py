"""Sockets: commits of others arrive in order and each once, whoever may not know of a project is told nothing of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import orjson
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from reqtrail.entrypoints.protocol import GuardedSocket
from reqtrail.entrypoints.web import create_app
from reqtrail.features.collaboration.errors import ReadsTooSlowly
from reqtrail.features.collaboration.service import live, rooms
from reqtrail.features.collaboration.service.mailbox import MOST_COMMITS, MOST_REPLIES, Mailbox
from reqtrail.features.collaboration.service.socket import Socket
from reqtrail.features.collaboration.types import CloseCode, Told
from reqtrail.features.identity.public import Credential
from reqtrail.kit import clock
from reqtrail.platform.settings import Settings
from tests.fixtures.api import Client, World
from tests.fixtures.sockets import WAIT_SECONDS, listening, served

pytestmark = pytest.mark.anyio


@pytest.fixture
async def port(app: FastAPI) -> AsyncIterator[int]:
    """The port of the application."""
    async with served(app) as found:
        yield found


@pytest.fixture
async def other_port(settings: Settings, tmp_path: Path) -> AsyncIterator[int]:
    """The port of a second application with the same databases."""
    made = create_app(settings.model_copy(update={"home": tmp_path}))
    async with made.router.lifespan_context(made), served(made) as found:
        yield found


async def _commit(client: Client, key: str, title: str = "A document") -> int:
    """Make a document; return the sequence of its commit."""
    answer = await client.post(f"/projects/{key}/documents", json={"title": title})
    assert answer.status_code == 201, answer.text
    return int((await client.get(f"/projects/{key}")).json()["head"]["seq"])


async def test_commits_are_told_in_order_and_once(world: World, port: int, other_port: int) -> None:
    """Two sockets at two processes hear of each commit, with its author and branch."""
    owner = await world.user(name="Ada")
    key = await world.project(owner)
    editor = await world.member(key, "editor")
    async with listening(port, owner) as near, listening(other_port, editor) as far:
        begun = await near.watch(key)
        assert await far.watch(key) == begun
        made = [await _commit(client, key) for client in (owner, editor, owner)]
        for listener in (near, far):
            told = [await listener.next("commit") for _ in made]
            assert [one["seq"] for one in told] == made
            authors = [one["author"]["id"] for one in told]
            assert authors == [str(one.user.user_id) for one in (owner, editor, owner)]
            assert {(one["project"], one["branch"]["name"]) for one in told} == {(key, "main")}
            assert told[0]["author"]["display_name"] == owner.user.display_name


async def test_a_socket_resumes_where_it_was(world: World, port: int) -> None:
    owner = await world.user()
    key = await world.project(owner)
    known = await _commit(owner, key)
    missed = [await _commit(owner, key) for _ in range(3)]
    async with listening(port, owner) as listener:
        assert await listener.watch(key, since=known) == missed[-1]
        assert [(await listener.next("commit"))["seq"] for _ in missed] == missed
        now = await _commit(owner, key)
        assert (await listener.next("commit"))["seq"] == now
    assert "gap" not in {message["type"] for message in listener.seen}


@pytest.mark.parametrize("since", ["long ago", "in the future"])
async def test_a_long_gap_is_told_as_one(world: World, port: int, since: str) -> None:
    owner = await world.user()
    key = await world.project(owner)
    for _ in range(MOST_COMMITS + 5 if since == "long ago" else 1):
        newest = await _commit(owner, key)
    async with listening(port, owner) as listener:
        await listener.send("watch", project=key, since=1 if since == "long ago" else newest + 1)
        assert (await listener.next("gap")) == {"type": "gap", "project": key, "seq": newest}
        now = await _commit(owner, key)
        assert (await listener.next("commit"))["seq"] == now
    assert [one["seq"] for one in listener.seen if one["type"] == "commit"] == [now]


async def test_what_nobody_takes_does_not_pile_up() -> None:
    """Of many commits one gap is left, of many lists of people the newest; replies have an end."""
    mailbox = Mailbox()
    for seq in range(1, MOST_COMMITS + 1):
        mailbox.tell_commits("A", [_told(seq)])
    mailbox.tell_commits("B", [_told(7)])
    for seq in range(MOST_COMMITS + 1, 10 * MOST_COMMITS):
        mailbox.tell_commits("A", [_told(seq)])
        mailbox.tell_people("A", {"type": "people", "number": seq})
    newest = 10 * MOST_COMMITS - 1
    gap, commit, people = await mailbox.take()
    assert gap == {"type": "gap", "project": "A", "seq": newest}
    assert (commit["type"], commit["project"], commit["seq"]) == ("commit", "B", 7)
    assert people == {"type": "people", "number": newest}
    with pytest.raises(ReadsTooSlowly):
        for _ in range(10 * MOST_REPLIES):
            mailbox.reply({"type": "pong"})
    assert len(await mailbox.take()) == MOST_REPLIES


def _told(seq: int) -> Told:
    return Told(seq, uuid4(), "main", "edit", uuid4(), "Ada", clock.now())


async def test_without_bells_commits_come_a_little_later(
    world: World, settings: Settings, tmp_path: Path
) -> None:
    """No Redis: a process looks at the log by itself."""
    made = create_app(settings.model_copy(update={"home": tmp_path, "redis_url": None}))
    owner = await world.user()
    key = await world.project(owner)
    async with made.router.lifespan_context(made), served(made) as port:
        async with listening(port, owner) as listener:
            await listener.watch(key)
            seq = await _commit(owner, key)  # through the other process
            assert (await listener.next("commit"))["seq"] == seq


async def test_whoever_says_nothing_good_is_refused(world: World, port: int) -> None:
    owner = await world.user()
    token = owner.headers["Authorization"].removeprefix("Bearer ")
    files_token = world.app.state.signer.sign(owner.user.user_id, owner.family_id, "files")
    refused = (CloseCode.SIGN_IN_ENDED, "token_invalid")
    for first, expected in (
        ({"type": "watch", "project": "A"}, (CloseCode.BAD_MESSAGE, "no_hello")),
        ({"type": "nonsense"}, (CloseCode.BAD_MESSAGE, "no_hello")),
        ({"type": "hello"}, (CloseCode.BAD_MESSAGE, "no_hello")),
        ({"type": "hello", "token": token, "more": 1}, (CloseCode.BAD_MESSAGE, "no_hello")),
        ({"type": "hello", "token": "nonsense"}, refused),
        ({"type": "hello", "token": "rqt_" + "A" * 43}, refused),
        ({"type": "hello", "token": files_token}, refused),
        ({"type": "hello", "token": token[:-4] + "AAAA"}, refused),
    ):
        async with listening(port) as listener:
            await listener.connection.send(orjson.dumps(first).decode())
            assert await listener.closed() == expected, first
    for raw in ("", "[]", "nonsense", "\ud7ff", "9" * 5000):
        async with listening(port) as listener:
            await listener.connection.send(raw)
            assert await listener.closed() == (CloseCode.BAD_MESSAGE, "no_hello")


async def test_a_bad_message_is_told_and_changes_nothing(world: World, port: int) -> None:
    owner = await world.user()
    key = await world.project(owner)
    async with listening(port, owner) as listener:
        await listener.watch(key)
        for message, code in (
            ({"type": "hello", "token": "x"}, "message_invalid"),
            ({"type": "nonsense"}, "message_invalid"),
            ({"type": "watch", "project": key, "since": -1}, "message_invalid"),
            ({"type": "watch", "project": key, "since": 2**60}, "message_invalid"),
            ({"type": "here", "project": key, "item": "x"}, "message_invalid"),
            ({"type": "here", "project": "NOPE"}, "message_invalid"),
            ({"type": "watch", "project": "NOPE"}, "project_not_found"),
            ({"type": "watch", "project": "\x00"}, "message_invalid"),
        ):
            await listener.connection.send(orjson.dumps(message).decode())
            answer = await listener.next("problem")
            assert answer["code"] == code, (message, answer)
            assert answer["detail"] and answer["title"]
        seq = await _commit(owner, key)
        assert (await listener.next("commit"))["seq"] == seq
        await listener.send("unwatch", project=key)
        await listener.send("ping")
        await listener.next("pong")
        await _commit(owner, key)
        await asyncio.sleep(0.3)
        await listener.send("ping")
        await listener.next("pong")
    assert [one["seq"] for one in listener.seen if one["type"] == "commit"] == [seq]


async def test_limits(world: World, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = await world.user()
    keys = [await world.project(owner) for _ in range(live.MOST_WATCHED + 1)]
    async with listening(port, owner) as listener:
        for key in keys[:-1]:
            await listener.watch(key)
        await listener.send("watch", project=keys[-1])
        assert (await listener.next("problem"))["code"] == "watches_too_much"
        await listener.send("unwatch", project=keys[0])
        await listener.watch(keys[-1])
        for _ in range(2 * live.MESSAGES_AT_ONCE):
            await listener.send("ping")
        assert await listener.closed() == (CloseCode.TOO_MUCH, "too_many_messages")
    async with listening(port, owner) as listener:
        await listener.connection.send("x" * 70_000)
        code, _ = await listener.closed()
        assert code == 1009
    monkeypatch.setattr(live, "MOST_SOCKETS", 2)
    async with listening(port, owner), listening(port, owner), listening(port) as third:
        token = owner.headers["Authorization"].removeprefix("Bearer ")
        await third.send("hello", token=token)
        assert await third.closed() == (CloseCode.TOO_MUCH, "too_many_sockets")
    monkeypatch.setattr(live, "HELLO_SECONDS", 0.2)
    async with listening(port) as silent:
        assert await silent.closed() == (CloseCode.TOO_SLOW, "hello_late")


async def test_pages_of_other_sites_open_no_socket(world: World, port: int) -> None:
    for origin in ("https://evil.example", f"http://127.0.0.1:{port + 1}", "null", "http://["):
        with pytest.raises(InvalidStatus) as refusal:
            async with listening(port, origin=origin):
                pass
        assert refusal.value.response.status_code == 403
    async with listening(port, await world.user(), origin=f"http://127.0.0.1:{port}"):
        pass


async def test_nobody_else_is_told(world: World, port: int) -> None:
    """Whoever does not see a project, or came with a token that is limited otherwise, watches nothing."""
    owner = await world.user()
    key = await world.project(owner)
    outsider = await world.user()
    made = await owner.post("/me/tokens", json={"name": "t", "permissions": ["project:read"]})
    limited = world.anonymous()
    limited.headers["Authorization"] = f"Bearer {made.json()['token']}"
    for client, code in ((outsider, "project_not_found"), (limited, "token_limited")):
        async with listening(port, client) as listener:
            await listener.send("watch", project=key)
            answer = await listener.next("problem", "watching")
            assert (answer["type"], answer.get("code")) == ("problem", code)
            await _commit(owner, key)
            await listener.send("ping")
            await listener.next("pong")
        assert {one["type"] for one in listener.seen} == {"welcome", "problem", "pong"}


@pytest.mark.parametrize("away", [False, True], ids=["with Redis", "without Redis"])
@pytest.mark.parametrize("what", ["membership", "session", "account", "token"])
async def test_revocation_ends_it(
    world: World, settings: Settings, tmp_path: Path, what: str, away: bool
) -> None:
    """At the next check, of which one follows the other so soon that five seconds are enough."""
    assert live.CHECK_SECONDS + live.ASK_SECONDS < 5
    redis = "redis://127.0.0.1:1/0" if away else settings.redis_url
    made = create_app(settings.model_copy(update={"home": tmp_path, "redis_url": redis}))
    owner = await world.user()
    key = await world.project(owner)
    member = await world.member(key, "viewer")
    token = (await member.post("/me/tokens", json={"name": "t"})).json()
    user_id = member.user.user_id
    client = member
    if what == "token":
        client = world.anonymous()
        client.headers["Authorization"] = f"Bearer {token['token']}"
    async with made.router.lifespan_context(made), served(made) as port:
        async with listening(port, client) as listener:
            await listener.watch(key)
            if what == "membership":
                answer = await owner.delete(f"/projects/{key}/members/{user_id}")
            elif what == "session":
                answer = await member.delete(f"/me/sessions/{member.family_id}")
            elif what == "account":
                administrator = await world.administrator()
                answer = await administrator.patch(f"/users/{user_id}", json={"active": False})
            else:
                answer = await member.delete(f"/me/tokens/{token['id']}")
            assert answer.status_code in {200, 204}, answer.text
            if what == "membership":
                left = await listener.next("left")
                assert (left["project"], left["code"]) == (key, "project_not_found")
            else:
                assert await listener.closed() == (CloseCode.SIGN_IN_ENDED, "token_invalid")
            seq = await _commit(owner, key)
            if what == "membership":
                await listener.send("ping")
                await listener.next("pong")
    assert seq not in {one.get("seq") for one in listener.seen}


async def test_nobody_is_trusted_for_long_without_the_database(
    world: World, app: FastAPI, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await world.user()
    key = await world.project(owner)
    monkeypatch.setattr(live, "TRUST_SECONDS", 0.5)
    monkeypatch.setattr(live, "CHECK_SECONDS", 0.2)
    async with listening(port, owner) as listener:
        await listener.watch(key)
        database = app.state.live._database
        monkeypatch.setattr(database, "_make_reader", _away)
        assert await listener.closed() == (CloseCode.TRY_AGAIN, "database_unavailable")


def _away(**_: object) -> None:
    raise ConnectionRefusedError


async def test_one_check_that_hangs_holds_up_no_other(
    world: World, app: FastAPI, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await world.user()
    key = await world.project(owner)
    viewer = await world.member(key, "viewer")
    check = app.state.live._check
    hung, goes_on = asyncio.Event(), asyncio.Event()

    async def slow_check(credential: Credential, sockets: list[Socket]) -> None:
        if credential.user_id == owner.user.user_id:
            hung.set()
            await goes_on.wait()
        await check(credential, sockets)

    async with listening(port, owner) as slow, listening(port, viewer) as listener:
        await slow.watch(key)
        await listener.watch(key)
        monkeypatch.setattr(app.state.live, "_check", slow_check)
        monkeypatch.setattr(live, "TRUST_SECONDS", 60.0)
        async with asyncio.timeout(WAIT_SECONDS):
            await hung.wait()
        await viewer.delete(f"/me/sessions/{viewer.family_id}")
        assert await listener.closed() == (CloseCode.SIGN_IN_ENDED, "token_invalid")
        # Who could not be checked is told nothing, and all of it once they were.
        with monkeypatch.context() as patched:
            patched.setattr(rooms, "TRUST_SECONDS", 0.0)
            missed = await _commit(owner, key)
            await asyncio.sleep(0.3)
            await slow.send("ping")
            await slow.next("pong")
            assert missed not in {one.get("seq") for one in slow.seen}
        goes_on.set()
        assert (await slow.next("commit"))["seq"] == missed


async def test_a_socket_ends_with_its_token(
    world: World, app: FastAPI, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await world.user()
    key = await world.project(owner)
    monkeypatch.setattr(app.state.signer, "lifetime", timedelta(seconds=1))
    token = app.state.signer.sign(owner.user.user_id, owner.family_id, "api")
    owner.headers["Authorization"] = f"Bearer {token}"
    async with listening(port, owner) as listener:
        await listener.watch(key)
        assert await listener.closed() == (CloseCode.SIGN_IN_ENDED, "token_invalid")


async def test_an_expired_sign_in_opens_nothing(world: World, port: int) -> None:
    owner = await world.user()
    async with world.owner.session() as session:
        expire = text("UPDATE refresh_families SET expires_at = now() WHERE family_id = :id")
        await session.execute(expire, {"id": owner.family_id})
    async with listening(port) as listener:
        token = owner.headers["Authorization"].removeprefix("Bearer ")
        await listener.send("hello", token=token)
        assert await listener.closed() == (CloseCode.SIGN_IN_ENDED, "token_invalid")
    assert (await owner.get("/me")).status_code == 401


async def test_who_does_not_read_is_cut_off(
    world: World, app: FastAPI, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GuardedSocket, "stuck_seconds", 0.3)
    owner = await world.user()
    async with listening(port, owner) as listener:
        (protocol,) = [
            one
            for one in app.state.server.server_state.connections
            if isinstance(one, GuardedSocket)
        ]
        protocol.pause_writing()
        await asyncio.sleep(0.1)
        protocol.resume_writing()
        await asyncio.sleep(0.4)
        await listener.send("ping")
        await listener.next("pong")
        protocol.pause_writing()
        with pytest.raises(ConnectionClosedError):
            async with asyncio.timeout(WAIT_SECONDS):
                await listener.connection.recv()
    async with asyncio.timeout(WAIT_SECONDS):
        while app.state.live._sockets:
            await asyncio.sleep(0.02)
