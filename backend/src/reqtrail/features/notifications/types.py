"""What a webhook is and what it tells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class EventType(StrEnum):
    """What a request of a webhook tells."""

    COMMIT = "commit.created"
    TEST = "webhook.test"


@dataclass(frozen=True)
class Webhook:
    """A webhook as it is stored; ``url`` and ``secret`` are sealed."""

    project_id: UUID
    webhook_id: UUID
    name: str
    url: bytes
    secret: bytes
    main_only: bool
    active: bool
    seen_seq: int
    test_asked: bool
    failures: int
    due_at: datetime
    leased_until: datetime | None
    created_at: datetime


@dataclass(frozen=True)
class Attempt:
    """A request that was sent, or could not be.

    Attributes:
        seq: The commit that it told of; None for a test.
        status: That of the answer, if there was one.
        error: Why it counts as failed; empty for success.
        milliseconds: How long it took.
    """

    attempt_id: UUID
    webhook_id: UUID
    event: str
    seq: int | None
    status: int | None
    error: str
    milliseconds: int
    attempted_at: datetime


@dataclass(frozen=True)
class ShownWebhook:
    """A webhook as owners see it, with its address in the clear and what came of the last attempt."""

    webhook: Webhook
    url: str
    last: Attempt | None
