"""The order of siblings when a file is imported again: only what the file moved gets another rank.

A file says an order, not ranks. Those siblings whose order is as the last import left it (a longest increasing
subsequence of their ranks) keep theirs; what is new or was moved in the file goes between them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.exchange.repository import staged
from reqtrail.features.exchange.types import Job
from reqtrail.features.versioning.public import (
    Content,
    Kind,
    Snapshot,
    State,
    get_kind,
    states_at,
)
from reqtrail.kit.rank import spread

Bases = Callable[[Kind, Mapping[UUID, State]], Awaitable[dict[UUID, Content]]]

SIBLINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "type": (),
    "attribute": ("type_id",),
    "document": (),
    "placement": ("document_id", "parent_id"),
}
"""The kinds that have ranks, and the fields that siblings share."""
_CHUNK: Final = 2_000


async def keep_ranks(
    session: AsyncSession, head: Snapshot, job: Job, bases: Bases
) -> dict[UUID, str]:
    """Return the ranks of what a file brings, for each group of siblings that the project knows any of.

    Args:
        bases: Gives what entities were after the last import of them.
    """
    groups: dict[tuple[Any, ...], list[tuple[UUID, str | None]]] = defaultdict(list)
    async for rows in staged.staged_chunks(session, job, _CHUNK, tuple(SIBLINGS)):
        kind = get_kind(rows[0].kind)
        shared = SIBLINGS[kind.name]
        states = await states_at(session, kind, head, [row.entity_id for row in rows])
        known = await bases(kind, states)
        for row in rows:
            base = known.get(row.entity_id)
            stayed = base is not None and all(
                _text(base[name]) == row.fields[name] for name in shared
            )
            key = (kind.name, *(row.fields[name] for name in shared))
            groups[key].append((row.entity_id, base["rank"] if base and stayed else None))
    ranks: dict[UUID, str] = {}
    for siblings in groups.values():
        if any(rank is not None for _, rank in siblings):
            ranks.update(arrange(siblings))
    return ranks


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def arrange(siblings: Sequence[tuple[UUID, str | None]]) -> dict[UUID, str]:
    """Return ascending ranks for *siblings* in their order, keeping as many of the given ones as can be."""
    kept = _increasing([rank for _, rank in siblings])
    ranks: dict[UUID, str] = {}
    low: str | None = None
    waiting: list[UUID] = []
    for position, (entity_id, rank) in enumerate(siblings):
        if position not in kept:
            waiting.append(entity_id)
            continue
        ranks.update(zip(waiting, spread(low, rank, len(waiting)), strict=True))
        ranks[entity_id] = rank or ""
        low, waiting = rank, []
    ranks.update(zip(waiting, spread(low, None, len(waiting)), strict=True))
    return ranks


def _increasing(ranks: Sequence[str | None]) -> set[int]:
    """Return the positions of a longest strictly increasing subsequence (patience sorting, O(n log n))."""
    tails: list[str] = []
    ends: list[int] = []
    before: dict[int, int | None] = {}
    for position, rank in enumerate(ranks):
        if rank is None:
            continue
        pile = bisect_left(tails, rank)
        before[position] = ends[pile - 1] if pile else None
        if pile == len(tails):
            tails.append(rank)
            ends.append(position)
        else:
            tails[pile], ends[pile] = rank, position
    kept = set()
    at: int | None = ends[-1] if ends else None
    while at is not None:
        kept.add(at)
        at = before[at]
    return kept
