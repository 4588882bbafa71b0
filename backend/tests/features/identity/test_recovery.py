"""A new password by mail, and the e-mail address: proven and changed. Each flow, and each way to abuse it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import bcrypt
import httpx
import pytest
from sqlalchemy import event, update

from reqtrail.features.identity.tables import account_links
from reqtrail.kit import clock
from tests.fixtures.api import PASSWORD, Client, World
from tests.fixtures.mails import mails_to, token_to

pytestmark = pytest.mark.anyio

NEW = "an entirely new one"


def _refused(answer: httpx.Response) -> bool:
    return answer.status_code == 410 and answer.json()["code"] == "link_invalid"


async def _asked(world: World, email: str, address: str = "10.21.0.1") -> httpx.Response:
    return await world.anonymous(address).post("/auth/password-resets", json={"email": email})


async def _reset(world: World, token: str, password: str = NEW) -> httpx.Response:
    body = {"token": token, "password": password}
    return await world.anonymous("10.21.1.1").post("/auth/password-resets/complete", json=body)


async def _sign_in(
    world: World, email: str, password: str, address: str = "10.21.2.1"
) -> httpx.Response:
    body = {"email": email, "password": password}
    return await world.anonymous(address).post("/auth/sign-in", json=body)


async def test_a_reset_ends_everything_and_signs_nobody_in(world: World) -> None:
    person = await world.user()
    api_token = (await person.post("/me/tokens", json={"name": "x"})).json()["token"]
    assert (await _asked(world, person.user.email.upper())).status_code == 202
    token = await token_to(world, person.user.email, "reset-password")
    assert (await _reset(world, token, "password123")).status_code == 422
    answer = await _reset(world, token)
    assert answer.status_code == 204 and "set-cookie" not in answer.headers
    assert (await person.get("/me")).status_code == 401
    bearer = {"Authorization": f"Bearer {api_token}"}
    assert (await world.anonymous().get("/me", headers=bearer)).status_code == 401
    assert (await _sign_in(world, person.user.email, PASSWORD)).status_code == 401
    signed_in = await _sign_in(world, person.user.email, NEW)
    assert signed_in.status_code == 200 and signed_in.json()["user"]["email_verified"] is True
    assert _refused(await _reset(world, token, "yet another one"))
    assert "changed" in (await mails_to(world, person.user.email))[0]["subject"]


async def test_reset_links_expire_and_end_with_each_other(world: World) -> None:
    person = await world.user()
    await _asked(world, person.user.email)
    first = await token_to(world, person.user.email, "reset-password")
    await _asked(world, person.user.email)
    second = await token_to(world, person.user.email, "reset-password")
    assert first != second
    assert (await _reset(world, first)).status_code == 204  # asking again takes nothing away
    assert _refused(await _reset(world, second))
    await _asked(world, person.user.email)
    third = await token_to(world, person.user.email, "reset-password")
    async with world.database.session() as session:
        past = clock.now() - timedelta(seconds=1)
        await session.execute(
            update(account_links)
            .where(account_links.c.user_id == person.user.user_id)
            .values(expires_at=past)
        )
    assert _refused(await _reset(world, third))


async def test_a_link_ends_with_a_new_password_or_address_and_with_the_account(
    world: World,
) -> None:
    administrator = await world.administrator()
    changed, disabled = await world.user(), await world.user()
    for person in (changed, disabled):
        await _asked(world, person.user.email)
    tokens = [
        await token_to(world, person.user.email, "reset-password") for person in (changed, disabled)
    ]
    body = {"current": PASSWORD, "new": NEW}
    assert (await changed.post("/me/password", json=body)).status_code == 204
    path = f"/users/{disabled.user.user_id}"
    await administrator.patch(path, json={"active": False})
    await administrator.patch(path, json={"active": True})
    for token in tokens:
        assert _refused(await _reset(world, token))


async def test_nobody_is_kept_from_a_reset_by_others_who_ask(world: World) -> None:
    person = await world.user()
    for number in range(6):
        assert (await _asked(world, person.user.email, f"10.22.{number}.1")).status_code == 202
    sent = [m for m in await mails_to(world, person.user.email) if "new password" in m["subject"]]
    assert len(sent) == 3
    oldest = sent[-1]["text"].rpartition("#")[2].split()[0]
    assert (await _reset(world, oldest)).status_code == 204


@contextmanager
def _counted(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Count hash operations, and keep the shape of each SQL statement."""
    seen: dict[str, Any] = {"hashes": 0, "statements": []}
    check, make = bcrypt.checkpw, bcrypt.hashpw

    def counted_check(password: bytes, hashed: bytes) -> bool:
        seen["hashes"] += 1
        return check(password, hashed)

    def counted_make(password: bytes, salt: bytes) -> bytes:
        seen["hashes"] += 1
        return make(password, salt)

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        # Other tasks of the process keep house meanwhile; they touch none of these tables.
        if re.search(r"\b(users|account_links|mails)\b", statement):
            seen["statements"].append(statement)

    engine = world.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    with monkeypatch.context() as patch:
        patch.setattr(bcrypt, "checkpw", counted_check)
        patch.setattr(bcrypt, "hashpw", counted_make)
        yield seen
    event.remove(engine, "before_cursor_execute", note)


async def _disabled(world: World) -> Client:
    person = await world.user()
    administrator = await world.administrator()
    await administrator.patch(f"/users/{person.user.user_id}", json={"active": False})
    return person


async def test_asking_tells_nothing_of_accounts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, disabled = await world.user(), await _disabled(world)
    answers, work = [], []
    for email in (known.user.email, disabled.user.email, "nobody-at-all@example.org"):
        with _counted(world, monkeypatch) as seen:
            answer = await _asked(world, email, "10.23.0.1")
        answers.append((answer.status_code, answer.content))
        work.append((seen["hashes"], seen["statements"]))
    assert answers == [(202, b"null")] * 3
    assert work[0] == work[1] == work[2] and work[0][0] == 0 and len(work[0][1]) >= 4
    assert not [m for m in await mails_to(world, disabled.user.email) if "new" in m["subject"]]
    assert not await mails_to(world, "nobody-at-all@example.org")


async def test_signing_in_costs_one_hash_for_everybody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, disabled = await world.user(), await _disabled(world)
    answers, work = set(), []
    for email, password in (
        (known.user.email, "a wrong password"),
        (disabled.user.email, "a wrong password"),
        (disabled.user.email, PASSWORD),
        ("nobody-at-all@example.org", "a wrong password"),
    ):
        with _counted(world, monkeypatch) as seen:
            answer = await _sign_in(world, email, password, "10.23.1.1")
        answers.add((answer.status_code, answer.json()["code"], answer.json()["detail"]))
        work.append((seen["hashes"], seen["statements"]))
    assert len(answers) == 1 and all(item == work[0] for item in work) and work[0][0] == 1


async def test_administrators_mail_a_reset(world: World) -> None:
    administrator, person, disabled = (
        await world.administrator(),
        await world.user(),
        await _disabled(world),
    )
    path = f"/users/{person.user.user_id}/password-reset"
    answer = await administrator.post(path)
    assert answer.status_code == 202 and answer.json() is None  # the link goes to its owner alone
    token = await token_to(world, person.user.email, "reset-password")
    assert (await administrator.post(path)).status_code == 202
    assert _refused(await _reset(world, token))  # a newer one was sent
    token = await token_to(world, person.user.email, "reset-password")
    assert (await _reset(world, token)).status_code == 204
    refused = await administrator.post(f"/users/{disabled.user.user_id}/password-reset")
    assert refused.status_code == 404
    assert (await person.post(path)).status_code == 401


async def test_an_address_is_verified(world: World) -> None:
    person = await world.user()
    assert (await person.get("/me")).json()["email_verified"] is False
    assert (await person.post("/me/email/verification")).status_code == 202
    token = await token_to(world, person.user.email, "verify-email")
    guest = world.anonymous("10.24.0.1")
    answer = await guest.post("/auth/email-verifications/complete", json={"token": token})
    assert answer.json() == {"email": person.user.email}
    assert (await person.get("/me")).json()["email_verified"] is True
    assert _refused(await guest.post("/auth/email-verifications/complete", json={"token": token}))


async def _change_asked(person: Client, new: str, password: str = PASSWORD) -> httpx.Response:
    return await person.post("/me/email", json={"email": new, "password": password})


async def test_an_address_is_changed(world: World) -> None:
    person = await world.user()
    old, new = person.user.email, f"new-{person.user.email}"
    wrong = await _change_asked(person, new, "not the password")
    assert wrong.status_code == 422 and wrong.json()["code"] == "wrong_password"
    await person.post("/me/email/verification")
    stale = await token_to(world, old, "verify-email")
    assert (await _change_asked(person, new.upper())).status_code == 202
    assert new in (await mails_to(world, old))[0]["text"]  # the old address is warned at once
    assert (await person.get("/me")).json()["email"] == old  # and nothing has changed yet
    token = await token_to(world, new, "change-email")
    guest = world.anonymous("10.24.0.2")
    assert _refused(await guest.post("/auth/email-verifications/complete", json={"token": token}))
    answer = await guest.post("/auth/email-changes/complete", json={"token": token})
    assert answer.json() == {"email": new}
    assert (await person.get("/me")).json()["email"] == new
    assert "was changed" in (await mails_to(world, old))[0]["subject"]
    for path, used in (("email-changes", token), ("email-verifications", stale)):
        assert _refused(await guest.post(f"/auth/{path}/complete", json={"token": used}))
    assert (await _sign_in(world, old, PASSWORD)).status_code == 401
    assert (await _sign_in(world, new, PASSWORD)).status_code == 200


async def test_the_address_of_another_account_is_not_told(world: World) -> None:
    person, other = await world.user(), await world.user()
    free = await _change_asked(person, "free-address@example.org")
    taken = await _change_asked(person, other.user.email)
    assert (free.status_code, free.content) == (taken.status_code, taken.content) == (202, b"null")
    (mail,) = await mails_to(world, other.user.email)
    assert "#" not in mail["text"] and "nothing was changed" in mail["text"]


async def test_an_address_that_was_taken_meanwhile_stays_with_its_account(world: World) -> None:
    person = await world.user()
    await _change_asked(person, "wanted-by-two@example.org")
    token = await token_to(world, "wanted-by-two@example.org", "change-email")
    administrator = await world.administrator()
    body = {"email": "wanted-by-two@example.org", "display_name": "First", "password": PASSWORD}
    assert (await administrator.post("/users", json=body)).status_code == 201
    guest = world.anonymous("10.24.0.3")
    answer = await guest.post("/auth/email-changes/complete", json={"token": token})
    assert answer.status_code == 409 and answer.json()["code"] == "email_taken"
    assert (await person.get("/me")).json()["email"] == person.user.email


async def test_links_never_name_the_host_that_a_request_claims(world: World) -> None:
    person = await world.user()
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    guest = world.anonymous("10.24.0.4")
    body = {"email": person.user.email}
    assert (
        await guest.post("/auth/password-resets", json=body, headers=headers)
    ).status_code == 202
    (mail,) = await mails_to(world, person.user.email)
    assert "evil.example" not in mail["text"] + mail["html"]
    assert "http://127.0.0.1:8000/reset-password#" in mail["text"]


async def test_tokens_are_not_in_the_database(world: World) -> None:
    person = await world.user()
    await _asked(world, person.user.email)
    token = await token_to(world, person.user.email, "reset-password")
    async with world.database.read_session() as session:
        rows = await session.execute(account_links.select())
        stored = [bytes(value) for row in rows for value in row if isinstance(value, bytes)]
    assert stored and not [value for value in stored if token.encode() in value]
