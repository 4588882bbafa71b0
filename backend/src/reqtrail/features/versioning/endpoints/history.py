"""The history of a project: commits, undo, comparison, verification."""

from __future__ import annotations

import hashlib
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.public import (
    HistoryReader,
    ItemWriter,
    Permission,
    VerificationAsker,
    WholeHistoryReader,
)
from reqtrail.features.identity.public import display_names
from reqtrail.features.versioning.deps import BranchName
from reqtrail.features.versioning.schemas import (
    LAST_SEQUENCE,
    CommitList,
    CommitOutcome,
    CommitRead,
    CompareRead,
    EntityChangeRead,
    EntityHistoryEntryRead,
    HistoryRead,
    RefRead,
    UndoRead,
    VerifyRead,
)
from reqtrail.features.versioning.service import comparing, undo
from reqtrail.features.versioning.service.comparing import outcome
from reqtrail.features.versioning.service.history import commit_record, log
from reqtrail.features.versioning.service.refs import resolve_ref
from reqtrail.features.versioning.service.verify import verify
from reqtrail.features.versioning.tasks import ask_for_verification, report_read
from reqtrail.features.versioning.types import MAIN, CommitRecord
from reqtrail.platform.conditional import etag_of, json_response, not_modified
from reqtrail.platform.database.session import ReadSession, WriteSession
from reqtrail.platform.http import ApiRouter
from reqtrail.platform.jobs.reading import JobRead
from reqtrail.platform.throttle import expensive

router = ApiRouter()

SequencePath = Annotated[int, Path(ge=1, le=LAST_SEQUENCE, description="The number of a version.")]
Limit = Annotated[int, Query(ge=1, le=500)]
Ref = Annotated[str | None, Query(max_length=200)]


def _digest(records: list[CommitRecord]) -> bytes:
    """Return what tells one list of commits from another."""
    return hashlib.sha256(b"".join(record.hash for record in records)).digest()


def _json(content: BaseModel, etag: str) -> Response:
    return json_response(content.model_dump(mode="json"), etag)


async def _read(session: AsyncSession, records: list[CommitRecord]) -> list[CommitRead]:
    names = await display_names(session, {record.author_id for record in records})
    return [CommitRead.of(record, names) for record in records]


@router.get("/commits", operation_id="list_commits", response_model=CommitList)
async def list_commits(
    request: Request,
    context: HistoryReader,
    session: ReadSession,
    before: Annotated[int | None, Query(ge=1, le=LAST_SEQUENCE)] = None,
    limit: Limit = 50,
    author: Annotated[str | None, Query(pattern="^me$")] = None,
    entity: UUID | None = None,
    branch: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """List commits, newest first; ``author=me`` lists your own, ``entity`` those that changed one thing, ``branch``
    those that led to the head of a branch."""
    author_id = context.actor.user_id if author else None
    records = await log(
        session,
        context.project_id,
        before=before,
        limit=limit + 1,
        author_id=author_id,
        entity_id=entity,
        branch=branch,
        head=context.head,
    )
    etag = etag_of(request, _digest(records), str(context.actor.user_id))
    unchanged = not_modified(request, etag)
    if unchanged is not None:
        return unchanged
    following = records[limit - 1].seq if len(records) > limit else None
    listed = CommitList(commits=await _read(session, records[:limit]), next=following)
    return _json(listed, etag)


@router.get("/commits/{seq}", operation_id="get_commit", response_model=CommitRead)
async def get_commit(
    request: Request, seq: SequencePath, context: HistoryReader, session: ReadSession
) -> Response:
    """Return one commit."""
    record = await commit_record(session, context.project_id, seq)
    etag = etag_of(request, record.hash)
    return not_modified(request, etag) or _json((await _read(session, [record]))[0], etag)


@router.post("/commits/{seq}/revert", operation_id="revert_commit", status_code=201)
async def revert_commit(
    seq: SequencePath, context: ItemWriter, session: WriteSession
) -> CommitOutcome:
    """Undo a commit by a new one that merges with what came after it."""
    result = await undo.revert(
        session,
        context.project_id,
        seq,
        context.actor.user_id,
        as_owner=context.may(Permission.BRANCH_PROTECT),
    )
    return outcome(result)


@router.get("/undo", operation_id="get_undo")
async def get_undo(
    context: HistoryReader, session: ReadSession, branch: BranchName = MAIN
) -> UndoRead:
    """Return which of your commits on a branch undo and redo would act on."""
    state = await undo.undo_state(
        session, context.project_id, context.actor.user_id, branch=branch, head=context.head
    )
    records = [record for record in (state.undo, state.redo) if record is not None]
    read = {item.seq: item for item in await _read(session, records)}
    return UndoRead(
        undo=read.get(state.undo.seq) if state.undo else None,
        redo=read.get(state.redo.seq) if state.redo else None,
    )


@router.post("/undo", operation_id="undo", status_code=201)
async def post_undo(
    context: ItemWriter, session: WriteSession, branch: BranchName = MAIN
) -> CommitOutcome:
    """Undo your newest commit on a branch that stands."""
    result = await undo.undo(
        session,
        context.project_id,
        context.actor.user_id,
        branch=branch,
        as_owner=context.may(Permission.BRANCH_PROTECT),
    )
    return outcome(result)


@router.post("/redo", operation_id="redo", status_code=201)
async def post_redo(
    context: ItemWriter, session: WriteSession, branch: BranchName = MAIN
) -> CommitOutcome:
    """Bring back what your newest undo took away."""
    result = await undo.redo(
        session,
        context.project_id,
        context.actor.user_id,
        branch=branch,
        as_owner=context.may(Permission.BRANCH_PROTECT),
    )
    return outcome(result)


@router.get("/compare", operation_id="compare", response_model=CompareRead)
async def compare(
    request: Request,
    context: HistoryReader,
    session: ReadSession,
    from_ref: Annotated[str, Query(alias="from", max_length=200)],
    to_ref: Annotated[str | None, Query(alias="to", max_length=200)] = None,
    kind: Annotated[list[str] | None, Query()] = None,
) -> Response:
    """Compare two versions: what was added, removed and changed, by field. ``to`` is the head of main if left out."""
    a = await resolve_ref(session, context.project_id, from_ref, context.head)
    b = await resolve_ref(session, context.project_id, to_ref, context.head)
    etag = etag_of(request, a.mark, b.mark.hex(), str(a.is_head), str(b.is_head))
    unchanged = not_modified(request, etag)
    if unchanged is not None:
        return unchanged
    changes = await comparing.compare(session, a, b, kind)
    compared = CompareRead(
        from_ref=RefRead.of(a),
        to_ref=RefRead.of(b),
        changes=[EntityChangeRead.model_validate(change) for change in changes],
    )
    return _json(compared, etag)


@router.get("/history/{entity_id}", operation_id="get_entity_history", response_model=HistoryRead)
async def get_history(
    request: Request,
    entity_id: UUID,
    context: HistoryReader,
    session: ReadSession,
    at: Ref = None,
) -> Response:
    """Return every version of one thing up to ``at``, newest first, with what each changed by field."""
    snapshot = await resolve_ref(session, context.project_id, at, context.head)
    etag = etag_of(request, snapshot.mark, str(snapshot.is_head))
    unchanged = not_modified(request, etag)
    if unchanged is not None:
        return unchanged
    key, entries = await comparing.history_entries(session, snapshot, entity_id)
    commits = await _read(session, [record for record, _ in entries])
    read = HistoryRead(
        ref=RefRead.of(snapshot),
        id=entity_id,
        key=key,
        entries=[
            EntityHistoryEntryRead(commit=commit, **change)
            for commit, (_, change) in zip(commits, entries, strict=True)
        ],
    )
    return _json(read, etag)


@router.get("/refs/resolve", operation_id="resolve_ref")
async def get_ref(context: HistoryReader, session: ReadSession, ref: Ref = None) -> RefRead:
    """Return which version a ref names: ``main``, ``main@42``, ``42``, ``2026-11-01``, ``2026-11-01T10:00Z``."""
    return RefRead.of(await resolve_ref(session, context.project_id, ref, context.head))


@router.post("/verify", operation_id="verify_project")
@expensive("verify")
async def verify_project(context: WholeHistoryReader, session: ReadSession) -> VerifyRead:
    """Recompute every hash, chain and interval of the project and name what disagrees. It reads the whole project."""
    return report_read(await verify(session, context.project_id))


@router.post("/verifications", operation_id="start_verification", status_code=202)
@expensive("verify")
async def start_verification(context: VerificationAsker, session: WriteSession) -> JobRead:
    """Have the project verified by a worker. The report is the result of the job."""
    job = await ask_for_verification(session, context.project_id, context.actor.user_id)
    return JobRead.of(job, context.key, context.actor.display_name)
