"""The structural rule of reading: nobody writes what they may not read, nor brings it to where they may."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from uuid import UUID

from reqtrail.features.access.public import ReadingRestricted, Withheld, withheld_in
from reqtrail.features.requirements.errors import ReferenceBroken
from reqtrail.features.versioning.public import (
    CommitContext,
    PendingChange,
    Violation,
    get_kind,
    states_at,
)

_SCHEMA = {"type", "attribute", "datatype"}
_ITEM_FIELDS = {"placement": ("item_id",), "link": ("source_id", "target_id")}
"""By kind: the fields that refer to items."""


async def check_reading(context: CommitContext) -> AsyncIterator[Violation]:
    """Yield what a commit would write that is withheld from the one who commits."""
    withheld = withheld_in(context.session)
    if not withheld:
        return
    for item in context.changes:
        for sentence in _reasons(item, withheld):
            yield Violation(ReadingRestricted(sentence))
    documents = {
        item.after["document_id"] for item in context.changes if item.kind == "placement"
    }.intersection(withheld.documents)
    items = await _unseen_items(context, withheld)
    for kind, ids in (("document", documents), ("item", items)):
        for entity_id in sorted(ids):
            # The words for what does not exist.
            yield Violation(
                ReferenceBroken(
                    f"There is no {kind} {entity_id} any more.", kind=kind, ids=[str(entity_id)]
                )
            )


def _reasons(item: PendingChange, withheld: Withheld) -> Iterator[str]:
    before = item.before.content if item.before else {}
    if item.kind in _SCHEMA and item.deleted:
        yield (
            "What uses a type, an attribute or a datatype may stand where you may not read. Ask an owner to delete it."
        )
    if item.kind == "document" and item.entity_id in withheld.documents:
        yield "The document may not be read by you."
    if item.kind == "link_group":
        yield "Groups of links are written by those who may read everything."
    old, new = before.get("attributes") or {}, item.after.get("attributes") or {}
    if not item.deleted and any(old.get(key) != new.get(key) for key in withheld.attribute_keys):
        yield "The change would write values of an attribute that you may not read."


async def _unseen_items(context: CommitContext, withheld: Withheld) -> set[UUID]:
    """Return the items that something would refer to anew and that are withheld."""
    made = {item.entity_id for item in context.changes if item.kind == "item"}
    wanted = {
        item.after[field]
        for item in context.changes
        if not item.deleted
        for field in _ITEM_FIELDS.get(item.kind, ())
        if item.after[field] is not None
    } - made
    if not wanted:
        return set()
    kind, seen = get_kind("item"), replace(context.head, withheld=withheld)
    there = await states_at(context.session, kind, context.head, wanted)
    return there.keys() - (await states_at(context.session, kind, seen, wanted)).keys()
