"""Each flow of an account leaves one event, with old and new values and without secrets."""

from __future__ import annotations

import pytest

from tests.features.audit.events import recorded
from tests.fixtures.api import PASSWORD, World
from tests.fixtures.mails import token_to

pytestmark = pytest.mark.anyio


async def test_an_invitation_from_its_making_to_its_acceptance(world: World) -> None:
    owner, person = await world.user(), await world.user()
    key = await world.project(owner)
    path = f"/projects/{key}/invitations"
    body = {"email": person.user.email, "role": "viewer"}
    async with recorded(world) as events:
        withdrawn = (await owner.post(path, json=body)).json()
        assert (await owner.delete(f"{path}/{withdrawn['id']}")).status_code == 204
        made = (await owner.post(path, json=body)).json()
    assert events.actions == ["invitation:create", "invitation:withdraw", "invitation:create"]
    assert events[0].new["role"] == events[1].old["role"] == "viewer"
    assert events[2].subject_id == made["id"] and len({e.project_id for e in events}) == 1
    token = await token_to(world, person.user.email, "invitation")
    guest = world.anonymous("10.50.0.1")
    async with recorded(world) as accepted:
        look = {"purpose": "invitation", "token": token}
        assert (await guest.post("/auth/links", json=look)).status_code == 200  # only a read
        answer = await person.post("/me/invitations/accept", json={"token": token})
        assert answer.status_code == 204
    (event,) = accepted
    assert event.action == "invitation:accept" and event.actor_id == person.user.user_id
    assert event.project_id == events[0].project_id
    assert token not in str(tuple(event))


async def test_an_account_made_by_a_link(world: World) -> None:
    administrator = await world.administrator()
    await administrator.post("/invitations", json={"email": "recorded@example.org"})
    token = await token_to(world, "recorded@example.org", "invitation")
    body = {
        "purpose": "invitation",
        "token": token,
        "display_name": "Recorded",
        "password": PASSWORD,
    }
    async with recorded(world) as events:
        made = await world.anonymous("10.50.0.2").post("/auth/accounts", json=body)
        assert made.status_code == 201
    (event,) = events
    assert event.action == "user:create" and event.new["email"] == "recorded@example.org"
    assert event.details["by"] == "invitation" and str(event.actor_id) == made.json()["id"]
    assert token not in str(tuple(event)) and PASSWORD not in str(tuple(event))


async def test_passwords_and_addresses(world: World) -> None:
    person, guest = await world.user(), world.anonymous("10.50.0.3")
    new = f"new-{person.user.email}"
    change = {"email": new, "password": PASSWORD}
    async with recorded(world) as events:
        assert (await person.post("/me/email", json=change)).status_code == 202
    token = await token_to(world, new, "change-email")
    async with recorded(world) as later:
        done = await guest.post("/auth/email-changes/complete", json={"token": token})
        assert done.status_code == 200
        assert (await guest.post("/auth/password-resets", json={"email": new})).status_code == 202
        nobody = {"email": "not-a-soul@example.org"}
        assert (await guest.post("/auth/password-resets", json=nobody)).status_code == 202
    reset = {"token": await token_to(world, new, "reset-password"), "password": "another long one"}
    async with recorded(world) as last:
        answer = await guest.post("/auth/password-resets/complete", json=reset)
        assert answer.status_code == 204
    assert [*events.actions, *later.actions, *last.actions] == [
        "email-change:ask",
        "email:change",
        "password-reset:ask",
        "password-reset:ask",
        "password:reset",
    ]
    assert later[0].old == {"email": person.user.email} and later[0].new == {"email": new}
    assert later[2].subject_id is None and "not-a-soul" not in str(tuple(later[2]))
    assert last[0].actor_id == person.user.user_id
    everything = str([tuple(event) for event in (*events, *later, *last)])
    assert token not in everything and reset["token"] not in everything


async def test_what_administrators_do_with_accounts(world: World) -> None:
    administrator, person = await world.administrator(), await world.user()
    path = f"/users/{person.user.user_id}"
    async with recorded(world) as events:
        assert (await administrator.post(f"{path}/password-reset")).status_code == 202
        assert (await administrator.delete(f"{path}/sessions")).status_code == 204
        assert (await administrator.patch(path, json={"active": False})).status_code == 200
    assert events.actions == ["password-reset:send", "session:revoke-all", "user:update"]
    assert {event.subject_id for event in events} == {str(person.user.user_id)}
    assert (events[2].old, events[2].new) == ({"active": True}, {"active": False})
