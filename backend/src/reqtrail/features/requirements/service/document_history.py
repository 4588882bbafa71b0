"""The history of a document: the commits that touched it, and what of it they touched."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.requirements import repository
from reqtrail.features.requirements.errors import DocumentNotFound
from reqtrail.features.versioning.public import CommitRecord, load_commits, Snapshot


@dataclass(frozen=True)
class DocumentCommit:
    """A commit that touched a document.

    Attributes:
        items: How many items of the document it wrote.
        places: How many placements it put into the document, moved or took away.
        document: Whether it wrote the document itself: its title, its place among the others.
    """

    commit: CommitRecord
    items: int
    places: int
    document: bool


async def document_history(
    session: AsyncSession,
    snapshot: Snapshot,
    document_id: UUID,
    *,
    before: int | None = None,
    limit: int = 50,
) -> list[DocumentCommit]:
    """Return the commits that led to *snapshot* and touched a document, newest first, below *before* if given.

    Raises:
        DocumentNotFound: If it is not visible at *snapshot*.
    """
    if await repository.find_document(session, snapshot, document_id) is None:
        raise DocumentNotFound("There is no such document at this version.")
    rows = await repository.commits_of_document(session, snapshot, document_id, before, limit)
    records = await load_commits(session, snapshot.project_id, (row.seq for row in rows))
    return [DocumentCommit(records[row.seq], row.items, row.places, row.document) for row in rows]
