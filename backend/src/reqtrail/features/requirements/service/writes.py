"""The write door: from what a client asks for to the operations of one commit.

Everything is prepared under the project's commit lock, so that ranks and subtrees are those of the head.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.requirements import repository
from reqtrail.features.requirements.errors import InUse, ItemNotFound, WriteInvalid
from reqtrail.features.requirements.richtext import source_from_html
from reqtrail.features.requirements.richtext.render import render
from reqtrail.features.requirements.service.definitions import definition_fields
from reqtrail.features.requirements.service.items import files_for
from reqtrail.features.requirements.service.positions import Positions
from reqtrail.features.requirements.service.retyping import carried_over
from reqtrail.features.requirements.service.schema import carry_schema, load_schema
from reqtrail.features.requirements.service.values import check_text, check_value
from reqtrail.features.requirements.types import Schema
from reqtrail.features.versioning.public import (
    Action,
    CommitRequest,
    CommitResult,
    EntityNotFound,
    OpenCommit,
    Operation,
    Snapshot,
    State,
    as_seen,
    commit,
    get_kind,
    open_commit,
    states_at,
)
from reqtrail.kit.ids import new_id
from reqtrail.kit.rank import between


@dataclass(frozen=True)
class Position:
    """Where a placement shall stand."""

    document_id: UUID
    parent_id: UUID | None = None
    after: UUID | None = None
    before: UUID | None = None
    first: bool = False


@dataclass(frozen=True)
class Write:
    """One thing that a client asks for. ``op`` is create, update, move, delete or restore."""

    op: str
    kind: str
    entity_id: UUID | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    position: Position | None = None
    base_seq: int | None = None
    from_seq: int | None = None
    with_items: bool = False


_WITH_VALUES = {"item", "document", "link"}
"""Kinds that have a type and attribute values."""

Cascade = Callable[[AsyncSession, Snapshot, Sequence[UUID]], Awaitable[Iterable[Operation]]]
"""Given the head and items about to be deleted, says what must be deleted with them."""

_item_cascades: dict[str, Cascade] = {}


def register_item_cascade(name: str, cascade: Cascade) -> None:
    """Have *cascade* asked whenever items are deleted; features above requirements delete what hangs on them."""
    _item_cascades[name] = cascade


async def write(
    session: AsyncSession, request: CommitRequest, writes: Sequence[Write]
) -> CommitResult:
    """Commit what a client asks for.

    Raises:
        WriteInvalid, ValueInvalid, PositionInvalid: If it does not fit.
        EditConflict, TreeBroken, InUse, ReferenceBroken: If the state does not allow it.
    """
    opened = await open_commit(
        session, request.project_id, request.branch, as_owner=request.as_owner
    )
    await _find_all(session, as_seen(session, opened.head), opened.head, writes)
    schema = await load_schema(session, opened.head)
    preparation = _Preparation(session, opened, schema, request.base_seq)
    await preparation.load(writes)
    operations: list[Operation] = []
    for item in writes:
        operations.extend(await preparation.operations(item))
    result = await commit(session, request, operations, opened=opened)
    carry_schema(opened.head, result)
    return replace(result, snapshot=as_seen(session, result.snapshot))


async def _find_all(
    session: AsyncSession, seen: Snapshot, head: Snapshot, writes: Sequence[Write]
) -> None:
    """Answer for what is withheld from the one who writes as for what does not exist.

    Raises:
        ItemNotFound, EntityNotFound: If one of *writes* is on something that is there at *head* but not *seen*.
    """
    if not seen.withheld:
        return
    wanted: dict[str, set[UUID]] = {}
    for item in writes:
        if item.op != "create" and item.entity_id is not None:
            wanted.setdefault(item.kind, set()).add(item.entity_id)
    for name, ids in wanted.items():
        kind = get_kind(name)
        there = await states_at(session, kind, head, ids)
        for entity_id in there.keys() - (await states_at(session, kind, seen, ids)).keys():
            if name == "item":
                raise ItemNotFound("There is no such item any more.")
            raise EntityNotFound(
                f"There is no {name} {entity_id} in this project.", kind=name, id=str(entity_id)
            )


class _Preparation:
    def __init__(
        self, session: AsyncSession, opened: OpenCommit, schema: Schema, base_seq: int | None
    ) -> None:
        self._session = session
        self._base_seq = base_seq
        self._opened = opened
        self._head = opened.head
        self._schema = schema
        self._positions = Positions(session, as_seen(session, opened.head))
        self._new_types: dict[UUID, UUID | None] = {}
        self._states: dict[tuple[str, UUID], State] = {}

    async def operations(self, item: Write) -> list[Operation]:
        if item.op == "create":
            return [await self._create(item)]
        if item.entity_id is None:
            raise WriteInvalid(f"“{item.op}” needs the id of a {item.kind}.")
        if item.op == "delete":
            return [self._based(item, one) for one in await self._delete(item, item.entity_id)]
        if item.op == "restore":
            return [
                Operation(
                    Action.RESTORE,
                    item.kind,
                    item.entity_id,
                    base_seq=item.base_seq,
                    from_seq=item.from_seq,
                )
            ]
        if item.op == "move":
            if item.kind != "placement" or item.position is None:
                raise WriteInvalid("“move” takes a placement and a position.")
            fields = await self._place(item.entity_id, item.position)
        else:
            fields = await self._fields(item, item.entity_id)
        return [Operation(Action.UPDATE, item.kind, item.entity_id, fields, base_seq=item.base_seq)]

    def _based(self, item: Write, operation: Operation) -> Operation:
        """What goes with a deleted thing was seen when that was, unless the whole write says from when."""
        if operation.base_seq is None and self._base_seq is None:
            return replace(operation, base_seq=item.base_seq)
        return operation

    async def _create(self, item: Write) -> Operation:
        entity_id = item.entity_id or new_id()
        fields = await self._fields(item, entity_id)
        defaults = {name: _DEFAULTS.get(name) for name in get_kind(item.kind).field_names}
        if item.kind == "placement":
            if item.position is None:
                raise WriteInvalid("A new placement needs a position.")
            fields = {**fields, **await self._place(entity_id, item.position)}
        if item.kind == "document" and "rank" not in fields:
            last = await repository.last_document_rank(self._session, self._head)
            fields["rank"] = between(last, None)
        if item.kind in _WITH_VALUES:
            self._new_types[entity_id] = fields.get("type_id")
        return Operation(Action.CREATE, item.kind, entity_id, {**defaults, **fields})

    async def _place(self, placement_id: UUID, position: Position) -> dict[str, Any]:
        return await self._positions.place(
            placement_id,
            position.document_id,
            position.parent_id,
            after=position.after,
            before=position.before,
            first=position.first,
        )

    async def _fields(self, item: Write, entity_id: UUID) -> dict[str, Any]:
        creating = item.op == "create"
        fields = definition_fields(item.kind, item.fields, creating=creating)
        if "enum_values" in fields:
            fields["enum_values"] = self._enum_values(entity_id, fields["enum_values"])
        if "attributes" not in fields and "type_id" not in fields or item.kind == "attribute":
            return fields
        state = self._states.get((item.kind, entity_id))
        current = state.content["attributes"] if state else {}
        old = state.content["type_id"] if state else self._new_types.get(entity_id)
        type_id = fields.get("type_id", old)
        values = await self._values(fields.get("attributes", {}), current, type_id)
        if not creating:
            values = {**carried_over(self._schema, old, type_id, current), **values}
        if values or creating:
            fields["attributes"] = values
        return fields

    def _enum_values(self, datatype_id: UUID, values: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Clients do not see what an imported file says of a value besides: it stays with the value."""
        datatype = self._schema.datatypes.get(datatype_id)
        kept = (
            {entry["id"]: entry.get("extra") for entry in datatype.enum_values} if datatype else {}
        )
        return [{**entry, "extra": kept.get(entry["id"])} for entry in values]

    async def load(self, writes: Sequence[Write]) -> None:
        """Read the states that the *writes* change, all of a kind at once."""
        ids: dict[str, set[UUID]] = {}
        for item in writes:
            if item.op == "update" and item.entity_id is not None and item.kind in _WITH_VALUES:
                ids.setdefault(item.kind, set()).add(item.entity_id)
        for kind, wanted in ids.items():
            states = await states_at(self._session, get_kind(kind), self._head, wanted)
            self._states.update({(kind, name): state for name, state in states.items()})
            self._opened.remember(kind, states)

    async def _values(
        self, values: Mapping[str, Any], current: Mapping[str, Any], type_id: UUID | None
    ) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for name, value in values.items():
            attribute = self._schema.attributes.get(name)
            if value is None:
                result[name] = None  # what is left of an attribute can always be removed
                continue
            if attribute is None:
                raise WriteInvalid(f"There is no attribute {name}.", attribute=name)
            if attribute.type_id != type_id:
                raise WriteInvalid(
                    f"“{attribute.name}” ({name}) is an attribute of another type.", attribute=name
                )
            checked = check_value(self._schema, attribute, value)
            if attribute.base == "xhtml":
                checked = await self._source(checked, current.get(name))
            result[name] = checked
        return result

    async def _source(self, markup: str, stored: Any) -> str:
        """Return XHTML source for the editor's HTML; text that was only looked at keeps its source to the byte."""
        if isinstance(stored, str):
            files = await files_for(self._session, self._head, [stored])
            if render(stored, files) == markup:
                return stored
        return source_from_html(check_text(markup, "The text"))

    async def _delete(self, item: Write, entity_id: UUID) -> list[Operation]:
        if item.kind == "placement":
            return await self._delete_subtree(item, entity_id)
        if item.kind == "item":
            return await self._delete_items([entity_id], item.base_seq)
        if item.kind == "document":
            rows = await repository.tree_rows(self._session, self._head, entity_id)
            emptied = [Operation(Action.DELETE, "placement", row.entity_id) for row in rows]
            return [
                *emptied,
                Operation(Action.DELETE, "document", entity_id, base_seq=item.base_seq),
            ]
        if item.kind == "type":
            attributes = [
                attribute.id
                for attribute in self._schema.attributes.values()
                if attribute.type_id == entity_id
            ]
            doomed = [Operation(Action.DELETE, "attribute", name) for name in attributes]
            return [*doomed, Operation(Action.DELETE, "type", entity_id, base_seq=item.base_seq)]
        return [Operation(Action.DELETE, item.kind, entity_id, base_seq=item.base_seq)]

    async def _delete_subtree(self, item: Write, placement_id: UUID) -> list[Operation]:
        found = await repository.load_placements(self._session, self._head, [placement_id])
        root = found.get(placement_id)
        if root is None:
            return [Operation(Action.DELETE, "placement", placement_id, base_seq=item.base_seq)]
        rows = [root]
        level = [placement_id]
        while level:
            below = await repository.children_of(self._session, self._head, root.document_id, level)
            rows.extend(below)
            level = [row.entity_id for row in below]
        operations = [Operation(Action.DELETE, "placement", row.entity_id) for row in rows]
        if item.with_items:
            gone = {row.entity_id for row in rows}
            ids = {row.item_id for row in rows if row.item_id}
            elsewhere = {
                row.item_id
                for row in await repository.placements_of_items(self._session, self._head, ids)
                if row.entity_id not in gone
            }
            operations.extend(await self._delete_items(sorted(ids - elsewhere), None, placed=False))
        return operations

    async def _delete_items(
        self, ids: Sequence[UUID], base_seq: int | None, *, placed: bool = True
    ) -> list[Operation]:
        operations: list[Operation] = []
        if not ids:
            return operations
        if placed:
            rows = await repository.placements_of_items(self._session, self._head, ids)
            for row in rows:
                below = await repository.children_of(
                    self._session, self._head, row.document_id, [row.entity_id]
                )
                if below:
                    raise InUse(
                        "Other items stand below this one. Delete its placement, or move them first."
                    )
                operations.append(Operation(Action.DELETE, "placement", row.entity_id))
        for cascade in _item_cascades.values():
            operations.extend(await cascade(self._session, self._head, ids))
        existing = await repository.load_items(self._session, self._head, ids)
        if len(ids) == 1 and not existing:
            raise ItemNotFound("There is no such item any more.")
        operations.extend(
            Operation(Action.DELETE, "item", item_id, base_seq=base_seq) for item_id in ids
        )
        return operations


_DEFAULTS: dict[str, Any] = {
    "attributes": {},
    "archived": False,
    "description": "",
    "multi_valued": False,
    "constraints": {},
    "enum_values": [],
    "presentation": {},
}
