"""Webhooks as their owners manage them."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.notifications import repository
from reqtrail.features.notifications.errors import (
    TooManyWebhooks,
    WebhookNotFound,
    WebhookPaused,
)
from reqtrail.features.notifications.service.messages import new_secret
from reqtrail.features.notifications.tables import WEBHOOK_SECRET, WEBHOOK_URL
from reqtrail.features.notifications.types import Attempt, ShownWebhook, Webhook
from reqtrail.features.versioning.public import last_sequence
from reqtrail.kit import clock
from reqtrail.kit.ids import new_id
from reqtrail.platform.auditing import describe
from reqtrail.platform.crypto import seal, unseal
from reqtrail.platform.outbound import Outbound

MOST_WEBHOOKS: Final = 20
"""Of one project: each is a request for each commit."""

END_OF_ROUND: Final[dict[str, Any]] = {"leased_until": None}
"""Takes the webhook from the worker that has it, which knows it as it was: what it has just sent may be sent again."""


async def list_webhooks(session: AsyncSession, project_id: UUID) -> list[ShownWebhook]:
    """Return the webhooks of a project, the oldest first."""
    found = await repository.list_webhooks(session, project_id)
    last = await repository.last_attempts(session, project_id, [hook.webhook_id for hook in found])
    return [
        ShownWebhook(hook, await _url_of(session, hook), last.get(hook.webhook_id))
        for hook in found
    ]


async def get_webhook(session: AsyncSession, project_id: UUID, webhook_id: UUID) -> ShownWebhook:
    """Return a webhook.

    Raises:
        WebhookNotFound: If the project has none with this id.
    """
    hook = await _found(session, project_id, webhook_id)
    last = await repository.last_attempts(session, project_id, [webhook_id])
    return ShownWebhook(hook, await _url_of(session, hook), last.get(webhook_id))


async def list_attempts(session: AsyncSession, project_id: UUID, webhook_id: UUID) -> list[Attempt]:
    """Return what came of the last requests of a webhook, the newest first.

    Raises:
        WebhookNotFound: If the project has none with this id.
    """
    await _found(session, project_id, webhook_id)
    return await repository.list_attempts(session, project_id, webhook_id)


async def create_webhook(
    session: AsyncSession,
    outbound: Outbound,
    project_id: UUID,
    *,
    name: str,
    url: str,
    main_only: bool,
) -> tuple[UUID, str]:
    """Make a webhook that tells of every commit from now on; return its id and its secret.

    Raises:
        AddressRefused: If nothing is sent to the address.
        TooManyWebhooks: If the project has :data:`MOST_WEBHOOKS`.
    """
    outbound.check(url)
    if await repository.count_webhooks(session, project_id) >= MOST_WEBHOOKS:
        raise TooManyWebhooks(
            f"A project has at most {MOST_WEBHOOKS} webhooks. Remove one that is not needed."
        )
    webhook_id, secret, now = new_id(), new_secret(), clock.now()
    place = (project_id, webhook_id)
    await repository.insert_webhook(
        session,
        project_id=project_id,
        webhook_id=webhook_id,
        name=name,
        url=await seal(session, WEBHOOK_URL, place, url.encode()),
        secret=await seal(session, WEBHOOK_SECRET, place, secret.encode()),
        main_only=main_only,
        active=True,
        seen_seq=await last_sequence(session, project_id),
        test_asked=False,
        failures=0,
        due_at=now,
        leased_until=None,
        created_at=now,
    )
    describe(
        session,
        subject=("webhook", webhook_id),
        new={"name": name, "host": _host(url), "main_only": main_only},
    )
    return webhook_id, secret


async def update_webhook(
    session: AsyncSession,
    outbound: Outbound,
    project_id: UUID,
    webhook_id: UUID,
    *,
    url: str | None,
    active: bool | None,
    **changes: Any,
) -> None:
    """Change what is not None. One that is made active again tells of all that came while it was paused.

    Raises:
        AddressRefused: If nothing is sent to the address.
        WebhookNotFound: If the project has none with this id.
    """
    before = await _found(session, project_id, webhook_id, lock=True)
    values = {name: value for name, value in changes.items() if value is not None}
    old = {name: getattr(before, name) for name in values}
    new = dict(values)
    if url is not None:
        outbound.check(url)
        old["host"], new["host"] = _host(await _url_of(session, before)), _host(url)
        values["url"] = await seal(session, WEBHOOK_URL, (project_id, webhook_id), url.encode())
    if active is not None:
        old["active"], new["active"] = before.active, active
        values["active"] = active
        if not active:
            values["test_asked"] = False
    if values:
        if before.failures:
            # What was changed may be what was wrong: it is tried at once.
            values |= {"failures": 0, "due_at": clock.now()}
        if values.keys() & {"url", "main_only", "active"}:
            values |= END_OF_ROUND
        await repository.update_webhook(session, project_id, webhook_id, **values)
    describe(session, subject=("webhook", webhook_id), old=old, new=new)


async def renew_secret(session: AsyncSession, project_id: UUID, webhook_id: UUID) -> str:
    """Give a webhook another secret, which signs from now on; return it.

    Raises:
        WebhookNotFound: If the project has none with this id.
    """
    await _found(session, project_id, webhook_id, lock=True)
    secret = new_secret()
    sealed = await seal(session, WEBHOOK_SECRET, (project_id, webhook_id), secret.encode())
    await repository.update_webhook(session, project_id, webhook_id, secret=sealed, **END_OF_ROUND)
    describe(session, action="webhook-secret:renew", subject=("webhook", webhook_id))
    return secret


async def ask_for_test(session: AsyncSession, project_id: UUID, webhook_id: UUID) -> None:
    """Have a test sent soon; the attempts show what came of it.

    Raises:
        WebhookNotFound: If the project has none with this id.
        WebhookPaused: If it is not active.
    """
    hook = await _found(session, project_id, webhook_id, lock=True)
    if not hook.active:
        raise WebhookPaused("Nothing is sent while the webhook is paused. Resume it first.")
    values: dict[str, Any] = {"test_asked": True}
    if hook.failures:
        values["due_at"] = clock.now()
    await repository.update_webhook(session, project_id, webhook_id, **values)
    describe(session, action="webhook:test", subject=("webhook", webhook_id))


async def delete_webhook(session: AsyncSession, project_id: UUID, webhook_id: UUID) -> None:
    """Remove a webhook; nothing more is sent.

    Raises:
        WebhookNotFound: If the project has none with this id.
    """
    hook = await _found(session, project_id, webhook_id, lock=True)
    host = _host(await _url_of(session, hook))
    await repository.delete_webhook(session, project_id, webhook_id)
    describe(session, subject=("webhook", webhook_id), old={"name": hook.name, "host": host})


async def _found(
    session: AsyncSession, project_id: UUID, webhook_id: UUID, *, lock: bool = False
) -> Webhook:
    hook = await repository.find_webhook(session, project_id, webhook_id, lock=lock)
    if hook is None:
        raise WebhookNotFound("The project has no webhook with this id.")
    return hook


async def _url_of(session: AsyncSession, hook: Webhook) -> str:
    place = (hook.project_id, hook.webhook_id)
    return (await unseal(session, WEBHOOK_URL, place, hook.url)).decode()


def _host(url: str) -> str:
    """Return what of an address the record may hold: its path may be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}"
