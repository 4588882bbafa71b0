"""The JSON of webhooks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from reqtrail.features.notifications.types import ShownWebhook
from reqtrail.platform.http import Body, NOT_BLANK

Address = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000), NOT_BLANK
]
WebhookName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), NOT_BLANK
]


class WebhookCreate(Body):
    """A new webhook.

    ``url``: an https address of the public internet, or one inside that the instance allows. ``main_only``: whether
    only commits on the main branch are told.
    """

    name: WebhookName
    url: Address
    main_only: StrictBool = False


class WebhookPatch(Body):
    """What is to change; a webhook that is made active again goes on where it stopped."""

    name: WebhookName | None = None
    url: Address | None = None
    main_only: StrictBool | None = None
    active: StrictBool | None = None


class AttemptRead(BaseModel):
    """A request that was sent, or could not be. ``seq`` is null for a test, ``error`` empty for success."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(validation_alias="attempt_id")
    event: str
    seq: int | None
    status: int | None
    error: str
    milliseconds: int
    attempted_at: datetime


class WebhookRead(BaseModel):
    """A webhook. ``seen_seq`` is the last commit that the receiver has; ``failures`` are those in a row."""

    id: UUID
    name: str
    url: str
    main_only: bool
    active: bool
    failures: int
    seen_seq: int
    test_asked: bool
    next_attempt_at: datetime | None
    created_at: datetime
    last_attempt: AttemptRead | None

    @classmethod
    def of(cls, shown: ShownWebhook) -> WebhookRead:
        """Return a webhook as JSON shows it."""
        hook = shown.webhook
        return cls(
            id=hook.webhook_id,
            name=hook.name,
            url=shown.url,
            main_only=hook.main_only,
            active=hook.active,
            failures=hook.failures,
            seen_seq=hook.seen_seq,
            test_asked=hook.test_asked,
            next_attempt_at=hook.due_at if hook.active and hook.failures else None,
            created_at=hook.created_at,
            last_attempt=AttemptRead.model_validate(shown.last) if shown.last else None,
        )


class WebhookSecret(BaseModel):
    """The secret that signs a webhook's requests: in this answer only."""

    secret: str


class WebhookCreated(WebhookRead):
    """A new webhook with its secret, which no later answer shows."""

    secret: str
