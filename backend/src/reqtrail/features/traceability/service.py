"""Links: lists both ways, and the rules that keep their ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.requirements.public import load_schema, present_attributes, titles
from reqtrail.features.traceability import repository
from reqtrail.features.traceability.errors import LinkBroken, LinkExists
from reqtrail.features.versioning.public import (
    Action,
    CommitContext,
    EntityNotFound,
    Operation,
    PendingChange,
    Snapshot,
    Violation,
    entity,
    states_at,
)

Json = dict[str, Any]


async def links_both_ways(session: AsyncSession, snapshot: Snapshot, item_id: UUID) -> Json:
    """Return the links that leave an item and those that arrive, each with its other end.

    Raises:
        EntityNotFound: If the project has no such item.
    """
    rows = await repository.links_of(session, snapshot, [item_id])
    if not rows:
        kind, _ = await entity(session, snapshot.project_id, item_id)
        if snapshot.withheld and not await states_at(session, kind, snapshot, [item_id]):
            raise EntityNotFound(f"There is no {item_id} in this project.", id=str(item_id))
    schema = await load_schema(session, snapshot)
    ends = {end for row in rows for end in (row.source_id, row.target_id)}
    names = await titles(session, snapshot, ends, schema) if ends else {}
    shown = await present_attributes(session, snapshot, schema, [row.attributes for row in rows])
    result: Json = {"outgoing": [], "incoming": []}
    for row, attributes in zip(rows, shown, strict=True):
        leaves = row.source_id == item_id
        other = row.target_id if leaves else row.source_id
        key, title, style = names.get(other, (None, "", "requirement"))
        result["outgoing" if leaves else "incoming"].append(
            {
                "id": row.entity_id,
                "type_id": row.type_id,
                "attributes": attributes,
                "other": {"id": other, "key": key, "title": title, "style": style},
            }
        )
    return result


async def delete_links_of_items(
    session: AsyncSession, head: Snapshot, ids: Sequence[UUID]
) -> Iterable[Operation]:
    """Return the operations that delete every link of items about to be deleted."""
    rows = await repository.links_of(session, head, ids)
    return [Operation(Action.DELETE, "link", row.entity_id) for row in rows]


async def links_to_restore(
    session: AsyncSession,
    head: Snapshot,
    source: Snapshot,
    ids: Collection[UUID],
    present: Callable[[Iterable[UUID]], Awaitable[set[UUID]]],
) -> Iterable[tuple[str, UUID]]:
    """Return the links at *source* of items about to be restored, but for those without an end or made anew since.

    Args:
        present: Tells which items will be there.
    """
    rows = await repository.links_of(session, source, ids)
    there = await present({end for row in rows for end in (row.source_id, row.target_id)})
    taken = {
        (row.source_id, row.target_id, row.type_id): row.entity_id
        for row in await repository.links_of(session, head, ids)
    }
    return [
        ("link", row.entity_id)
        for row in rows
        if {row.source_id, row.target_id} <= there
        and taken.get((row.source_id, row.target_id, row.type_id), row.entity_id) == row.entity_id
    ]


async def check_links(context: CommitContext) -> AsyncIterator[Violation]:
    """Yield why a link would have no end, end at its source, or stand twice after a commit."""
    changed = [item for item in context.changes if item.kind == "link" and not item.deleted]
    if changed:
        for rule in (_ends, _twins):
            async for violation in rule(context, changed):
                yield violation
    async for violation in _left(context):
        yield violation


async def _ends(context: CommitContext, changed: list[PendingChange]) -> AsyncIterator[Violation]:
    for kind, name, fields, sentence in (
        (
            "item",
            "item",
            ("source_id", "target_id"),
            "One end of the link does not exist any more.",
        ),
        ("type", "link_type", ("type_id",), "The type of the link does not exist any more."),
    ):
        users: dict[UUID, list[tuple[str, UUID, str]]] = {}
        for item in changed:
            for field in fields:
                if item.after[field] is not None:
                    users.setdefault(item.after[field], []).append(
                        ("link", item.entity_id, "existence")
                    )
        for gone in await context.missing(kind, users):
            yield Violation(
                LinkBroken(sentence, **{name: str(gone)}), ((kind, gone, "existence"), *users[gone])
            )


async def _twins(context: CommitContext, changed: list[PendingChange]) -> AsyncIterator[Violation]:
    """New links only: an import may bring twins, which exchange must keep."""
    if context.bulk:
        return
    touched = {item.entity_id for item in context.changes if item.kind == "link"}
    rows = await repository.links_from(
        context.session, context.head, {item.after["source_id"] for item in changed}
    )
    taken = {
        (row.source_id, row.target_id, row.type_id): row.entity_id
        for row in rows
        if row.entity_id not in touched
    }
    for item in changed:
        about = ("link", item.entity_id, "existence")
        triple = (item.after["source_id"], item.after["target_id"], item.after["type_id"])
        if item.before is None and triple[0] == triple[1]:
            yield Violation(LinkBroken("An item cannot be linked to itself."), (about,))
        if item.before is None and triple in taken:
            yield Violation(
                LinkExists("The two items are linked in this way already."),
                (about, ("link", taken[triple], "existence")),
            )
        taken[triple] = item.entity_id


async def _left(context: CommitContext) -> AsyncIterator[Violation]:
    gone = {item.entity_id for item in context.changes if item.kind == "item" and item.deleted}
    touched = {item.entity_id for item in context.changes if item.kind == "link"}
    if gone:
        for row in await repository.links_of(context.session, context.head, gone):
            if row.entity_id not in touched:
                ends = sorted({row.source_id, row.target_id} & gone)
                yield Violation(
                    LinkBroken("The item was linked meanwhile. Reload, then delete it again."),
                    (
                        *(("item", end, "existence") for end in ends),
                        ("link", row.entity_id, "existence"),
                    ),
                )
    types = [item.entity_id for item in context.changes if item.kind == "type" and item.deleted]
    if types:
        for row in await repository.links_of_types(context.session, context.head, types):
            if row.entity_id not in touched:
                yield Violation(
                    LinkBroken(
                        "Links of this type still exist. Delete them, or change their type."
                    ),
                    (("type", row.type_id, "existence"), ("link", row.entity_id, "existence")),
                )
