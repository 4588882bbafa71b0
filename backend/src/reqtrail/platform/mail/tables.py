"""The mails that wait, were sent or are kept."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)

from reqtrail.platform.crypto import SealedColumn
from reqtrail.platform.database.metadata import metadata
from reqtrail.platform.database.walls import Wall

mails = Table(
    "mails",
    metadata,
    Column("mail_id", Uuid, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("plain", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("sent_at", DateTime(timezone=True), nullable=True),
    Column("error", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=True),
    Column("trace_parent", Text, nullable=True),
    PrimaryKeyConstraint("mail_id"),
    Index("ix_mails_due_at", "due_at", postgresql_where=text("state = 'queued'")),
    Index(None, "created_at"),
    info={"scope": "catalog", "wall": Wall(update=True, delete=True)},
)
"""``state``: queued, sent, failed (given up), kept (by the local sink) or withheld (never to be sent).

A mail holds a link that opens something. So its text is sealed, and removed as soon as it was sent or given up.
``plain`` and ``html`` hold the text of mails from before it was sealed.
``trace_parent``: the span of the request that caused it.
"""

MAIL_TEXT: Final = SealedColumn("platform.mail", mails, "sealed", ("mail_id",))
