"""What histories are about: a document of a few items, each with words that occur nowhere else."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

_TAG = re.compile(r"<[^>]*>")
_WORD = re.compile(r"\w+")
_PARAGRAPH = re.compile(r"<p>(.*?)</p>")

ITEMS = 5
"""Items at first: few, so that people meet."""
BELOW = {1: 0, 3: 2}
"""Which of them stand below which at first."""


@dataclass(frozen=True)
class Schema:
    """The ids that edits need, of a project's default schema."""

    type_id: str
    attributes: Mapping[str, str]
    """Ids by name: Title, Text, Rationale, Source, Status, Verification."""
    values: Mapping[str, Sequence[str]]
    """Ids of enumeration values by the attribute's name."""

    @classmethod
    def of(cls, answer: Any) -> Schema:
        """Return what ``GET /schema`` tells."""
        kind = next(one for one in answer["types"] if one["name"] == "Requirement")
        datatypes = {one["id"]: one for one in answer["datatypes"]}
        return cls(
            kind["id"],
            {one["name"]: one["id"] for one in kind["attributes"]},
            {
                one["name"]: [value["id"] for value in datatypes[one["datatype_id"]]["enum_values"]]
                for one in kind["attributes"]
                if one["base"] == "enumeration"
            },
        )


@dataclass(frozen=True)
class Row:
    """A row of the document as somebody saw it."""

    placement: str
    parent: str | None
    item: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Seen:
    """The document as somebody saw it: the branch, the sequence, the rows in reading order."""

    branch: str
    seq: int
    rows: tuple[Row, ...]

    @classmethod
    def of(cls, branch: str, answer: Any) -> Seen:
        """Return what ``GET …/rows`` shows."""
        rows = (
            Row(row["placement_id"], row["parent_id"], row["item"]["id"], row["item"]["attributes"])
            for row in answer["rows"]
        )
        return cls(branch, answer["ref"]["seq"], tuple(rows))


def words(value: Any) -> list[str]:
    """Return the words of a plain or rich text, in order; none of an absent one."""
    return _WORD.findall(_TAG.sub(" ", value)) if value else []


def paragraphs(value: str) -> list[list[str]]:
    """Return the words of each paragraph of a rich text; a plain one is one paragraph."""
    found = _PARAGRAPH.findall(value)
    return [words(one) for one in found] if found else [words(value)]


def written(parts: Sequence[Sequence[str]], *, rich: bool) -> str:
    """Return paragraphs of words as the text that a client sends."""
    if not rich:
        return " ".join(parts[0])
    return "<div>" + "".join(f"<p>{' '.join(part)}</p>" for part in parts) + "</div>"


def start(schema: Schema, document: str, rng: Random) -> list[dict[str, Any]]:
    """Return the operations that make the document that a history begins with."""
    operations: list[dict[str, Any]] = [
        {"op": "create", "kind": "document", "id": document, "fields": {"title": "Shared"}}
    ]
    placements: list[str] = []
    for number in range(ITEMS):
        item, placement = new_id(rng), new_id(rng)
        placements.append(placement)
        parent = placements[BELOW[number]] if number in BELOW else None
        operations += [
            {
                "op": "create",
                "kind": "item",
                "id": item,
                "fields": {"type_id": schema.type_id, "attributes": first_values(schema, number)},
            },
            {
                "op": "create",
                "kind": "placement",
                "id": placement,
                "fields": {"item_id": item},
                "position": {"document_id": document, "parent_id": parent},
            },
        ]
    return operations


def first_values(schema: Schema, name: object) -> dict[str, Any]:
    """Return the attributes of a new item; *name* makes its words unlike all others."""
    ids = schema.attributes
    return {
        ids["Title"]: written([_fresh(f"t{name}", 5)], rich=False),
        ids["Text"]: written([_fresh(f"a{name}", 9), _fresh(f"b{name}", 9)], rich=True),
        ids["Status"]: [schema.values["Status"][0]],
        ids["Verification"]: list(schema.values["Verification"][:2]),
        ids["Source"]: f"s{name}",
    }


def _fresh(prefix: str, count: int) -> list[str]:
    return [f"{prefix}x{number}" for number in range(count)]


def new_id(rng: Random) -> str:
    """Return an id that the seed decides."""
    return str(UUID(int=rng.getrandbits(128), version=4))
