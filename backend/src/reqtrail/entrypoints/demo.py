"""The demo project: Reqtrail's own requirements, made through the same services as everyone's.

The data is ``examples/demo`` of a clone. ``<n>-<name>.json`` is a document: rows in reading order, nested, with names
of their own (``"N1"``) for links. ``history.json`` holds the commits that come after the first text, so that history
and comparison have something to show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity.public import User
from reqtrail.features.projects.public import create_project
from reqtrail.features.requirements.public import Position, Write, default_id, write
from reqtrail.features.versioning.public import CommitRequest
from reqtrail.platform.resources import data_folder

KEY = "RQT"
NAME = "Reqtrail"
DESCRIPTION = (
    "The requirements of Reqtrail itself: what its users need, what the system shall do,"
    " and how the software does it."
)
ATTRIBUTES = {
    "rationale": "Rationale",
    "status": "Status",
    "priority": "Priority",
    "verification": "Verification",
    "source": "Source",
    "owner": "Owner",
}
_ENUMERATIONS = {
    "status": "Status",
    "priority": "Priority",
    "verification": "Verification method",
}

Row = Mapping[str, Any]


async def load_demo(session: AsyncSession, owner: User) -> None:
    """Make the demo project, owned by *owner*, in the session's transaction.

    Raises:
        ProjectKeyTaken: If there is a project with the key ``RQT``; nothing is changed then.
    """
    project_id = await create_project(session, owner, key=KEY, name=NAME, description=DESCRIPTION)
    builder = _Builder(project_id)
    data = data_folder("demo")
    for path in sorted(data.glob("[0-9]*.json")):
        document = orjson.loads(path.read_bytes())
        await _commit(session, builder, owner, document["message"], builder.document(document))
    for entry in orjson.loads((data / "history.json").read_bytes()):
        await _commit(session, builder, owner, entry["message"], builder.edits(entry))


async def _commit(
    session: AsyncSession,
    builder: _Builder,
    owner: User,
    message: str,
    writes: Sequence[Write],
) -> None:
    request = CommitRequest(builder.project_id, owner.user_id, message=message)
    await write(session, request, writes)


class _Builder:
    """Turns rows of the data into writes; ids follow from the project's id and the rows' names."""

    def __init__(self, project_id: UUID) -> None:
        self.project_id = project_id
        self._types: dict[str, str] = {}
        self._places: dict[str, UUID] = {}
        self._anonymous = 0

    def document(self, content: Mapping[str, Any]) -> list[Write]:
        """Return the writes that make a document with its items, placements and links."""
        document_id = self._id("document", content["title"])
        rows = list(self._rows(content["rows"], None))
        writes = [
            Write(
                "create",
                "document",
                document_id,
                {
                    "title": content["title"],
                    "type_id": str(default_id(self.project_id, "type", "Specification")),
                },
            )
        ]
        for name, row, parent in rows:
            self._places[name] = document_id
            writes.extend(self._new_item(name, row, document_id, parent))
        for name, row, _ in rows:
            writes.extend(self._links(name, row))
        return writes

    def edits(self, entry: Mapping[str, Any]) -> list[Write]:
        """Return the writes of one commit of the history.

        It has ``change`` (by name), ``add`` and ``move`` (to be the first below a row).
        """
        writes = [
            Write("update", "item", self._id("item", name), self._item_fields(name, row))
            for name, row in entry.get("change", {}).items()
        ]
        for addition in entry.get("add", ()):
            name, below = addition["id"], addition["below"]
            self._places[name] = self._places[below]
            writes.extend(self._new_item(name, addition, self._places[below], below))
            writes.extend(self._links(name, addition))
        for move in entry.get("move", ()):
            name = move["id"]
            below = self._id("placement", move["below"])
            position = Position(self._places[name], below, first=True)
            writes.append(
                Write("move", "placement", self._id("placement", name), position=position)
            )
        return writes

    def _rows(
        self, rows: Sequence[Row], parent: str | None
    ) -> Iterator[tuple[str, Row, str | None]]:
        for row in rows:
            name = row.get("id")
            if name is None:
                self._anonymous += 1
                name = f"row {self._anonymous}"
            yield name, row, parent
            yield from self._rows(row.get("rows", ()), name)

    def _new_item(self, name: str, row: Row, document_id: UUID, parent: str | None) -> list[Write]:
        self._types[name] = _type_of(row)
        fields = self._item_fields(name, row)
        fields["type_id"] = str(default_id(self.project_id, "type", self._types[name]))
        position = Position(document_id, self._id("placement", parent) if parent else None)
        item_id = self._id("item", name)
        return [
            Write("create", "item", item_id, fields),
            Write(
                "create",
                "placement",
                self._id("placement", name),
                {"item_id": str(item_id)},
                position=position,
            ),
        ]

    def _item_fields(self, name: str, row: Row) -> dict[str, Any]:
        type_name = self._types[name]
        values: dict[str, Any] = {}
        title = row.get("title") or row.get("heading") or row.get("note")
        if title is not None:
            values["Title"] = title
        if "text" in row:
            values["Text"] = _html(row["text"])
        for field, attribute in ATTRIBUTES.items():
            if field in row:
                values[attribute] = self._value(field, row[field])
        return {
            "attributes": {
                str(default_id(self.project_id, "attribute", type_name, attribute)): value
                for attribute, value in values.items()
            }
        }

    def _value(self, field: str, value: Any) -> Any:
        if field == "rationale":
            return _html(value)
        if field not in _ENUMERATIONS:
            return value
        chosen = value if isinstance(value, list) else [value]
        datatype = _ENUMERATIONS[field]
        return [str(default_id(self.project_id, "value", datatype, one)) for one in chosen]

    def _links(self, name: str, row: Row) -> Iterator[Write]:
        for link_type, targets in row.get("links", {}).items():
            for target in targets:
                yield Write(
                    "create",
                    "link",
                    self._id("link", f"{name} {link_type} {target}"),
                    {
                        "type_id": str(default_id(self.project_id, "type", link_type)),
                        "source_id": str(self._id("item", name)),
                        "target_id": str(self._id("item", target)),
                    },
                )

    def _id(self, kind: str, name: str) -> UUID:
        return uuid5(self.project_id, f"demo/{kind}/{name}")


def _type_of(row: Row) -> str:
    if "heading" in row:
        return "Heading"
    return "Information" if "note" in row else "Requirement"


def _html(text: str) -> str:
    return text if text.startswith("<") else f"<p>{text}</p>"
