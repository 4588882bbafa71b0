"""Invitations and registration: what they open, and everything that they must not open."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from reqtrail.features.identity.tables import account_links
from reqtrail.kit import clock
from tests.fixtures.api import PASSWORD, Client, World
from tests.fixtures.mails import mails_to, token_to

pytestmark = pytest.mark.anyio


def _body(token: str, purpose: str = "invitation", **changes: Any) -> dict[str, Any]:
    return {
        "purpose": purpose,
        "token": token,
        "display_name": "Ada",
        "password": PASSWORD,
        **changes,
    }


def _refused(answer: httpx.Response) -> bool:
    return answer.status_code == 410 and answer.json()["code"] == "link_invalid"


async def _invited(world: World, email: str, **details: bool) -> str:
    administrator = await world.administrator()
    answer = await administrator.post("/invitations", json={"email": email, **details})
    assert answer.status_code == 201, answer.text
    assert "token" not in answer.text
    return await token_to(world, email.lower(), "invitation")


async def _expire(world: World, email: str) -> None:
    async with world.database.session() as session:
        await session.execute(
            update(account_links)
            .where(account_links.c.email == email)
            .values(expires_at=clock.now() - timedelta(seconds=1))
        )


@pytest.mark.parametrize("is_administrator", [False, True])
async def test_an_invitation_makes_an_account(world: World, is_administrator: bool) -> None:
    email = f"Invited-{is_administrator}@Example.org"
    token = await _invited(world, email, is_administrator=is_administrator)
    guest = world.anonymous("10.20.0.1")
    look = await guest.post("/auth/links", json={"purpose": "invitation", "token": token})
    assert look.status_code == 200
    assert look.json()["email"] == email.lower() and look.json()["has_account"] is False
    made = await guest.post("/auth/accounts", json=_body(token))
    assert made.status_code == 201, made.text
    assert made.json()["email"] == email.lower() and made.json()["email_verified"] is True
    assert made.json()["is_administrator"] is is_administrator
    sign_in = {"email": email, "password": PASSWORD}
    assert (await guest.post("/auth/sign-in", json=sign_in)).status_code == 200


async def test_a_link_is_good_once_and_for_its_purpose(world: World) -> None:
    token = await _invited(world, "once@example.org")
    guest = world.anonymous("10.20.0.2")
    assert _refused(await guest.post("/auth/accounts", json=_body(token, "registration")))
    for path in ("password-resets", "email-verifications", "email-changes"):
        body = {"token": token, **({"password": PASSWORD} if "password" in path else {})}
        assert _refused(await guest.post(f"/auth/{path}/complete", json=body))
    weak = await guest.post("/auth/accounts", json=_body(token, password="password123"))
    assert weak.status_code == 422  # and the link is not used up by it
    assert (await guest.post("/auth/accounts", json=_body(token))).status_code == 201
    assert _refused(await guest.post("/auth/accounts", json=_body(token)))
    assert _refused(await guest.post("/auth/links", json={"purpose": "invitation", "token": token}))
    for nonsense in ("x", token[:-1], token + "x", token.swapcase()):
        assert _refused(await guest.post("/auth/accounts", json=_body(nonsense)))


async def test_an_invitation_expires_is_replaced_and_is_withdrawn(world: World) -> None:
    guest, administrator = world.anonymous("10.20.0.3"), await world.administrator()
    expired = await _invited(world, "late@example.org")
    await _expire(world, "late@example.org")
    assert _refused(await guest.post("/auth/accounts", json=_body(expired)))

    first = await _invited(world, "twice@example.org")
    second = await _invited(world, "twice@example.org")
    assert _refused(await guest.post("/auth/accounts", json=_body(first)))
    (listed,) = [
        item
        for item in (await administrator.get("/invitations")).json()
        if item["email"] == "twice@example.org"
    ]
    path = f"/invitations/{listed['id']}"
    assert (await administrator.delete(path)).status_code == 204
    assert (await administrator.delete(path)).json()["code"] == "invitation_not_found"
    assert _refused(await guest.post("/auth/accounts", json=_body(second)))


async def test_whoever_has_an_account_is_not_invited_to_the_instance(world: World) -> None:
    person = await world.user()
    administrator = await world.administrator()
    answer = await administrator.post("/invitations", json={"email": person.user.email})
    assert answer.status_code == 409 and answer.json()["code"] == "email_taken"
    assert (await person.post("/invitations", json={"email": "x@y.org"})).status_code == 403


async def _invited_to_project(world: World, owner: Client, key: str, email: str) -> str:
    path = f"/projects/{key}/invitations"
    answer = await owner.post(path, json={"email": email, "role": "editor"})
    assert answer.status_code == 201, answer.text
    return await token_to(world, email, "invitation")


async def test_owners_invite_somebody_new(world: World) -> None:
    owner = await world.user()
    key = await world.project(owner)
    token = await _invited_to_project(world, owner, key, "newcomer@example.org")
    guest = world.anonymous("10.20.0.4")
    look = await guest.post("/auth/links", json={"purpose": "invitation", "token": token})
    assert key in look.json()["place"] and look.json()["role"] == "editor"
    made = await guest.post("/auth/accounts", json=_body(token))
    assert made.status_code == 201 and made.json()["is_administrator"] is False
    members = (await owner.get(f"/projects/{key}/members")).json()
    assert {"newcomer@example.org": "editor"}.items() <= {
        item["email"]: item["role"] for item in members
    }.items()


async def test_owners_invite_somebody_with_an_account(world: World) -> None:
    owner, person, other = await world.user(), await world.user(), await world.user()
    key = await world.project(owner)
    token = await _invited_to_project(world, owner, key, person.user.email)
    stolen = await other.post("/me/invitations/accept", json={"token": token})
    assert stolen.status_code == 403 and stolen.json()["code"] == "link_of_another"
    second = await world.anonymous("10.20.0.5").post("/auth/accounts", json=_body(token))
    assert second.status_code == 409 and second.json()["code"] == "email_taken"
    assert (await person.get(f"/projects/{key}")).status_code == 404
    accepted = await person.post("/me/invitations/accept", json={"token": token})
    assert accepted.status_code == 204
    assert (await person.get(f"/projects/{key}")).json()["role"] == "editor"
    assert _refused(await person.post("/me/invitations/accept", json={"token": token}))
    again = await _invited_to_project(world, owner, key, owner.user.email)
    assert (await owner.post("/me/invitations/accept", json={"token": again})).status_code == 204
    assert (await owner.get(f"/projects/{key}")).json()["role"] == "owner"  # never less than before


async def test_only_owners_invite_and_withdraw_for_their_own_project(world: World) -> None:
    owner, stranger = await world.user(), await world.user()
    key, other = await world.project(owner), await world.project(stranger)
    editor = await world.member(key, "editor")
    body = {"email": "somebody@example.org", "role": "owner"}
    path = f"/projects/{key}/invitations"
    assert (await editor.post(path, json=body)).status_code == 403
    assert (await stranger.post(path, json=body)).status_code == 404
    made = (await owner.post(path, json=body)).json()
    foreign = f"/projects/{other}/invitations/{made['id']}"
    assert (await stranger.delete(foreign)).json()["code"] == "invitation_not_found"
    assert [item["id"] for item in (await owner.get(path)).json()] == [made["id"]]
    assert (await stranger.get(f"/projects/{other}/invitations")).json() == []
    assert (await owner.delete(f"{path}/{made['id']}")).status_code == 204


@pytest.fixture
def open_world(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The application with registration switched on for one domain."""
    monkeypatch.setattr(world.app.state.settings, "registration", True)
    monkeypatch.setattr(world.app.state.settings, "registration_domains", ("good.example",))
    return world


async def test_registration_is_off_unless_switched_on(world: World) -> None:
    guest = world.anonymous("10.20.0.6")
    assert (await guest.get("/auth/options")).json()["registration"] is False
    answer = await guest.post("/auth/registrations", json={"email": "me@good.example"})
    assert answer.status_code == 403 and answer.json()["code"] == "registration_closed"


async def test_registration(open_world: World) -> None:
    guest = open_world.anonymous("10.20.0.7")
    assert (await guest.get("/auth/options")).json()["registration"] is True
    elsewhere = await guest.post("/auth/registrations", json={"email": "me@bad.example"})
    assert elsewhere.json()["code"] == "registration_closed"
    answer = await guest.post("/auth/registrations", json={"email": "Me@Good.example"})
    assert answer.status_code == 202 and answer.json() is None
    token = await token_to(open_world, "me@good.example", "registration")
    assert _refused(await guest.post("/auth/accounts", json=_body(token, "invitation")))
    made = await guest.post("/auth/accounts", json=_body(token, "registration"))
    assert made.status_code == 201 and made.json()["email"] == "me@good.example"

    again = await guest.post("/auth/registrations", json={"email": "me@good.example"})
    assert (again.status_code, again.content) == (answer.status_code, answer.content)
    newest = (await mails_to(open_world, "me@good.example"))[0]
    assert "already" in newest["subject"] and "#" not in newest["text"]


async def test_a_link_for_registration_ends_with_registration(
    open_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = open_world.anonymous("10.20.0.8")
    await guest.post("/auth/registrations", json={"email": "slow@good.example"})
    token = await token_to(open_world, "slow@good.example", "registration")
    monkeypatch.setattr(open_world.app.state.settings, "registration", False)
    answer = await guest.post("/auth/accounts", json=_body(token, "registration"))
    assert answer.status_code == 403 and answer.json()["code"] == "registration_closed"
