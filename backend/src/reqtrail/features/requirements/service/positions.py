"""From "after this one, below that one" to a parent and a rank."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.requirements import repository
from reqtrail.features.requirements.errors import PositionInvalid
from reqtrail.features.versioning.public import Snapshot
from reqtrail.kit.rank import between

Place = dict[str, Any]
"""``document_id``, ``parent_id`` and ``rank`` of a placement."""


class Positions:
    """Mints ranks for one commit. Placements that the commit itself makes or moves count as neighbours too."""

    def __init__(self, session: AsyncSession, head: Snapshot) -> None:
        self._session = session
        self._head = head
        self._siblings: dict[tuple[UUID, UUID | None], list[tuple[str, UUID]]] = {}

    async def place(
        self,
        placement_id: UUID,
        document_id: UUID,
        parent_id: UUID | None,
        *,
        after: UUID | None = None,
        before: UUID | None = None,
        first: bool = False,
    ) -> Place:
        """Return where a placement goes: after or before a sibling, first, or (without any of these) last.

        Raises:
            PositionInvalid: If the sibling does not stand below this parent.
        """
        siblings = await self._load(document_id, parent_id)
        siblings[:] = [entry for entry in siblings if entry[1] != placement_id]
        ids = [entry[1] for entry in siblings]
        if after is not None or before is not None:
            neighbour = after or before
            if neighbour not in ids:
                raise PositionInvalid(
                    "The neighbour does not stand there any more. Reload, then try again."
                )
            index = ids.index(neighbour) + (1 if after is not None else 0)
        else:
            index = 0 if first else len(siblings)
        rank = _rank_at([entry[0] for entry in siblings], index)
        siblings.insert(index, (rank, placement_id))
        return {"document_id": document_id, "parent_id": parent_id, "rank": rank}

    async def _load(self, document_id: UUID, parent_id: UUID | None) -> list[tuple[str, UUID]]:
        key = (document_id, parent_id)
        if key not in self._siblings:
            rows: Sequence[Row[Any]] = await repository.children_of(
                self._session, self._head, document_id, None if parent_id is None else [parent_id]
            )
            self._siblings[key] = [(row.rank, row.entity_id) for row in rows]
        return self._siblings[key]


def _rank_at(ranks: list[str], index: int) -> str:
    """Return a rank for *index*. Equal neighbours (two inserted at once) leave no room: go before or after the run."""
    low = ranks[index - 1] if index else None
    high = ranks[index] if index < len(ranks) else None
    if low is not None and low == high:
        high = next((rank for rank in ranks[index:] if rank > low), None)
    return between(low, high)
