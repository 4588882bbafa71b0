"""What people do: an edit of what somebody saw, made up at random, with words that nobody else writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.concurrency.content import (
    Row,
    Schema,
    Seen,
    first_values,
    new_id,
    paragraphs,
    written,
)

Operation = dict[str, Any]


@dataclass
class Write:
    """One write and what became of it.

    Attributes:
        mark: The message of its commit, which no other write has.
        base: The sequence that its author saw; None where nothing that exists is touched.
        operations: What it asks for, in the words of ``POST /commits``, whichever route it takes.
        outcome: ``acknowledged``, ``refused``, or ``unknown`` if its author never heard.
        answers: What was answered, in the order of arrival: status and content.
        chosen: A merge: by (entity, field, key) the side that was chosen.
        direction: A merge: ``update`` or ``merge``.
    """

    mark: str
    branch: str
    base: int | None
    operations: list[Operation] = field(default_factory=list)
    method: str = "POST"
    path: str = "/commits"
    body: dict[str, Any] = field(default_factory=dict)
    outcome: str = "unknown"
    answers: list[tuple[int, Any]] = field(default_factory=list)
    how: str = "sent"
    chosen: dict[tuple[str, str, str | None], str] = field(default_factory=dict)
    direction: str | None = None

    @property
    def accepted(self) -> Any:
        """The answer that acknowledged it."""
        return next(content for status, content in self.answers if status < 300)


class Editor:
    """Makes up edits for one history."""

    def __init__(self, rng: Random, schema: Schema, document: str) -> None:
        self._rng = rng
        self._schema = schema
        self._document = document
        self._count = 0

    def write(self, mark: str, seen: Seen) -> Write:
        """Return an edit of what was *seen*."""
        rng = self._rng
        if not seen.rows or rng.random() < 0.05:
            return self.item_write(mark, seen)
        makers: list[Callable[[str, Seen, Row], list[Operation]]] = rng.choices(
            [self._values, self._move, self._create_below, self._delete_item, self._delete_row],
            [70, 14, 6, 4, 6],
        )
        if rng.random() < 0.15 and makers[0] in (self._values, self._move):
            makers.append(self._values)
        operations: list[Operation] = []
        for maker, row in zip(makers, self._rows(seen, len(makers)), strict=False):
            operations += maker(f"{mark}o{len(operations)}", seen, row)
        return self._sent(Write(mark, seen.branch, seen.seq, operations), seen)

    def words_write(self, mark: str, seen: Seen) -> Write:
        """Return an edit of words where most people edit: in the text of the first row."""
        row, attribute = seen.rows[0], self._schema.attributes["Text"]
        value = self._reworded(mark, row.attributes.get(attribute), rich=True)
        return self._sent(
            Write(mark, seen.branch, seen.seq, [_update(row, attribute, value)]), seen
        )

    def _sent(self, write: Write, seen: Seen) -> Write:
        """Choose the route and where the base is said."""
        first = write.operations[0]
        patch = (len(write.operations), first["op"], first["kind"]) == (1, "update", "item")
        if patch and self._rng.random() < 0.3:
            write.method, write.path = "PATCH", f"/items/{first['id']}"
            write.body = {**first["fields"], "base": seen.seq, "message": write.mark}
        elif self._rng.random() < 0.2:
            operations = [{**one, "base": seen.seq} for one in write.operations]
            write.body = {"message": write.mark, "operations": operations}
        else:
            write.body = {
                "base": seen.seq,
                "message": write.mark,
                "operations": write.operations,
            }
        return write

    def _rows(self, seen: Seen, count: int) -> list[Row]:
        """Return different rows, the first ones of the document most often."""
        left = list(seen.rows)
        chosen: list[Row] = []
        while left and len(chosen) < count:
            weights = [1 / (2 + number) for number in range(len(left))]
            (row,) = self._rng.choices(left, weights)
            chosen.append(row)
            left = [one for one in left if one.item != row.item]
        return chosen

    # --- values ---------------------------------------------------------------------------------------------------

    def _values(self, mark: str, seen: Seen, row: Row) -> list[Operation]:
        name = self._rng.choices(
            ["Text", "Title", "Rationale", "Status", "Verification", "Source"],
            [50, 14, 8, 9, 12, 7],
        )[0]
        attribute = self._schema.attributes[name]
        old = row.attributes.get(attribute)
        value: Any
        if name in ("Text", "Title", "Rationale"):
            value = self._reworded(mark, old, rich=name != "Title")
        elif name == "Source":
            value = None if old and self._rng.random() < 0.2 else mark
        else:
            value = self._other_values(old or [], self._schema.values[name], name == "Verification")
        return [_update(row, attribute, value)]

    def _reworded(self, mark: str, old: str | None, *, rich: bool) -> str:
        parts = paragraphs(old) if old else [[f"{mark}a", f"{mark}b", f"{mark}c"]]
        for number in range(self._rng.choice((1, 1, 2)) if old else 0):
            part = self._rng.choice(parts)
            at = self._rng.randrange(len(part) + 1)
            what = self._rng.choice(("insert", "replace", "remove")) if len(part) > 4 else "insert"
            end = at if what == "insert" else at + 1
            part[at:end] = [] if what == "remove" and at < len(part) else [f"{mark}w{number}"]
        return written(parts, rich=rich)

    def _other_values(self, old: Sequence[str], known: Sequence[str], several: bool) -> list[str]:
        if not several:
            return [self._rng.choice([one for one in known if one not in old])]
        changed = self._rng.choice(known)
        if changed in old:
            return [one for one in old if one != changed]
        return [*old, changed]

    # --- places ---------------------------------------------------------------------------------------------------

    def _move(self, mark: str, seen: Seen, row: Row) -> list[Operation]:
        below = _subtree(seen, row.placement)
        parents = [None, *(one.placement for one in seen.rows if one.placement not in below)]
        parent = self._rng.choice(parents)
        siblings = [one.placement for one in seen.rows if one.parent == parent]
        others = [one for one in siblings if one != row.placement]
        at = self._rng.randrange(len(others) + 1)
        if parent == row.parent and siblings.index(row.placement) == at:
            return self._values(mark, seen, row)  # it stands there already
        position = self._slot(parent, others, at)
        return [{"op": "move", "kind": "placement", "id": row.placement, "position": position}]

    def _slot(self, parent: str | None, siblings: Sequence[str], at: int) -> dict[str, Any]:
        place: dict[str, Any] = {"document_id": self._document, "parent_id": parent}
        if at == 0:
            return {**place, "first": True}
        return place if at == len(siblings) else {**place, "after": siblings[at - 1]}

    def _create_below(self, mark: str, seen: Seen, row: Row) -> list[Operation]:
        item, placement = new_id(self._rng), new_id(self._rng)
        place = {"document_id": self._document, "parent_id": row.placement}
        content = {
            "type_id": self._schema.type_id,
            "attributes": first_values(self._schema, mark),
        }
        return [
            {"op": "create", "kind": "item", "id": item, "fields": content},
            {
                "op": "create",
                "kind": "placement",
                "id": placement,
                "fields": {"item_id": item},
                "position": place,
            },
        ]

    def item_write(self, mark: str, seen: Seen) -> Write:
        """Return the making of an item whose id the server chooses: done twice, it would be there twice."""
        position = self._slot(None, [], 0)
        content = {
            "type_id": self._schema.type_id,
            "attributes": first_values(self._schema, mark),
        }
        operations: list[Operation] = [
            {"op": "create", "kind": "item", "fields": content},
            {"op": "create", "kind": "placement", "position": position},
        ]
        body = {**content, "position": position, "message": mark}
        return Write(mark, seen.branch, None, operations, path="/items", body=body)

    def _delete_item(self, mark: str, seen: Seen, row: Row) -> list[Operation]:
        return [{"op": "delete", "kind": "item", "id": row.item}]

    def _delete_row(self, mark: str, seen: Seen, row: Row) -> list[Operation]:
        items = self._rng.random() < 0.5
        return [{"op": "delete", "kind": "placement", "id": row.placement, "items": items}]


def _update(row: Row, attribute: str, value: Any) -> Operation:
    fields = {"attributes": {attribute: value}}
    return {"op": "update", "kind": "item", "id": row.item, "fields": fields}


def _subtree(seen: Seen, placement: str) -> set[str]:
    below = {placement}
    for row in seen.rows:  # in reading order, so parents come first
        if row.parent in below:
            below.add(row.placement)
    return below
