"""Webhooks as owners manage them: where they may send, who sees them, what is kept of them."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Text, cast, func, select

from reqtrail.features.audit.tables import audit_events
from reqtrail.features.identity.tables import idempotency_keys
from reqtrail.features.notifications.service import MOST_WEBHOOKS
from reqtrail.features.notifications.tables import webhooks
from reqtrail.platform.outbound import parse
from tests.features.notifications.hooked import Hooked, listed
from tests.features.notifications.receiver import Receiver
from tests.features.requirements.book import Book
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio

NOBODY = Receiver(1025)
"""Nothing is sent in these tests."""


async def test_only_owners_see_and_change_webhooks(world: World) -> None:
    hooked = await Hooked.make(world, NOBODY)
    editor = await world.member(hooked.book.key, "editor")
    path = f"/projects/{hooked.book.key}/webhooks"
    for method, where in (
        ("GET", path),
        ("POST", path),
        ("PATCH", f"{path}/{hooked.id}"),
        ("GET", f"{path}/{hooked.id}/attempts"),
    ):
        answer = await editor.request(method, where, json={"name": "x", "url": NOBODY.url})
        assert answer.status_code == 403, answer.text
    outsider = await world.user()
    assert (await outsider.get(path)).status_code == 404


async def test_a_secret_is_shown_once_and_nothing_secret_lies_in_the_clear(world: World) -> None:
    """The address is a secret too: chat services put one into its path."""
    hooked = await Hooked.make(world, NOBODY)
    assert hooked.secret.startswith("whsec_") and "secret" not in await hooked.show()
    await hooked.patch(name="Renamed", url=NOBODY.url + "-two")
    again = {"Idempotency-Key": str(uuid4())}
    path = f"/webhooks/{hooked.id}/secret"
    renewed = (await hooked.book.ask("POST", path, headers=again)).json()["secret"]
    assert renewed not in ("", hooked.secret)
    async with world.owner.read_session() as session:
        rows = [
            *(
                await session.scalars(
                    select(cast(func.row_to_json(audit_events.table_valued()), Text))
                )
            ),
            *(await session.scalars(select(cast(func.row_to_json(webhooks.table_valued()), Text)))),
            *(
                answer.decode(errors="replace")
                for answer in await session.scalars(select(idempotency_keys.c.response))
                if answer
            ),
        ]
    kept = "\n".join(rows)
    for secret in (hooked.secret, renewed, "a-secret-path", b"a-secret-path".hex()):
        assert secret not in kept
    changes = [json.loads(row) for row in rows if hooked.id in row and "webhook:update" in row]
    assert changes[0]["old"] == {"name": "Chat", "host": "http://127.0.0.1"}
    assert changes[0]["new"] == {"name": "Renamed", "host": "http://127.0.0.1"}


@pytest.mark.parametrize(
    "url",
    [
        *("http://localhost/x", "http://10.0.0.1/", "http://169.254.169.254/latest/meta-data/"),
        *("https://[::1]/", "http://2130706433/", "http://[::ffff:10.0.0.1]/", "ftp://1.1.1.1/"),
        *(
            "http://user:pw@1.1.1.1/",
            "javascript:alert(1)",
            "not an address",
            "https://1.1.1.1:22/",
        ),
        "http://1.1.1.1/plain-over-the-internet",
    ],
)
async def test_an_address_that_nothing_is_sent_to_is_refused(world: World, url: str) -> None:
    book = await Book.make(world)
    hooked = await Hooked.make(world, NOBODY)
    for answer in (
        await book.ask("POST", "/webhooks", json={"name": "x", "url": url}),
        await hooked.book.ask("PATCH", f"/webhooks/{hooked.id}", json={"url": url}),
    ):
        assert answer.status_code == 422, answer.text
        assert answer.json()["code"] == "address_refused"
    assert await listed(book) == []
    assert (await hooked.show())["url"] == NOBODY.url


async def test_no_address_of_the_corpus_makes_a_webhook_that_reaches_inside(
    world: World, shared_folder: Path
) -> None:
    """Through the door itself."""
    book = await Book.make(world)
    for url in json.loads((shared_folder / "corpora" / "ssrf_urls.json").read_text()):
        answer = await book.ask("POST", "/webhooks", json={"name": "x", "url": url})
        if answer.status_code == 201:
            # What a name leads to is looked up when something is sent.
            host = parse(url).host
            assert host == "127.0.0.1" or not host.replace(".", "").isdigit(), url
            await book.ask("DELETE", f"/webhooks/{answer.json()['id']}")
            continue
        assert answer.status_code == 422, (url, answer.text)
        assert answer.json()["code"] in ("address_refused", "invalid"), url


async def test_a_project_has_so_many_webhooks_and_no_more(world: World) -> None:
    book = await Book.make(world)
    for number in range(MOST_WEBHOOKS + 1):
        body = {"name": f"Number {number}", "url": NOBODY.url}
        answer = await book.ask("POST", "/webhooks", json=body)
    assert answer.status_code == 409 and answer.json()["code"] == "too_many_webhooks"
    assert len(await listed(book)) == MOST_WEBHOOKS


async def test_a_webhook_can_be_paused_and_removed(world: World) -> None:
    hooked = await Hooked.make(world, NOBODY)
    paused = await hooked.patch(active=False)
    assert not paused["active"]
    refused = await hooked.book.ask("POST", f"/webhooks/{hooked.id}/test")
    assert refused.status_code == 409 and refused.json()["code"] == "webhook_paused"
    gone = await hooked.book.ask("DELETE", f"/webhooks/{hooked.id}")
    assert gone.status_code == 204
    again = await hooked.book.ask("DELETE", f"/webhooks/{hooked.id}")
    assert again.status_code == 404 and again.json()["code"] == "webhook_not_found"


async def test_a_webhook_that_is_not_there_is_not_found(world: World) -> None:
    book = await Book.make(world)
    path = f"/webhooks/{uuid4()}"
    for method, where in (
        ("PATCH", path),
        ("DELETE", path),
        ("POST", f"{path}/secret"),
        ("POST", f"{path}/test"),
        ("GET", f"{path}/attempts"),
    ):
        answer = await book.ask(method, where, json={} if method == "PATCH" else None)
        assert (answer.status_code, answer.json()["code"]) == (404, "webhook_not_found"), where
