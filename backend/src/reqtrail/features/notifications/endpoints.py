"""Webhooks of a project: for owners."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from reqtrail.features.access.public import WebhookManager, WebhookReader
from reqtrail.features.identity.public import AppSettings
from reqtrail.features.notifications import service
from reqtrail.features.notifications.service.delivering import outbound_of
from reqtrail.features.notifications.schemas import (
    AttemptRead,
    WebhookCreate,
    WebhookCreated,
    WebhookPatch,
    WebhookRead,
    WebhookSecret,
)
from reqtrail.platform.database.session import ReadSession, WriteSession
from reqtrail.platform.http import ApiRouter
from reqtrail.platform.outbound import Outbound

router = ApiRouter(prefix="/projects/{project}/webhooks", tags=["webhooks"])


def _outbound(settings: AppSettings) -> Outbound:
    return outbound_of(settings)


Reachable = Annotated[Outbound, Depends(_outbound)]


@router.get("", operation_id="list_webhooks")
async def list_webhooks(context: WebhookReader, session: ReadSession) -> list[WebhookRead]:
    """List the addresses that are told of each commit (owners)."""
    found = await service.list_webhooks(session, context.project_id)
    return [WebhookRead.of(shown) for shown in found]


@router.post("", operation_id="create_webhook", status_code=201)
async def create_webhook(
    body: WebhookCreate, context: WebhookManager, outbound: Reachable, session: WriteSession
) -> WebhookCreated:
    """Have an address told of every commit from now on (owners). The secret is in this answer only."""
    webhook_id, secret = await service.create_webhook(
        session, outbound, context.project_id, **body.model_dump()
    )
    shown = await service.get_webhook(session, context.project_id, webhook_id)
    return WebhookCreated(**WebhookRead.of(shown).model_dump(), secret=secret)


@router.patch("/{webhook_id}", operation_id="update_webhook")
async def update_webhook(
    webhook_id: UUID,
    body: WebhookPatch,
    context: WebhookManager,
    outbound: Reachable,
    session: WriteSession,
) -> WebhookRead:
    """Change, pause or resume a webhook (owners)."""
    await service.update_webhook(
        session, outbound, context.project_id, webhook_id, **body.model_dump()
    )
    return WebhookRead.of(await service.get_webhook(session, context.project_id, webhook_id))


@router.delete("/{webhook_id}", operation_id="delete_webhook", status_code=204)
async def delete_webhook(webhook_id: UUID, context: WebhookManager, session: WriteSession) -> None:
    """Remove a webhook (owners)."""
    await service.delete_webhook(session, context.project_id, webhook_id)


@router.post("/{webhook_id}/secret", operation_id="renew_webhook_secret")
async def renew_webhook_secret(
    webhook_id: UUID, context: WebhookManager, session: WriteSession
) -> WebhookSecret:
    """Give a webhook another secret (owners). It is in this answer only, and signs from now on."""
    return WebhookSecret(secret=await service.renew_secret(session, context.project_id, webhook_id))


@router.post("/{webhook_id}/test", operation_id="test_webhook", status_code=202)
async def test_webhook(
    webhook_id: UUID, context: WebhookManager, session: WriteSession
) -> WebhookRead:
    """Have a test sent soon (owners); the attempts show what came of it."""
    await service.ask_for_test(session, context.project_id, webhook_id)
    return WebhookRead.of(await service.get_webhook(session, context.project_id, webhook_id))


@router.get("/{webhook_id}/attempts", operation_id="list_webhook_attempts")
async def list_webhook_attempts(
    webhook_id: UUID, context: WebhookReader, session: ReadSession
) -> list[AttemptRead]:
    """List the last requests of a webhook, the newest first, with what came of them (owners)."""
    found = await service.list_attempts(session, context.project_id, webhook_id)
    return [AttemptRead.model_validate(attempt) for attempt in found]
