"""Webhooks, and what came of the requests that they sent."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)

from reqtrail.platform.crypto import SealedColumn
from reqtrail.platform.database.metadata import metadata
from reqtrail.platform.database.walls import Wall, open_to_task

webhooks = Table(
    "webhooks",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("webhook_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("url", LargeBinary, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("main_only", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("seen_seq", BigInteger, nullable=False),
    Column("test_asked", Boolean, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("leased_until", DateTime(timezone=True), nullable=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("project_id", "webhook_id"),
    ForeignKeyConstraint(["project_id"], ["projects.project_id"]),
    info={
        "scope": "tenant",
        "wall": Wall(update=True, delete=True, also=open_to_task("webhooks keys", "UPDATE")),
    },
)
"""An address that is told of commits. ``url`` and ``secret`` are sealed: addresses of chat services are secrets too.

``seen_seq`` is the last commit that the receiver has, or that does not concern it. ``failures`` counts the attempts
that failed in a row; nothing is sent before ``due_at``, the end of the wait after the last of them. A worker that sends
has the webhook until ``leased_until``, by whose value its lease is known; taking it away ends the worker's round.
"""

WEBHOOK_URL: Final = SealedColumn(
    "notifications.webhook_url", webhooks, "url", ("project_id", "webhook_id"), in_project=True
)
WEBHOOK_SECRET: Final = SealedColumn(
    "notifications.webhook_secret",
    webhooks,
    "secret",
    ("project_id", "webhook_id"),
    in_project=True,
)

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("attempt_id", Uuid, nullable=False),
    Column("webhook_id", Uuid, nullable=False),
    Column("event", Text, nullable=False),
    Column("seq", BigInteger, nullable=True),
    Column("status", Integer, nullable=True),
    Column("error", Text, nullable=False),
    Column("milliseconds", Integer, nullable=False),
    Column("attempted_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("project_id", "attempt_id"),
    ForeignKeyConstraint(
        ["project_id", "webhook_id"],
        ["webhooks.project_id", "webhooks.webhook_id"],
    ),
    Index(None, "project_id", "webhook_id", "attempt_id"),
    info={"scope": "tenant", "wall": Wall(delete=True)},
)
"""A request that was sent, or could not be: ``status`` of the answer, if there was one; ``error`` is empty for success.
``seq``: the commit that it told of; null for a test. The newest of each webhook are kept."""
