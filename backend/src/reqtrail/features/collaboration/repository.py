"""Reading what is new in a project."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.collaboration.types import Told
from reqtrail.features.identity.public import display_names
from reqtrail.features.versioning.public import load_branches, load_commits


async def commits_between(
    session: AsyncSession, project_id: UUID, after: int, last: int
) -> list[Told]:
    """Return what is told of the commits with sequences in (*after*, *last*], in their order."""
    found = await load_commits(session, project_id, range(after + 1, last + 1))
    branches = {row.branch_id: row.name for row in await load_branches(session, project_id)}
    names = await display_names(session, {commit.author_id for commit in found.values()})
    return [
        Told(
            seq=seq,
            branch_id=commit.branch_id,
            branch=branches.get(commit.branch_id, ""),
            kind=commit.kind,
            author_id=commit.author_id,
            author=names.get(commit.author_id, ""),
            recorded_at=commit.recorded_at,
        )
        for seq, commit in sorted(found.items())
    ]
