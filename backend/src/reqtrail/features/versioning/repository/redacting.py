"""Redaction: the revisions of one entity on all branches, taking their content away, and what was taken away so far."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.versioning.repository.commits import record_of, select_commits
from reqtrail.features.versioning.tables import branches, commits
from reqtrail.features.versioning.types import REDACTION, Content, Kind, Redaction

NO_BYTES: Final = hashlib.sha256(b"").digest()
"""What stands in place of a hash of bytes that were removed: a hash of few bytes gives them away."""


async def all_revisions(
    session: AsyncSession, kind: Kind, project_id: UUID, ids: Iterable[UUID]
) -> list[Mapping[str, Any]]:
    """Return every revision of entities on every branch, the oldest first, each as a row of its table."""
    column = kind.table.c
    rows = await session.execute(
        select(kind.table)
        .where(column.project_id == project_id, column.entity_id.in_(sorted(ids)))
        .order_by(column.seq_from)
    )
    return [dict(row) for row in rows.mappings()]


def emptied(kind: Kind, content: Content) -> Content:
    """Return what a redaction leaves of a *content*."""
    return {
        name: _empty(kind, name, value) if name in kind.erased else value
        for name, value in content.items()
    }


def _empty(kind: Kind, name: str, value: Any) -> Any:
    if kind.table.c[name].nullable:
        return None
    if isinstance(value, bytes):
        return NO_BYTES
    empty: Any = type(value)()
    return empty


async def erase(session: AsyncSession, kind: Kind, row: Mapping[str, Any]) -> None:
    """Take the content and the salt of a revision away. Its hash, its interval and its place stay."""
    table = kind.table
    left = emptied(kind, kind.content_of(row))
    await session.execute(
        update(table)
        .where(*(column == row[column.name] for column in table.primary_key.columns))
        .values(salt=None, **{name: left[name] for name in kind.erased})
    )


async def mark_redacted(session: AsyncSession, project_id: UUID, seq: int) -> None:
    """Let every cache of the project know that the past reads otherwise since commit *seq*."""
    await session.execute(
        update(branches).where(branches.c.project_id == project_id).values(redacted_seq=seq)
    )


async def load_redactions(session: AsyncSession, project_id: UUID) -> Sequence[Redaction]:
    """Return what was redacted in a project, by the commits that say so."""
    rows = await session.execute(
        select_commits()
        .where(commits.c.project_id == project_id, commits.c.kind == REDACTION)
        .order_by(commits.c.seq)
    )
    return [one for row in rows for one in redactions_of(record_of(row))]


def redactions_of(record: Any) -> list[Redaction]:
    """Return what a commit says that it redacted; what it says wrongly is left out."""
    found = []
    for item in record.details.get("redacted", []) if record.kind == REDACTION else []:
        try:
            found.append(
                Redaction(
                    item["kind"],
                    UUID(item["id"]),
                    item["seq"],
                    bytes.fromhex(item["content_hash"]),
                    bytes.fromhex(item["left"]),
                    record,
                )
            )
        except (KeyError, TypeError, ValueError):
            continue
    return found
