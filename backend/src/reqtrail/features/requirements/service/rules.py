"""The structural rules of requirements: what must hold after every commit, whoever wrote it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from reqtrail.features.requirements import repository
from reqtrail.features.requirements.errors import InUse, ReferenceBroken, TreeBroken
from reqtrail.features.versioning.public import CommitContext, PendingChange, State, Violation

MAX_DEPTH = 100
"""How deep a document's tree may be."""

MAX_NAMED = 20
"""So many of the users of a type are named."""

Choice = tuple[str, UUID, str]
"""Kind, entity and field of which another choice could mend a violation."""

_REFERENCES = {
    "placement": (("document_id", "document"), ("item_id", "item")),
    "item": (("type_id", "type"),),
    "document": (("type_id", "type"),),
    "attribute": (("type_id", "type"), ("datatype_id", "datatype")),
}
"""By kind: the fields that refer to something, and to what. A placement's parent is checked as part of the forest."""


async def check_structure(context: CommitContext) -> AsyncIterator[Violation]:
    """Yield why placements would be no forest after a commit, or what would refer to something that does not exist."""
    for rule in (_references, _forest, _orphans, _uses):
        async for violation in rule(context):
            yield violation


async def _present(context: CommitContext, kind: str, ids: Iterable[UUID]) -> dict[UUID, State]:
    states = await context.lookup(kind, ids)
    return {entity_id: state for entity_id, state in states.items() if not state.deleted}


async def _references(context: CommitContext) -> AsyncIterator[Violation]:
    """What is referred to anew exists. What was referred to before still does: it cannot go while it is needed."""
    wanted: dict[str, dict[UUID, list[Choice]]] = {}
    for item in context.changes:
        if item.deleted:
            continue
        known = item.before.content if item.before and not item.before.deleted else {}
        for field, kind in _REFERENCES.get(item.kind, ()):
            entity_id = item.after[field]
            if entity_id is not None and entity_id != known.get(field):
                named = "position" if field == "document_id" else field
                users = wanted.setdefault(kind, {}).setdefault(entity_id, [])
                users.append((item.kind, item.entity_id, "existence" if not known else named))
    for kind, uses in wanted.items():
        for entity_id in sorted(await context.missing(kind, uses)):
            yield Violation(
                ReferenceBroken(
                    f"There is no {kind} {entity_id} any more.", kind=kind, ids=[str(entity_id)]
                ),
                ((kind, entity_id, "existence"), *uses[entity_id]),
            )


async def _forest(context: CommitContext) -> AsyncIterator[Violation]:
    """Walk from each changed placement up to a root: parents exist, lie in the same document, and form no cycle."""
    placed = [item for item in context.changes if item.kind == "placement" and not item.deleted]
    known: dict[UUID, State] = {item.entity_id: State(item.after, False, 0) for item in placed}
    paths = {item.entity_id: [item.entity_id] for item in placed}
    frontier = {item.entity_id: item.after["parent_id"] for item in placed}
    for _ in range(MAX_DEPTH):
        frontier = {start: parent for start, parent in frontier.items() if parent is not None}
        if not frontier:
            return
        missing = set(frontier.values()) - set(known)
        if missing:
            known.update(await _present(context, "placement", missing))
        for start, parent in list(frontier.items()):
            problem = _step(known, paths[start], parent)
            if problem is None:
                paths[start].append(parent)
                frontier[start] = known[parent].content["parent_id"]
            else:
                del frontier[start]
                yield problem
    for start in frontier:
        yield Violation(
            TreeBroken(f"A document's tree has at most {MAX_DEPTH} levels."),
            (("placement", start, "position"),),
        )


def _step(known: Mapping[UUID, State], path: Sequence[UUID], parent: UUID) -> Violation | None:
    """Return what is wrong with *parent* as the parent of the last placement of *path*, if anything."""
    state, document_id = known.get(parent), known[path[0]].content["document_id"]
    if state is None or state.content["document_id"] != document_id:
        return Violation(
            TreeBroken("The parent does not exist in this document any more."),
            (
                ("placement", parent, "existence"),
                ("placement", parent, "position"),
                ("placement", path[-1], "existence"),
                ("placement", path[-1], "position"),
            ),
        )
    if parent in path:
        return Violation(
            TreeBroken("A part of the tree cannot be moved below itself."),
            tuple(("placement", entity_id, "position") for entity_id in path),
        )
    return None


async def _orphans(context: CommitContext) -> AsyncIterator[Violation]:
    """What is deleted, or moves to another document, may leave nothing behind that needs it."""
    changed = {item.entity_id for item in context.changes if item.kind == "placement"}
    gone = {
        kind: [item.entity_id for item in context.changes if item.kind == kind and item.deleted]
        for kind in ("placement", "item", "document")
    }
    moved = [
        item.entity_id
        for item in context.changes
        if item.kind == "placement" and not item.deleted and _changed_document(item)
    ]
    for column, kind, ids, sentence in (
        (
            "parent_id",
            "placement",
            gone["placement"],
            "Something was added below it meanwhile. Reload, then delete again.",
        ),
        ("item_id", "item", gone["item"], "The item still stands in a document."),
        ("document_id", "document", gone["document"], "The document is not empty."),
        (
            "parent_id",
            "position",
            moved,
            "What stands below it must move to the other document with it.",
        ),
    ):
        if not ids:
            continue
        left = await repository.placements_referring(context.session, context.head, column, ids)
        for row in left:
            if row.entity_id not in changed:
                field = "existence" if kind != "position" else "position"
                subject = "placement" if kind == "position" else kind
                yield Violation(
                    TreeBroken(sentence),
                    (
                        (subject, row.refers_to, field),
                        ("placement", row.entity_id, "existence"),
                        ("placement", row.entity_id, "position"),
                    ),
                )
    for violation in _changed_referrers(context, gone):
        yield violation


def _changed_document(item: PendingChange) -> bool:
    before = item.before
    return before is not None and before.content["document_id"] != item.after["document_id"]


def _changed_referrers(
    context: CommitContext, gone: Mapping[str, Sequence[UUID]]
) -> Iterator[Violation]:
    fields = {"placement": "parent_id", "item": "item_id", "document": "document_id"}
    for item in context.changes:
        if item.kind != "placement" or item.deleted:
            continue
        for kind, field in fields.items():
            if item.after[field] in gone[kind]:
                yield Violation(
                    TreeBroken(f"A placement would be left without its {kind}."),
                    (
                        (kind, item.after[field], "existence"),
                        ("placement", item.entity_id, "existence"),
                        ("placement", item.entity_id, "position"),
                    ),
                )


async def _uses(context: CommitContext) -> AsyncIterator[Violation]:
    """Types and datatypes stay while something has them."""
    gone = {
        kind: [item.entity_id for item in context.changes if item.kind == kind and item.deleted]
        for kind in ("type", "datatype")
    }
    changed = {(item.kind, item.entity_id) for item in context.changes}
    for kind, ids in gone.items():
        if not ids:
            continue
        left: dict[UUID, list[Choice]] = {}
        for row in await repository.uses_of(context.session, context.head, kind, ids):
            if (row.kind, row.entity_id) not in changed:
                field = "existence" if row.kind == "attribute" else "type_id"
                left.setdefault(row.used, []).append((row.kind, row.entity_id, field))
        for used, users in left.items():
            things = "Attributes" if kind == "datatype" else f"{len(users)} items or documents"
            if kind == "type" and all(user[0] == "attribute" for user in users):
                things = "Attributes"
            yield Violation(
                InUse(f"{things} still have this {kind}. Give them another first."),
                ((kind, used, "existence"), *users[:MAX_NAMED]),
            )
