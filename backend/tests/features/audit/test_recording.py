"""What leaves an event, and what the event says."""

from __future__ import annotations

from uuid import UUID

import pytest

from reqtrail.platform.auditing import INSTANCE
from tests.features.audit.events import recorded
from tests.features.requirements.book import Book
from tests.fixtures.api import PASSWORD, World

pytestmark = pytest.mark.anyio


async def test_who_when_from_where_and_what(world: World) -> None:
    """A change of role says who made it, by which sign-in, from where, and what it was about."""
    owner = await world.user()
    key = await world.project(owner)
    friend = await world.user()
    address = f"/projects/{key}/members/{friend.user.user_id}"
    headers = {"User-Agent": "Mozilla/5.0 (test)", "X-Request-ID": "request-1"}
    async with recorded(world) as events:
        answer = await owner.put(address, json={"role": "viewer"}, headers=headers)
        assert answer.status_code == 200
    (event,) = events
    assert event.action == "member:put"
    assert (event.actor_id, event.outcome) == (owner.user.user_id, "done")
    assert (event.proof, event.proof_id) == ("session", str(owner.family_id))
    assert (event.address, event.user_agent) == ("127.0.0.1", "Mozilla/5.0 (test)")
    assert event.request_id == "request-1"
    assert (event.subject_kind, event.subject_id) == ("user", str(friend.user.user_id))
    assert event.project_id != INSTANCE


async def test_a_commit_is_named_and_not_copied(world: World) -> None:
    """The event of an edit names commit, branch and counts; the words are in the history."""
    book = await Book.make(world)
    async with recorded(world) as events:
        await book.item("Unmistakable words")
    (event,) = events
    assert event.action == "item:create"
    assert event.details["branch"] == "main"
    assert event.details["commit"] > 1
    assert event.details["changes"] == {"item": 1, "placement": 1}
    assert "Unmistakable" not in str(tuple(event))


async def test_a_project_has_its_events(world: World) -> None:
    """The making of a project is one event, and it is the project's."""
    owner = await world.user()
    async with recorded(world) as events:
        key = await world.project(owner)
    (event,) = events
    project = (await owner.get(f"/projects/{key}")).json()
    assert (event.action, event.project_id) == ("project:create", UUID(project["id"]))
    assert event.new == {"key": key, "name": "A project"}


async def test_a_repeated_request_leaves_no_second_event(world: World) -> None:
    """An idempotent replay is no write."""
    owner = await world.user()
    key = await world.project(owner)
    headers = {"Idempotency-Key": f"once-{key}"}
    async with recorded(world) as events:
        for _ in range(3):
            answer = await owner.patch(f"/projects/{key}", json={"name": "X"}, headers=headers)
            assert answer.status_code == 200
    assert events.actions == ["project:update"]


async def test_a_refused_write_leaves_no_event_of_the_write(world: World) -> None:
    """What was not done is not recorded as done: not for a conflict, not for a body that is refused."""
    owner = await world.user()
    key = await world.project(owner)
    async with recorded(world) as events:
        again = await owner.post("/projects", json={"key": key, "name": "Taken"})
        assert again.status_code == 409
        wrong = await owner.patch(f"/projects/{key}", json={"name": ""})
        assert wrong.status_code == 422
    assert events == []


async def test_a_refused_permission_is_recorded(world: World) -> None:
    """Who tried what, as refused: for a write and for a read."""
    owner = await world.user()
    key = await world.project(owner)
    viewer = await world.member(key, "viewer")
    async with recorded(world) as events:
        answer = await viewer.patch(f"/projects/{key}", json={"name": "Mine"})
        assert answer.status_code == 403
        answer = await viewer.get("/users")
        assert answer.status_code == 403
    assert [(event.action, event.outcome) for event in events] == [
        ("project:update", "refused"),
        ("users:list", "refused"),
    ]
    assert {event.actor_id for event in events} == {viewer.user.user_id}
    assert [event.project_id == INSTANCE for event in events] == [False, True]
    assert events[0].details == {"refusal": "forbidden"}


async def test_signing_in_and_out(world: World) -> None:
    """A sign-in, its refresh and its end are recorded, each once, by the sign-in that they are about."""
    person = await world.user()
    browser = world.anonymous()
    async with recorded(world) as events:
        body = {"email": person.user.email, "password": PASSWORD}
        assert (await browser.post("/auth/sign-in", json=body)).status_code == 200
        assert (await browser.post("/auth/refresh")).status_code == 200
        assert (await browser.post("/auth/sign-out")).status_code == 204
    assert events.actions == ["session:open", "session:refresh", "session:close"]
    assert {(event.actor_id, event.proof, event.outcome) for event in events} == {
        (person.user.user_id, "session", "done")
    }
    assert len({event.proof_id for event in events}) == 1


async def test_failed_sign_ins(world: World) -> None:
    """A wrong password is recorded with the account; what was typed as an address of nobody is not kept."""
    person = await world.user()
    browser = world.anonymous("192.0.2.7")
    async with recorded(world) as events:
        for email in (person.user.email, "hunter2@typed.as.address"):
            body = {"email": email, "password": "not the password"}
            assert (await browser.post("/auth/sign-in", json=body)).status_code == 401
    assert [(event.action, event.outcome) for event in events] == [("session:open", "refused")] * 2
    assert [event.subject_id for event in events] == [str(person.user.user_id), None]
    assert {event.address for event in events} == {"192.0.2.7"}
    assert {event.actor_id for event in events} == {None}
    assert "hunter2" not in str(events)


async def test_a_stolen_refresh_token(world: World) -> None:
    """A token that is used twice ends its sign-in, and that is what the record says."""
    person = await world.user()
    browser = world.anonymous()
    body = {"email": person.user.email, "password": PASSWORD}
    await browser.post("/auth/sign-in", json=body)
    thief = world.anonymous()
    thief.cookies.update(browser.cookies)
    assert (await browser.post("/auth/refresh")).status_code == 200
    async with recorded(world) as events:
        assert (await thief.post("/auth/refresh")).status_code == 401
    (event,) = events
    assert (event.action, event.outcome) == ("session:revoke", "refused")
    assert event.details == {"reason": "a token was used twice"}


async def test_what_nobody_knows_leaves_nothing(world: World) -> None:
    """Cookies that were never ours cost no row: anybody could send them for ever."""
    browser = world.anonymous()
    browser.cookies.set("reqtrail_refresh", f"{UUID(int=7).hex}.nonsense")
    async with recorded(world) as events:
        assert (await browser.post("/auth/refresh")).status_code == 401
        assert (await browser.post("/auth/sign-out")).status_code == 204
    assert events == []


async def test_exports_and_downloads(world: World) -> None:
    """Content that leaves is recorded although it is only read."""
    book = await Book.make(world)
    sent = await book.ask("POST", "/files", files={"file": ("a.txt", b"a text", "text/plain")})
    assert sent.status_code == 201, sent.text
    async with recorded(world) as events:
        assert (await book.ask("GET", "/exports/reqif")).status_code == 200
        assert (await book.ask("GET", f"/files/{sent.json()['sha256']}/a.txt")).status_code == 200
    assert events.actions == ["project:export", "file:download"]
    assert {event.actor_id for event in events} == {book.client.user.user_id}


async def test_a_token_is_named_by_what_signs_nobody_in(world: World) -> None:
    """The event of a call by token names the token, and holds nothing of its secret."""
    owner = await world.user()
    async with recorded(world) as events:
        made = (await owner.post("/me/tokens", json={"name": "ci", "days": 1})).json()
    (creation,) = events
    assert creation.action == "token:create"
    assert (creation.subject_kind, creation.subject_id) == ("token", made["id"])
    caller = world.anonymous()
    caller.headers["Authorization"] = f"Bearer {made['token']}"
    async with recorded(world) as more:
        assert (await caller.patch("/me", json={"display_name": "By token"})).status_code == 200
    (event,) = more
    assert (event.action, event.proof) == ("me:update", "token")
    assert made["token"].removeprefix("rqt_") not in str(events) + str(more)
