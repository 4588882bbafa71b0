"""The structural rules of requirements: what must hold after every commit, whoever wrote it."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from reqtrail.features.requirements import repository
from reqtrail.features.requirements.errors import InUse, ReferenceBroken, TreeBroken
from reqtrail.features.versioning.public import CommitContext, PendingChange, State

MAX_DEPTH = 100
"""How deep a document's tree may be."""

_REFERENCES = {
    "placement": (("document_id", "document"), ("item_id", "item")),
    "item": (("type_id", "type"),),
    "document": (("type_id", "type"),),
    "attribute": (("type_id", "type"), ("datatype_id", "datatype")),
}
"""By kind: the fields that refer to something, and to what. A placement's parent is checked as part of the forest."""


async def check_structure(context: CommitContext) -> None:
    """Refuse a commit after which placements are no forest, or something refers to what does not exist.

    Raises:
        TreeBroken, ReferenceBroken, InUse: With a sentence that says what.
    """
    placed = [item for item in context.changes if item.kind == "placement" and not item.deleted]
    await _check_references(context)
    await _check_forest(context, placed)
    await _check_orphans(context)
    await _check_uses(context)


async def _present(context: CommitContext, kind: str, ids: Iterable[UUID]) -> dict[UUID, State]:
    states = await context.lookup(kind, ids)
    return {entity_id: state for entity_id, state in states.items() if not state.deleted}


async def _check_references(context: CommitContext) -> None:
    """What is referred to anew exists. What was referred to before still does: it cannot go while it is needed."""
    wanted: dict[str, set[UUID]] = {}
    for item in context.changes:
        if item.deleted:
            continue
        known = item.before.content if item.before and not item.before.deleted else {}
        for field, kind in _REFERENCES.get(item.kind, ()):
            entity_id = item.after[field]
            if entity_id is not None and entity_id != known.get(field):
                wanted.setdefault(kind, set()).add(entity_id)
    for kind, ids in wanted.items():
        missing = await context.missing(kind, ids)
        if missing:
            raise ReferenceBroken(
                f"There is no {kind} {next(iter(missing))} any more.",
                kind=kind,
                ids=[str(entity_id) for entity_id in sorted(missing)],
            )


async def _check_forest(context: CommitContext, placed: list[PendingChange]) -> None:
    """Walk from each changed placement up to a root: parents exist, lie in the same document, and form no cycle."""
    known: dict[UUID, State] = {item.entity_id: State(item.after, False, 0) for item in placed}
    paths = {item.entity_id: {item.entity_id} for item in placed}
    frontier = {item.entity_id: item.after["parent_id"] for item in placed}
    for _ in range(MAX_DEPTH):
        frontier = {start: parent for start, parent in frontier.items() if parent is not None}
        if not frontier:
            return
        missing = set(frontier.values()) - set(known)
        if missing:
            known.update(await _present(context, "placement", missing))
        for start, parent in frontier.items():
            state = known.get(parent)
            document_id = known[start].content["document_id"]
            if state is None or state.content["document_id"] != document_id:
                raise TreeBroken("The parent does not exist in this document any more.")
            if parent in paths[start]:
                raise TreeBroken("A part of the tree cannot be moved below itself.")
            paths[start].add(parent)
        frontier = {start: known[parent].content["parent_id"] for start, parent in frontier.items()}
    raise TreeBroken(f"A document's tree has at most {MAX_DEPTH} levels.")


async def _check_orphans(context: CommitContext) -> None:
    """What is deleted may leave nothing behind that needs it."""
    changed = {item.entity_id for item in context.changes if item.kind == "placement"}
    gone = {
        kind: [item.entity_id for item in context.changes if item.kind == kind and item.deleted]
        for kind in ("placement", "item", "document")
    }
    for column, kind, sentence in (
        (
            "parent_id",
            "placement",
            "Something was added below it meanwhile. Reload, then delete again.",
        ),
        ("item_id", "item", "The item still stands in a document."),
        ("document_id", "document", "The document is not empty."),
    ):
        if gone[kind]:
            left = await repository.placements_referring(
                context.session, context.head, column, gone[kind]
            )
            if set(left) - changed:
                raise TreeBroken(sentence)
    moved = [
        item.entity_id
        for item in context.changes
        if item.kind == "placement" and not item.deleted and _changed_document(item)
    ]
    if moved:
        left = await repository.placements_referring(
            context.session, context.head, "parent_id", moved
        )
        if set(left) - changed:
            raise TreeBroken("What stands below it must move to the other document with it.")
    await _check_changed_referrers(context, gone)


def _changed_document(item: PendingChange) -> bool:
    before = item.before
    return before is not None and before.content["document_id"] != item.after["document_id"]


async def _check_changed_referrers(context: CommitContext, gone: dict[str, list[UUID]]) -> None:
    fields = {"placement": "parent_id", "item": "item_id", "document": "document_id"}
    for item in context.changes:
        if item.kind == "placement" and not item.deleted:
            for kind, field in fields.items():
                if item.after[field] in gone[kind]:
                    raise TreeBroken(f"A placement would be left without its {kind}.")


async def _check_uses(context: CommitContext) -> None:
    types = [item.entity_id for item in context.changes if item.kind == "type" and item.deleted]
    if types:
        uses = await repository.count_uses(context.session, context.head, types)
        if uses:
            raise InUse(f"{uses} items or documents still have this type. Give them another first.")
    datatypes = [
        item.entity_id for item in context.changes if item.kind == "datatype" and item.deleted
    ]
    if datatypes:
        changed = {item.entity_id for item in context.changes if item.kind == "attribute"}
        left = await repository.attributes_of_datatypes(context.session, context.head, datatypes)
        if set(left) - changed:
            raise InUse("Attributes still have this datatype. Give them another first.")
