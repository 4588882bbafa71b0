"""Baselines: names for states that never change, sealed in the background, with files that prove them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.public import BaselineMaker, Exporter, HistoryReader, as_member
from reqtrail.features.identity.public import display_names
from reqtrail.features.versioning.errors import RefNotFound
from reqtrail.features.versioning.schemas import (
    BaselineCreate,
    BaselineList,
    BaselineRead,
    SealRead,
)
from reqtrail.features.versioning.sealing import export_pieces, request_seal, seal_state
from reqtrail.features.versioning.service.branches import create_baseline, list_baselines
from reqtrail.features.versioning.service.refs import snapshot_at
from reqtrail.features.versioning.types import BaselineState
from reqtrail.platform.conditional import json_response
from reqtrail.platform.database.engine import Database
from reqtrail.platform.database.session import (
    ReadSession,
    WriteSession,
    get_database,
    record_read,
)
from reqtrail.platform.download import disposition
from reqtrail.platform.http import ApiRouter
from reqtrail.platform.throttle import expensive

router = ApiRouter()


@router.get("/baselines", operation_id="list_baselines", response_model=BaselineList)
async def get_baselines(context: HistoryReader, session: ReadSession) -> Response:
    """List the baselines of a project, newest first."""
    found = await list_baselines(session, context.project_id)
    listed = BaselineList(baselines=await _read(session, found))
    return json_response(listed.model_dump(mode="json"))


@router.post("/baselines", operation_id="create_baseline", status_code=201)
async def post_baseline(
    body: BaselineCreate, context: BaselineMaker, session: WriteSession
) -> BaselineRead:
    """Give a version a name for good, at once; a worker seals it after that."""
    baseline_id = await create_baseline(
        session,
        context.project_id,
        context.actor.user_id,
        body.name,
        body.ref,
        body.description,
    )
    found = await _find(session, context.project_id, baseline_id)
    row = found.row
    snapshot = await snapshot_at(session, context.project_id, row.branch_id, row.seq)
    await request_seal(session, context.project_id, snapshot)
    return (await _read(session, [found]))[0]


@router.get("/baselines/{baseline_id}", operation_id="get_baseline")
async def get_baseline(
    baseline_id: UUID, context: HistoryReader, session: ReadSession
) -> BaselineRead:
    """Return one baseline."""
    found = await _find(session, context.project_id, baseline_id)
    return (await _read(session, [found]))[0]


@router.get(
    "/baselines/{baseline_id}/proof",
    operation_id="export_baseline",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/json": {}}}},
)
@expensive("export")
async def get_proof(
    request: Request, baseline_id: UUID, context: Exporter, session: ReadSession
) -> StreamingResponse:
    """Export everything that a sealed baseline names, with proofs that can be checked without Reqtrail."""
    found = await _find(session, context.project_id, baseline_id)
    database = get_database(request).within(as_member(context.actor.user_id, context.project_id))
    pieces = _pieces(database, context.project_id, found)
    # Whatever refuses it is raised before the first byte.
    first = await anext(pieces)
    details = {"name": found.row.name, "commit": found.row.seq}
    await record_read(request, "baseline:export", details=details)

    async def whole() -> AsyncGenerator[bytes, None]:
        async with aclosing(pieces):
            yield first
            async for piece in pieces:
                yield piece

    return StreamingResponse(
        whole(),
        media_type="application/json",
        headers={
            "Content-Disposition": disposition(
                "attachment", f"{context.key} {found.row.name}.json"
            ),
            "Cache-Control": "no-store",
        },
    )


async def _pieces(
    database: Database, project_id: UUID, baseline: BaselineState
) -> AsyncGenerator[bytes, None]:
    """Yield the file in a transaction of its own, which lasts as long as the download."""
    row = baseline.row
    async with database.read_session() as session:
        snapshot = await snapshot_at(session, project_id, row.branch_id, row.seq)
        async for piece in export_pieces(session, snapshot):
            yield piece


async def _find(session: AsyncSession, project_id: UUID, baseline_id: UUID) -> BaselineState:
    found = await list_baselines(session, project_id, baseline_id)
    if not found:
        raise RefNotFound("There is no such baseline in this project.")
    return found[0]


async def _read(session: AsyncSession, found: Sequence[BaselineState]) -> list[BaselineRead]:
    names = await display_names(session, {item.made.author_id for item in found})
    read = []
    for item in found:
        row = item.row
        seal = await seal_state(session, row.project_id, row.branch_id, row.seq)
        shown = None
        if seal is not None:
            shown = SealRead(
                state=seal.state,
                root=seal.root.hex() if seal.root else None,
                leaf_count=seal.leaf_count,
                error=seal.error,
            )
        read.append(BaselineRead.of(item, names, shown))
    return read
