"""The history of a project: commits, undo, comparison, verification."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.public import ProjectEditor, ProjectReader
from reqtrail.features.identity.public import display_names
from reqtrail.features.versioning.schemas import (
    CommitList,
    CommitOutcome,
    CommitRead,
    CompareRead,
    EntityChangeRead,
    EntityHistoryEntryRead,
    HistoryRead,
    ProblemRead,
    RefRead,
    UndoRead,
    VerifyRead,
)
from reqtrail.features.versioning.service import comparing, undo
from reqtrail.features.versioning.service.comparing import outcome
from reqtrail.features.versioning.service.history import commit_record, log
from reqtrail.features.versioning.service.refs import resolve_ref
from reqtrail.features.versioning.service.verify import verify
from reqtrail.features.versioning.types import CommitRecord
from reqtrail.platform.database.session import ReadSession, WriteSession
from reqtrail.platform.http import ApiRouter

router = ApiRouter(prefix="/projects/{project}", tags=["versioning"])

Limit = Annotated[int, Query(ge=1, le=500)]
Ref = Annotated[str | None, Query(max_length=200)]


async def _read(session: AsyncSession, records: list[CommitRecord]) -> list[CommitRead]:
    names = await display_names(session, {record.author_id for record in records})
    return [CommitRead.of(record, names) for record in records]


@router.get("/commits", operation_id="list_commits")
async def list_commits(
    context: ProjectReader,
    session: ReadSession,
    before: Annotated[int | None, Query(ge=1)] = None,
    limit: Limit = 50,
    author: Annotated[str | None, Query(pattern="^me$")] = None,
    entity: UUID | None = None,
) -> CommitList:
    """List commits, newest first; ``author=me`` lists your own, ``entity`` those that changed one thing."""
    author_id = context.actor.user_id if author else None
    records = await log(
        session,
        context.project_id,
        before=before,
        limit=limit + 1,
        author_id=author_id,
        entity_id=entity,
    )
    following = records[limit - 1].seq if len(records) > limit else None
    return CommitList(commits=await _read(session, records[:limit]), next=following)


@router.get("/commits/{seq}", operation_id="get_commit")
async def get_commit(seq: int, context: ProjectReader, session: ReadSession) -> CommitRead:
    """Return one commit."""
    record = await commit_record(session, context.project_id, seq)
    return (await _read(session, [record]))[0]


@router.post("/commits/{seq}/revert", operation_id="revert_commit", status_code=201)
async def revert_commit(seq: int, context: ProjectEditor, session: WriteSession) -> CommitOutcome:
    """Undo a commit by a new one that merges with what came after it."""
    result = await undo.revert(session, context.project_id, seq, context.actor.user_id)
    return outcome(result)


@router.get("/undo", operation_id="get_undo")
async def get_undo(context: ProjectReader, session: ReadSession) -> UndoRead:
    """Return which of your commits undo and redo would act on."""
    state = await undo.undo_state(session, context.project_id, context.actor.user_id)
    records = [record for record in (state.undo, state.redo) if record is not None]
    read = {item.seq: item for item in await _read(session, records)}
    return UndoRead(
        undo=read.get(state.undo.seq) if state.undo else None,
        redo=read.get(state.redo.seq) if state.redo else None,
    )


@router.post("/undo", operation_id="undo", status_code=201)
async def post_undo(context: ProjectEditor, session: WriteSession) -> CommitOutcome:
    """Undo your newest commit that stands."""
    result = await undo.undo(session, context.project_id, context.actor.user_id)
    return outcome(result)


@router.post("/redo", operation_id="redo", status_code=201)
async def post_redo(context: ProjectEditor, session: WriteSession) -> CommitOutcome:
    """Bring back what your newest undo took away."""
    result = await undo.redo(session, context.project_id, context.actor.user_id)
    return outcome(result)


@router.get("/compare", operation_id="compare")
async def compare(
    context: ProjectReader,
    session: ReadSession,
    from_ref: Annotated[str, Query(alias="from", max_length=200)],
    to_ref: Annotated[str | None, Query(alias="to", max_length=200)] = None,
    kind: Annotated[list[str] | None, Query()] = None,
) -> CompareRead:
    """Compare two versions: what was added, removed and changed, by field. ``to`` is the head of main if left out."""
    a = await resolve_ref(session, context.project_id, from_ref, context.head)
    b = await resolve_ref(session, context.project_id, to_ref, context.head)
    changes = await comparing.compare(session, a, b, kind)
    return CompareRead(
        from_ref=RefRead.of(a),
        to_ref=RefRead.of(b),
        changes=[EntityChangeRead.model_validate(change) for change in changes],
    )


@router.get("/history/{entity_id}", operation_id="get_entity_history")
async def get_history(
    entity_id: UUID, context: ProjectReader, session: ReadSession, at: Ref = None
) -> HistoryRead:
    """Return every version of one thing up to ``at``, newest first, with what each changed by field."""
    snapshot = await resolve_ref(session, context.project_id, at, context.head)
    key, entries = await comparing.history_entries(session, snapshot, entity_id)
    commits = await _read(session, [record for record, _ in entries])
    return HistoryRead(
        ref=RefRead.of(snapshot),
        id=entity_id,
        key=key,
        entries=[
            EntityHistoryEntryRead(commit=commit, **change)
            for commit, (_, change) in zip(commits, entries, strict=True)
        ],
    )


@router.get("/refs/resolve", operation_id="resolve_ref")
async def get_ref(context: ProjectReader, session: ReadSession, ref: Ref = None) -> RefRead:
    """Return which version a ref names: ``main``, ``main@42``, ``42``, ``2026-11-01``, ``2026-11-01T10:00Z``."""
    return RefRead.of(await resolve_ref(session, context.project_id, ref, context.head))


@router.post("/verify", operation_id="verify_project")
async def verify_project(context: ProjectReader, session: ReadSession) -> VerifyRead:
    """Recompute every hash, chain and interval of the project and name what disagrees. It reads the whole project."""
    report = await verify(session, context.project_id)
    return VerifyRead(
        ok=report.ok,
        counts=dict(report.counts),
        problems=[
            ProblemRead(
                what=item.what, detail=item.detail, kind=item.kind, id=item.entity_id, seq=item.seq
            )
            for item in report.problems
        ],
    )
