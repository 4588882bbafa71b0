"""A walk through every route that changes something. A new route needs a step here; the walk names those without."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import select

from reqtrail.api import openapi
from reqtrail.features.audit.tables import audit_events
from reqtrail.platform.database import session as sessions
from tests.features.exchange.trade import work
from tests.features.identity.authenticator import Authenticator
from tests.features.identity.second import challenge, code_of
from tests.features.requirements.book import Book
from tests.fixtures.api import PASSWORD, Client, World
from tests.fixtures.mails import token_to

READ_ONLY = {
    "look_at_link": "says what a mailed link is for",
    "preview_merge": "says what a merge would do",
    "report_client_error": "tells of an error of the browser application; the log has it",
    "preview_restore": "says what a restore would do",
    "verify_audit": "recomputes the record",
    "verify_instance_audit": "recomputes the record",
    "verify_project": "recomputes the history",
}
"""Routes that are no GET because of what they take, and change nothing; each with what it does instead."""

NEEDS_PROVIDER = {"link_identity", "unlink_identity"}
"""Routes that work beside a sign-in provider alone: the tests of single sign-on take these steps."""

OPENS_ITSELF = {
    "answer_passkey",
    "answer_second_factor",
    "confirm_totp",
    "confirm_totp_at_sign_in",
    "prove_myself",
    "refresh_session",
    "sign_in",
}
"""Routes that open their transaction themselves, by ``request_session``."""

SAFE = {"GET", "HEAD"}


def _writes(dependant: Any) -> bool:
    return any(
        child.call is sessions._write_session or _writes(child) for child in dependant.dependencies
    )


def mutating(app: FastAPI) -> set[str]:
    """Return the operations that change something."""
    return set(_mutating(app)) - READ_ONLY.keys()


def _mutating(app: FastAPI) -> Iterator[str]:
    for route in openapi.routes_of(app):
        if _writes(route.dependant) or set(route.methods or ()) - SAFE:
            yield str(route.operation_id)


def without_trail(app: FastAPI) -> set[str]:
    """Return the operations that change something in a session which would leave no event."""
    found = set()
    for route in openapi.routes_of(app):
        name = str(route.operation_id)
        if set(route.methods or ()) - SAFE and not _writes(route.dependant):
            found.add(name)
    return found - READ_ONLY.keys() - OPENS_ITSELF


class Walk:
    """Takes steps and says of each what it left in the record.

    Attributes:
        seen: The operations that were called.
        requests: The ids of the requests.
        wrong: Steps that did not succeed with exactly one event.
        secrets: What must be in no event.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.seen: set[str] = set()
        self.requests: set[str] = set()
        self.wrong: list[str] = []
        self.secrets: set[str] = {PASSWORD}

    async def step(
        self, operation: str, client: httpx.AsyncClient, method: str, path: str, **options: Any
    ) -> httpx.Response:
        """Send a request, which must succeed and leave one event."""
        answer = await client.request(method, path, **options)
        self.seen.add(operation)
        self.requests.add(answer.headers["X-Request-ID"])
        async with self.world.owner.read_session() as session:
            rows = await session.execute(
                select(audit_events.c.action, audit_events.c.outcome).where(
                    audit_events.c.request_id == answer.headers["X-Request-ID"]
                )
            )
            events = [tuple(row) for row in rows]
        if not answer.is_success or [outcome for _, outcome in events] != ["done"]:
            self.wrong.append(f"{operation}: {answer.status_code} {answer.text[:200]} {events}")
        return answer

    def secret(self, text: str) -> str:
        """Remember a secret; return it."""
        self.secrets.add(text)
        return text

    async def signed_in(self, address: str) -> tuple[Client, Client]:
        """Return a new person's client, and a browser that signed in with the password."""
        person, browser = await self.world.user(), self.world.anonymous(address)
        body = {"email": person.user.email, "password": PASSWORD}
        answer = await self.step("sign_in", browser, "POST", "/auth/sign-in", json=body)
        self.secret(answer.json()["access_token"])
        self.secrets |= {str(value) for value in browser.cookies.values()}
        return person, browser


async def walk_accounts(walk: Walk) -> None:
    """Sign-in, one's own account, tokens, sessions."""
    person, browser = await walk.signed_in("10.40.0.1")
    await walk.step("refresh_session", browser, "POST", "/auth/refresh")
    walk.secrets |= {str(value) for value in browser.cookies.values()}
    await walk.step("sign_out", browser, "POST", "/auth/sign-out")
    await walk.step("update_me", person, "PATCH", "/me", json={"display_name": "Someone else"})
    made = await walk.step("create_token", person, "POST", "/me/tokens", json={"name": "ci"})
    walk.secret(made.json()["token"])
    await walk.step("revoke_token", person, "DELETE", f"/me/tokens/{made.json()['id']}")
    other = await walk.world.sign_in_as(person.user)
    await walk.step("revoke_session", person, "DELETE", f"/me/sessions/{other.family_id}")
    await walk.step("revoke_other_sessions", person, "DELETE", "/me/sessions")
    email, world = person.user.email, walk.world
    await walk.step("ask_email_verification", person, "POST", "/me/email/verification")
    token = walk.secret(await token_to(world, email, "verify-email"))
    body: dict[str, Any] = {"token": token}
    guest = world.anonymous("10.40.0.2")
    await walk.step("verify_email", guest, "POST", "/auth/email-verifications/complete", json=body)
    body = {"email": f"new-{email}", "password": PASSWORD}
    await walk.step("change_email", person, "POST", "/me/email", json=body)
    token = walk.secret(await token_to(world, f"new-{email}", "change-email"))
    path = "/auth/email-changes/complete"
    await walk.step("confirm_email_change", guest, "POST", path, json={"token": token})
    chosen = walk.secret("an unmistakable new password")
    body = {"current": PASSWORD, "new": chosen}
    await walk.step("change_password", person, "POST", "/me/password", json=body)


async def walk_factors(walk: Walk) -> None:
    """Second factors: one's own, at sign-in, and their reset."""
    world, device = walk.world, Authenticator()
    person = await world.user()
    mine = "/me/factors"
    await walk.step("prove_myself", person, "POST", "/me/proof", json={"password": PASSWORD})
    begun = await walk.step("begin_totp", person, "POST", f"{mine}/totp")
    secret = walk.secret(begun.json()["secret"])
    body: dict[str, Any] = {"code": code_of(secret, -1)}
    made = await walk.step("confirm_totp", person, "POST", f"{mine}/totp/confirm", json=body)
    walk.secrets |= {*made.json()["recovery_codes"]}
    made = await walk.step("renew_recovery_codes", person, "POST", f"{mine}/recovery-codes")
    walk.secrets |= {*made.json()["recovery_codes"]}
    browser, token = await challenge(world, person)
    body = {"challenge": walk.secret(token), "method": "totp", "code": code_of(secret)}
    await walk.step("answer_second_factor", browser, "POST", "/auth/second-factor", json=body)
    asked = await walk.step("begin_passkey", person, "POST", f"{mine}/passkeys/options")
    body = {"challenge": walk.secret(asked.json()["challenge"]), "name": "Key"}
    body["credential"] = device.create(asked.json()["options"])
    made = await walk.step("add_passkey", person, "POST", f"{mine}/passkeys", json=body)
    passkey = f"{mine}/passkeys/{made.json()['passkey']['id']}"
    await walk.step("rename_passkey", person, "PATCH", passkey, json={"name": "Phone"})
    asked = await walk.step("ask_passkey", browser, "POST", "/auth/passkey/options", json={})
    body = {"challenge": walk.secret(asked.json()["challenge"])}
    body["credential"] = device.get(asked.json()["options"])
    await walk.step("answer_passkey", browser, "POST", "/auth/passkey", json=body)
    await walk.step("remove_passkey", person, "DELETE", passkey)
    await walk.step("remove_totp", person, "DELETE", f"{mine}/totp")
    path = f"/users/{person.user.user_id}/factors"
    await walk.step("reset_user_factors", await world.administrator(), "DELETE", path)


async def walk_enrolment(walk: Walk) -> None:
    """A sign-in to an instance that requires a second factor, by somebody who has none yet."""
    browser, token = await challenge(walk.world, await walk.world.user())
    body: dict[str, Any] = {"challenge": walk.secret(token)}
    path = "/auth/enrol/totp"
    begun = await walk.step("enrol_totp_at_sign_in", browser, "POST", path, json=body)
    body["code"] = code_of(walk.secret(begun.json()["secret"]))
    path = "/auth/enrol/totp/confirm"
    made = await walk.step("confirm_totp_at_sign_in", browser, "POST", path, json=body)
    walk.secrets |= {*made.json()["recovery_codes"]}


async def walk_joining(walk: Walk) -> None:
    """Invitations, registration, passwords by mail."""
    world = walk.world
    administrator, guest = await world.administrator(), world.anonymous("10.40.1.1")
    person = await world.user()
    email = "walk-one@example.org"
    path = "/invitations"
    made = await walk.step("create_invitation", administrator, "POST", path, json={"email": email})
    token = walk.secret(await token_to(world, email, "invitation"))
    look = {"token": token, "purpose": "invitation"}
    body: dict[str, Any] = {**look, "display_name": "Walker"}
    body["password"] = walk.secret("a chosen unmistakable password")
    await walk.step("create_account_by_link", guest, "POST", "/auth/accounts", json=body)
    project = f"/projects/{await world.project(administrator)}"
    invited = {"email": person.user.email, "role": "viewer"}
    await walk.step("invite_member", administrator, "POST", f"{project}/invitations", json=invited)
    token = walk.secret(await token_to(world, person.user.email, "invitation"))
    path = "/me/invitations/accept"
    await walk.step("accept_invitation", person, "POST", path, json={"token": token})
    body = {"email": "walk-two@example.org"}
    made = await walk.step("create_invitation", administrator, "POST", "/invitations", json=body)
    path = f"/invitations/{made.json()['id']}"
    await walk.step("withdraw_invitation", administrator, "DELETE", path)
    email = person.user.email
    await walk.step(
        "ask_registration", guest, "POST", "/auth/registrations", json={"email": "w@example.org"}
    )
    walk.secret(await token_to(world, "w@example.org", "registration"))
    path = "/auth/password-resets"
    await walk.step("ask_password_reset", guest, "POST", path, json={"email": email})
    token = walk.secret(await token_to(world, email, "reset-password"))
    body = {"token": token, "password": walk.secret("another unmistakable password")}
    await walk.step("reset_password", guest, "POST", f"{path}/complete", json=body)


async def walk_administration(walk: Walk) -> None:
    """Accounts, groups, projects, members."""
    world = walk.world
    boss, person = await world.administrator(), await world.user()
    chosen = walk.secret("given by an administrator")
    body: dict[str, Any] = {
        "email": "walk-made@example.org",
        "display_name": "M",
        "password": chosen,
    }
    made = (await walk.step("create_user", boss, "POST", "/users", json=body)).json()["id"]
    await walk.step("send_password_reset", boss, "POST", f"/users/{made}/password-reset")
    walk.secret(await token_to(world, "walk-made@example.org", "reset-password"))
    await walk.step("end_user_sessions", boss, "DELETE", f"/users/{made}/sessions")
    await walk.step("update_user", boss, "PATCH", f"/users/{made}", json={"active": False})
    body = {"key": "WALKED", "name": "Walked"}
    await walk.step("create_project", boss, "POST", "/projects", json=body)
    await walk.step("update_project", boss, "PATCH", "/projects/WALKED", json={"name": "On foot"})
    member = f"/projects/WALKED/members/{person.user.user_id}"
    await walk.step("put_member", boss, "PUT", member, json={"role": "viewer"})
    await walk.step("remove_member", boss, "DELETE", member)
    body = {"email": "walk-three@example.org", "role": "viewer"}
    path = "/projects/WALKED/invitations"
    invited = (await walk.step("invite_member", boss, "POST", path, json=body)).json()["id"]
    walk.secret(await token_to(world, "walk-three@example.org", "invitation"))
    await walk.step("withdraw_member_invitation", boss, "DELETE", f"{path}/{invited}")
    group = (
        await walk.step("create_group", boss, "POST", "/groups", json={"name": "Walkers"})
    ).json()
    path = f"/groups/{group['id']}"
    await walk.step("update_group", boss, "PATCH", path, json={"description": "On foot"})
    body = {"email": person.user.email}
    await walk.step("add_group_member", boss, "POST", f"{path}/members", json=body)
    member = f"{path}/members/{person.user.user_id}"
    await walk.step("put_group_member", boss, "PUT", member, json={"manages": True})
    grant = f"/projects/WALKED{path}"
    await walk.step("put_project_group", boss, "PUT", grant, json={"role": "viewer"})
    await walk.step("remove_project_group", boss, "DELETE", grant)
    await walk.step("remove_group_member", boss, "DELETE", member)
    await walk.step("delete_group", boss, "DELETE", path)
    await walk_webhooks(walk, boss, "/projects/WALKED/webhooks")


async def walk_webhooks(walk: Walk, owner: Client, path: str) -> None:
    """The addresses that are told of a project's commits."""
    address = walk.secret("walked-to-this-secret-path")
    body = {"name": "Walked", "url": f"http://127.0.0.1:1025/{address}"}
    made = (await walk.step("create_webhook", owner, "POST", path, json=body)).json()
    walk.secret(made["secret"])
    path = f"{path}/{made['id']}"
    await walk.step("update_webhook", owner, "PATCH", path, json={"name": "Renamed"})
    made = (await walk.step("renew_webhook_secret", owner, "POST", f"{path}/secret")).json()
    walk.secret(made["secret"])
    await walk.step("test_webhook", owner, "POST", f"{path}/test")
    await walk.step("delete_webhook", owner, "DELETE", path)


async def walk_content(walk: Walk) -> None:
    """Documents, items, links, files."""
    book = await Book.make(walk.world)
    owner, project = book.client, f"/projects/{book.key}"
    made = await walk.step(
        "create_document", owner, "POST", f"{project}/documents", json={"title": "D"}
    )
    restriction = f"{project}/restrictions/{made.json()['id']}"
    readers: dict[str, Any] = {"roles": ["editor"], "group_ids": []}
    await walk.step("put_restriction", owner, "PUT", restriction, json=readers)
    await walk.step("lift_restriction", owner, "DELETE", restriction)
    path = f"{project}/documents/{made.json()['id']}"
    await walk.step("update_document", owner, "PATCH", path, json={"title": "E"})
    body: dict[str, Any] = {
        "type_id": book.type_id("Requirement"),
        "attributes": book.values(Title="One"),
        "position": {"document_id": book.document},
    }
    items = [
        (await walk.step("create_item", owner, "POST", f"{project}/items", json=body)).json()[
            "item"
        ]
        for _ in range(2)
    ]
    path = f"{project}/items/{items[0]['key']}"
    changed = {"attributes": book.values(Title="Two")}
    await walk.step("update_item", owner, "PATCH", path, json=changed)
    seq = (await book.get("/refs/resolve"))["seq"]
    await walk.step("revert_commit", owner, "POST", f"{project}/commits/{seq}/revert")
    await walk.step("undo", owner, "POST", f"{project}/undo")
    await walk.step("redo", owner, "POST", f"{project}/redo")
    await walk.step("restore_item", owner, "POST", f"{path}/restore", json={"at": str(seq)})
    body = {"at": str(seq - 1), "item": items[0]["key"]}
    await walk.step("restore", owner, "POST", f"{project}/restore", json=body)
    body = {"source_id": items[0]["id"], "target_id": items[1]["id"]}
    await walk.step("create_link", owner, "POST", f"{project}/links", json=body)
    link = (await owner.get(f"{path}/links")).json()["outgoing"][0]["id"]
    await walk.step(
        "update_link", owner, "PATCH", f"{project}/links/{link}", json={"attributes": {}}
    )
    await walk.step("delete_link", owner, "DELETE", f"{project}/links/{link}")
    body = {"operations": [{"op": "create", "kind": "document", "fields": {"title": "By commit"}}]}
    await walk.step("commit", owner, "POST", f"{project}/commits", json=body)
    await walk.step("delete_item", owner, "DELETE", path)
    body = {"entity_id": items[0]["id"], "reason": "No longer needed", "sequences": [seq]}
    await walk.step("redact", owner, "POST", f"{project}/redactions", json=body)
    files = {"file": ("a.txt", b"a text", "text/plain")}
    await walk.step("upload_file", owner, "POST", f"{project}/files", files=files)


async def walk_versions(walk: Walk) -> None:
    """Branches, baselines, imports."""
    book = await Book.make(walk.world)
    owner, project = book.client, f"/projects/{book.key}"
    for name in ("merged", "closed"):
        path = f"{project}/branches"
        made = await walk.step("create_branch", owner, "POST", path, json={"name": name})
        branch = f"{path}/{made.json()['id']}"
        await walk.step("update_branch", owner, "PATCH", branch, json={"name": f"{name} later"})
        if name == "merged":
            body = {"title": "On a branch"}
            params = {"branch": f"{name} later"}
            await owner.post(f"{project}/documents", json=body, params=params)
            body = {"direction": "merge"}
            await walk.step("merge_branch", owner, "POST", f"{branch}/merge", json=body)
        else:
            await walk.step("close_branch", owner, "POST", f"{branch}/close")
    await walk.step("create_baseline", owner, "POST", f"{project}/baselines", json={"name": "One"})
    exported = (await owner.get(f"{project}/exports/reqif", params={"format": "reqif"})).content
    files = {"file": ("a.reqif", exported, "application/xml")}
    path = f"{project}/imports"
    made = await walk.step("start_import", owner, "POST", path, files=files)
    await walk.step("cancel_import", owner, "POST", f"{path}/{made.json()['id']}/cancel")
    made = await walk.step("start_import", owner, "POST", path, files=files)
    await work(walk.world)
    await walk.step("commit_import", owner, "POST", f"{path}/{made.json()['id']}/commit")
    line = b'{"at":"2026-01-01T00:00:00Z","author":"A","message":"m","operations":[]}\n'
    files = {"file": ("a.jsonl", line, "application/x-ndjson")}
    await walk.step(
        "start_history_import", owner, "POST", f"{project}/history-imports", files=files
    )


async def walk_jobs(walk: Walk) -> None:
    """Jobs that are asked for, ended and repeated."""
    owner, administrator = await walk.world.user(), await walk.world.administrator()
    path = f"/projects/{await walk.world.project(owner)}"
    await walk.step("start_verification", owner, "POST", f"{path}/verifications")
    job = await walk.step("start_export", owner, "POST", f"{path}/exports", json={})
    one = f"/jobs/{job.json()['id']}"
    await walk.step("cancel_job", owner, "POST", f"{path}{one}/cancel")
    await walk.step("retry_job", owner, "POST", f"{path}{one}/retry")
    await walk.step("cancel_any_job", administrator, "POST", f"/admin{one}/cancel")
    await walk.step("retry_any_job", administrator, "POST", f"/admin{one}/retry")
