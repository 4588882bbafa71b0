"""What an earlier import of a file brought and the file holds no more.

Placements leave their document, items that stand nowhere else are deleted, links go. Everything can be restored. What
somebody built on meanwhile stays: a placement with something of the project's own below it, an item that is placed
elsewhere or linked by the project's own links.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.exchange.repository import model, staged
from reqtrail.features.exchange.service.lineage import Lineage
from reqtrail.features.exchange.types import Job, Losses
from reqtrail.features.versioning.public import Action, Operation, Snapshot

_CHUNK = 1_000
KEPT = (
    "gone_but_in_use",
    "What the file holds no more stays where the project built on it.",
)


async def plan_removal(
    session: AsyncSession,
    head: Snapshot,
    job: Job,
    lineages: Sequence[Lineage],
    losses: Losses,
) -> AsyncIterator[list[Operation]]:
    """Yield the deletions, what refers to others first."""
    for lineage in lineages:
        if lineage.is_new or not lineage.documents:
            continue
        placements, items = await _gone_placements(session, head, job, lineage, losses)
        gone_items, links = await _gone_items(
            session, head, job, lineage, items, placements, losses
        )
        for kind, ids in (
            ("link_group", await _gone(session, head, job, "link_group", lineage)),
            ("link", [*await _gone(session, head, job, "link", lineage), *links]),
            ("placement", placements),
            ("item", gone_items),
        ):
            unique = list(dict.fromkeys(ids))
            for start in range(0, len(unique), _CHUNK):
                yield [
                    Operation(Action.DELETE, kind, entity_id)
                    for entity_id in unique[start : start + _CHUNK]
                ]


async def _gone(
    session: AsyncSession, head: Snapshot, job: Job, kind: str, lineage: Lineage
) -> list[UUID]:
    rows = await model.imported_of(session, head, kind, lineage.package_id)
    ids = [row.entity_id for row in rows]
    there = await staged.staged_among(session, job, ids)
    return [entity_id for entity_id in ids if entity_id not in there]


async def _gone_placements(
    session: AsyncSession, head: Snapshot, job: Job, lineage: Lineage, losses: Losses
) -> tuple[list[UUID], list[UUID]]:
    """Return the placements to delete, children first, and the items that they showed."""
    rows = await model.placements_of_documents(session, head, lineage.documents)
    there = await staged.staged_among(session, job, [row.entity_id for row in rows])
    children: dict[UUID | None, list[UUID]] = defaultdict(list)
    by_id = {row.entity_id: row for row in rows}
    for row in rows:
        children[row.parent_id].append(row.entity_id)
    package = str(lineage.package_id)
    gone: dict[UUID, bool] = {}
    order: list[UUID] = []
    for entity_id in _children_first(children):
        row = by_id[entity_id]
        missing = row.package == package and entity_id not in there
        free = all(
            gone.get(child, False) or child in there for child in children.get(entity_id, ())
        )
        gone[entity_id] = missing and free
        if missing and free:
            order.append(entity_id)
        elif missing:
            losses.add(*KEPT, where=str(entity_id))
    return order, [by_id[entity_id].item_id for entity_id in order if by_id[entity_id].item_id]


def _children_first(children: dict[UUID | None, list[UUID]]) -> Iterable[UUID]:
    order: list[UUID] = []
    stack = list(children.get(None, ()))
    while stack:
        entity_id = stack.pop()
        order.append(entity_id)
        stack.extend(children.get(entity_id, ()))
    return reversed(order)


async def _gone_items(
    session: AsyncSession,
    head: Snapshot,
    job: Job,
    lineage: Lineage,
    candidates: Sequence[UUID],
    placements: Sequence[UUID],
    losses: Losses,
) -> tuple[list[UUID], list[UUID]]:
    """Return the items to delete with the links of the same file that end at them."""
    there = await staged.staged_among(session, job, candidates)
    wanted = {item for item in candidates if item not in there}
    leaving = set(placements)
    for item_id, placement_id in await model.placed_items(session, head, wanted):
        if placement_id not in leaving:
            wanted.discard(item_id)
    links = []
    for row in await model.links_of(session, head, wanted):
        if row.package == str(lineage.package_id):
            links.append((row.entity_id, {row.source_id, row.target_id}))
            continue
        for item_id in {row.source_id, row.target_id} & wanted:
            wanted.discard(item_id)
            losses.add(*KEPT, where=str(item_id))
    return list(wanted), [link for link, ends in links if ends & wanted]
