"""Queries on seals, on the buckets that they share, and on what is visible at a snapshot as leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import fields
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    LargeBinary,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by, insert
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.versioning import repository as engine
from reqtrail.features.versioning.sealing.forms import MEMBER_BYTES
from reqtrail.features.versioning.sealing.tables import seal_buckets, seals
from reqtrail.features.versioning.sealing.types import Seal, SealState
from reqtrail.features.versioning.types import Kind, Snapshot

_COLUMNS = tuple(seals.c[item.name] for item in fields(Seal))
_WAITING = (SealState.PENDING, SealState.SEALING)
_STREAMED_BUCKETS = 64
_JOINED_CHANGES = 5000
_STREAMED_PARTS = 4


def _seal(row: Any) -> Seal:
    values = dict(row._mapping)
    return Seal(**{**values, "state": SealState(values["state"])})


def _is(seal: Seal) -> list[ColumnElement[bool]]:
    return [
        seals.c.project_id == seal.project_id,
        seals.c.branch_id == seal.branch_id,
        seals.c.seq == seal.seq,
    ]


def _is_free() -> list[ColumnElement[bool]]:
    """Return the conditions of a seal that waits for somebody to work on it."""
    return [
        seals.c.state.in_(_WAITING),
        or_(seals.c.lease_until.is_(None), seals.c.lease_until < func.clock_timestamp()),
    ]


async def request(session: AsyncSession, snapshot: Snapshot) -> None:
    """Queue the seal of a snapshot; one that failed is tried again, any other stays as it is."""
    made = insert(seals).values(
        project_id=snapshot.project_id,
        branch_id=snapshot.branch_id,
        seq=snapshot.seq,
        commit_hash=snapshot.commit_hash,
        state=SealState.PENDING,
        next_bucket=0,
        rehashed=0,
        roots=b"",
        attempts=0,
        requested_at=func.clock_timestamp(),
    )
    await session.execute(
        made.on_conflict_do_update(
            constraint=seals.primary_key,
            set_={"state": SealState.PENDING, "attempts": 0, "error": None, "finished_at": None},
            where=seals.c.state == SealState.FAILED,
        )
    )


async def load_seal(
    session: AsyncSession, project_id: UUID, branch_id: UUID, seq: int
) -> Seal | None:
    """Return the seal of the state after commit *seq* of a branch."""
    row = (
        await session.execute(
            select(*_COLUMNS).where(
                seals.c.project_id == project_id, seals.c.branch_id == branch_id, seals.c.seq == seq
            )
        )
    ).one_or_none()
    return None if row is None else _seal(row)


async def load_seals(session: AsyncSession, project_id: UUID) -> list[Seal]:
    """Return the finished seals of a project in the order of its history."""
    rows = await session.execute(
        select(*_COLUMNS)
        .where(seals.c.project_id == project_id, seals.c.state == SealState.SEALED)
        .order_by(seals.c.seq, seals.c.branch_id)
    )
    return [_seal(row) for row in rows]


async def load_roots(session: AsyncSession, seal: Seal) -> bytes:
    """Return the roots of a seal's buckets as far as they are done."""
    return await session.scalar(select(seals.c.roots).where(*_is(seal))) or b""


async def nearest(session: AsyncSession, snapshot: Snapshot) -> Seal | None:
    """Return the newest finished seal of a state below or before *snapshot*, on its branch first."""
    levels = snapshot.levels
    depths = [(seals.c.branch_id == level.branch_id, depth) for depth, level in enumerate(levels)]
    row = (
        await session.execute(
            select(*_COLUMNS)
            .where(
                seals.c.project_id == snapshot.project_id,
                seals.c.state == SealState.SEALED,
                or_(
                    *(
                        (seals.c.branch_id == level.branch_id) & (seals.c.seq <= level.seq)
                        for level in levels
                    )
                ),
            )
            .order_by(case(*depths, else_=len(levels)), seals.c.seq.desc())
            .limit(1)
        )
    ).one_or_none()
    return None if row is None else _seal(row)


async def waiting(session: AsyncSession) -> tuple[int, float]:
    """Return how many seals nobody works on, and for how many seconds the oldest of them has waited."""
    waited = func.extract("epoch", func.clock_timestamp() - func.min(seals.c.requested_at))
    statement = select(func.count(), func.coalesce(waited, 0)).where(*_is_free())
    row = (await session.execute(statement)).one()
    return int(row[0]), float(row[1])


async def take(
    session: AsyncSession, project_id: UUID, branch_id: UUID, seq: int, lease: timedelta
) -> Seal | None:
    """Take the seal of a state for the job that makes it; None if it is made, or failed.

    A job has one worker at a time, so whoever still has a lease of the seal has lost the job, and is fenced off.
    """
    taken = await session.execute(
        update(seals)
        .where(
            seals.c.project_id == project_id,
            seals.c.branch_id == branch_id,
            seals.c.seq == seq,
            seals.c.state.in_(_WAITING),
        )
        .values(
            state=SealState.SEALING,
            attempts=seals.c.attempts + 1,
            lease_until=func.clock_timestamp() + lease,
        )
        .returning(*_COLUMNS)
    )
    row = taken.one_or_none()
    return None if row is None else _seal(row)


async def claim(
    session: AsyncSession, lease: timedelta, waited: timedelta = timedelta()
) -> Seal | None:
    """Take the oldest seal that nobody works on and that has *waited*; its lease must be renewed before it runs out."""
    free = (
        select(*_COLUMNS)
        .where(
            *_is_free(),
            seals.c.requested_at <= func.clock_timestamp() - waited,
        )
        .order_by(seals.c.requested_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    found = (await session.execute(free)).one_or_none()
    if found is None:
        return None
    taken = await session.execute(
        update(seals)
        .where(*_is(_seal(found)))
        .values(
            state=SealState.SEALING,
            attempts=seals.c.attempts + 1,
            lease_until=func.clock_timestamp() + lease,
        )
        .returning(*_COLUMNS)
    )
    return _seal(taken.one())


async def renew(session: AsyncSession, seal: Seal, lease: timedelta) -> bool:
    """Extend the lease; return whether it is still ours."""
    return await _change(session, seal, lease_until=func.clock_timestamp() + lease)


async def save_range(
    session: AsyncSession, seal: Seal, roots: bytes, buckets: int, rehashed: int
) -> bool:
    """Keep the roots of the next *buckets*; return whether the lease is still ours."""
    return await _change(
        session,
        seal,
        roots=seals.c.roots.concat(roots),
        next_bucket=seals.c.next_bucket + buckets,
        rehashed=seals.c.rehashed + rehashed,
    )


async def finish(session: AsyncSession, seal: Seal, state: SealState, **values: Any) -> bool:
    """End a seal; return whether the lease was still ours."""
    ended = {"state": state, "finished_at": func.clock_timestamp(), "lease_until": None}
    return await _change(session, seal, **ended, **values)


async def _change(session: AsyncSession, seal: Seal, **values: Any) -> bool:
    # The number of attempts fences off whoever lost the lease without noticing.
    found = await session.scalar(
        update(seals)
        .where(*_is(seal), seals.c.attempts == seal.attempts, seals.c.state == SealState.SEALING)
        .values(**values)
        .returning(seals.c.attempts)
    )
    return found is not None


def _given(roots: Iterable[bytes]) -> Any:
    """Return the condition that a bucket's root is among *roots*."""
    wanted = bindparam(None, sorted(set(roots)), type_=ARRAY(LargeBinary), unique=True)
    return seal_buckets.c.root == func.any(wanted)


async def store_buckets(
    session: AsyncSession, project_id: UUID, members: Mapping[bytes, bytes]
) -> None:
    """Keep buckets by their roots; those that are there already stay."""
    if not members:
        return
    # Two workers that store the same buckets must not wait for each other crosswise, so they go in one order.
    kinds: Any = ARRAY(LargeBinary)
    ordered = sorted(members)
    given = (
        func.unnest(
            bindparam("roots", ordered, type_=kinds),
            bindparam("members", [members[root] for root in ordered], type_=kinds),
        )
        .table_valued("root", "members", name="given")
        .render_derived()
    )
    project = bindparam("project", project_id, type_=seal_buckets.c.project_id.type)
    await session.execute(
        insert(seal_buckets)
        .from_select(
            ["project_id", "root", "members"], select(project, given.c.root, given.c.members)
        )
        .on_conflict_do_nothing()
    )


async def load_buckets(
    session: AsyncSession, project_id: UUID, roots: Iterable[bytes]
) -> dict[bytes, bytes]:
    """Return the members of buckets by their roots."""
    rows = await session.execute(
        select(seal_buckets.c.root, seal_buckets.c.members).where(
            seal_buckets.c.project_id == project_id, _given(roots)
        )
    )
    return {row.root: row.members for row in rows}


async def count_leaves(session: AsyncSession, project_id: UUID, roots: Iterable[bytes]) -> int:
    """Return how many leaves buckets hold, without reading them."""
    total = func.coalesce(func.sum(func.octet_length(seal_buckets.c.members)), 0)
    found = await session.scalar(
        select(total).where(seal_buckets.c.project_id == project_id, _given(roots))
    )
    return int(found or 0) // MEMBER_BYTES


def _bytes_of(value: bytes) -> ColumnElement[bytes]:
    return literal(value, LargeBinary)


def _identity(column: Any) -> ColumnElement[bytes]:
    return func.uuid_send(column, type_=LargeBinary)


def _leaf(kind: Kind, rows: Any) -> ColumnElement[bytes]:
    """Return the leaf of a visible row, made by PostgreSQL: half the time of hashing in Python."""
    start = _bytes_of(b"\x00" + kind.name.encode())
    data = start.concat(_identity(rows.c.entity_id)).concat(rows.c.content_hash)
    return func.sha256(data, type_=LargeBinary)


def _bucket(column: Any) -> ColumnElement[int]:
    digest = func.sha256(_identity(column), type_=LargeBinary)
    first, second = (func.get_byte(digest, place, type_=Integer) for place in (0, 1))
    return first.bitwise_lshift(4).bitwise_or(second.bitwise_rshift(4))


async def stream_members(
    session: AsyncSession, kinds: Iterable[Kind], snapshot: Snapshot, first_bucket: int = 0
) -> AsyncIterator[tuple[int, bytes]]:
    """Yield ``(bucket, members)`` of everything visible at *snapshot*, by rising bucket; empty buckets are left out."""
    parts = []
    for kind in kinds:
        rows = engine.visible(kind.table, snapshot)
        parts.append(
            select(
                _bucket(rows.c.entity_id).label("bucket"),
                rows.c.entity_id.label("entity_id"),
                _leaf(kind, rows).label("leaf"),
            )
        )
    leaves = union_all(*parts).subquery("leaves")
    members = func.string_agg(
        _identity(leaves.c.entity_id).concat(leaves.c.leaf),
        aggregate_order_by(_bytes_of(b""), leaves.c.entity_id),
        type_=LargeBinary,
    )
    statement = (
        select(leaves.c.bucket, members)
        .where(leaves.c.bucket >= first_bucket)
        .group_by(leaves.c.bucket)
        .order_by(leaves.c.bucket)
        .execution_options(yield_per=_STREAMED_BUCKETS)
    )
    async for row in await session.stream(statement):
        yield row[0], row[1]


async def visible_leaves(
    session: AsyncSession, kind: Kind, snapshot: Snapshot, ids: Iterable[UUID]
) -> dict[bytes, bytes]:
    """Return the leaves of those among *ids* that are visible at *snapshot*, by the bytes of their ids."""
    rows = engine.visible(kind.table, snapshot)
    found = await session.execute(
        select(rows.c.entity_id, _leaf(kind, rows)).where(engine.in_ids(rows.c.entity_id, ids))
    )
    return {row[0].bytes: row[1] for row in found}


async def visible_rows(
    session: AsyncSession, kind: Kind, snapshot: Snapshot, ids: Iterable[UUID]
) -> list[Mapping[str, Any]]:
    """Return the whole visible revisions of those among *ids* that are visible at *snapshot*."""
    rows = engine.visible(kind.table, snapshot)
    found = await session.execute(select(rows).where(engine.in_ids(rows.c.entity_id, ids)))
    return [dict(row) for row in found.mappings()]


async def stream_changes(
    session: AsyncSession, kind: Kind, project_id: UUID, branch_id: UUID, seq: int
) -> AsyncIterator[bytes]:
    """Yield what commit *seq* of a branch wrote of *kind*, sorted by entity id, as the bytes that its hash covers.

    They are those of :class:`ChangesDigest`, put together by PostgreSQL: a third of the time for a large import.
    """
    column = kind.table.c
    mark = case((column.deleted, _bytes_of(b"\1")), else_=_bytes_of(b"\0"))
    start = _bytes_of(kind.name.encode() + b"\0").concat(_identity(column.entity_id))
    number = func.row_number(type_=Integer).over(order_by=column.entity_id)
    rows = (
        select(
            column.entity_id,
            start.concat(mark).concat(column.content_hash).label("data"),
            number.op("/")(_JOINED_CHANGES).label("part"),
        )
        .where(
            column.project_id == project_id,
            column.branch_id == branch_id,
            column.seq_from == seq,
        )
        .subquery("written")
    )
    joined = func.string_agg(
        rows.c.data, aggregate_order_by(_bytes_of(b""), rows.c.entity_id), type_=LargeBinary
    )
    statement = (
        select(joined)
        .group_by(rows.c.part)
        .order_by(rows.c.part)
        .execution_options(yield_per=_STREAMED_PARTS)
    )
    async for row in await session.stream(statement):
        yield row[0]
