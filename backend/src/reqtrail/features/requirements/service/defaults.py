"""The schema that a new project begins with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID, uuid5

from reqtrail.features.versioning.public import Action, Operation
from reqtrail.kit.rank import spread

STATUS = ("Draft", "Proposed", "Approved", "Rejected")
PRIORITY = ("Must", "Should", "Could", "Won't")
VERIFICATION = ("Analysis", "Demonstration", "Inspection", "Test")
LINK_TYPES = (
    ("derives from", "The source was derived from the target, on the level above."),
    ("satisfies", "The source satisfies the target."),
    ("verifies", "The source, a test case, verifies the target."),
    ("relates to", "The two belong together."),
)

_Attribute = tuple[str, str, bool, str]
"""Name, datatype, multi-valued, description."""

_TITLE: _Attribute = ("Title", "Text", False, "A short name.")
_TEXT: _Attribute = ("Text", "Rich text", False, "What is required, said, or to be done.")
_COMMON: tuple[_Attribute, ...] = (
    ("Rationale", "Rich text", False, "Why it is so."),
    ("Status", "Status", False, "How far it has come."),
    ("Priority", "Priority", False, "How much it matters (MoSCoW)."),
    ("Verification", "Verification method", True, "How it is shown to be met."),
    ("Source", "Text", False, "Where it comes from."),
    ("Owner", "Text", False, "Who answers for it."),
)
ITEM_TYPES: tuple[tuple[str, str, str, tuple[_Attribute, ...]], ...] = (
    (
        "Requirement",
        "requirement",
        "Something the system shall do or be.",
        (_TITLE, _TEXT, *_COMMON),
    ),
    ("Heading", "heading", "A heading of a chapter or a section.", (_TITLE,)),
    ("Information", "information", "A note that requires nothing.", (_TITLE, _TEXT)),
    (
        "Test case",
        "test",
        "A procedure that verifies requirements.",
        (_TITLE, _TEXT, ("Expected result", "Rich text", False, "What must be seen."), _COMMON[1]),
    ),
)


def default_schema(project_id: UUID) -> list[Operation]:
    """Return the operations that give a project its default types, attributes and datatypes.

    Their ids follow from the project's id and their names, so that the same call makes the same schema.
    """
    return [*_datatypes(project_id), *_types(project_id)]


def default_id(project_id: UUID, kind: str, *names: str) -> UUID:
    """Return the id of a part of the default schema, for example ``("attribute", "Requirement", "Title")``."""
    return uuid5(project_id, "/".join((kind, *names)))


def _create(kind: str, entity_id: UUID, **fields: Any) -> Operation:
    return Operation(Action.CREATE, kind, entity_id, {**fields, "extra": None})


def _datatypes(project_id: UUID) -> Iterator[Operation]:
    enumerations = {
        "Status": STATUS,
        "Priority": PRIORITY,
        "Verification method": VERIFICATION,
    }
    plain = (
        ("Text", "string"),
        ("Rich text", "xhtml"),
        ("Integer", "integer"),
        ("Real", "real"),
        ("Yes or no", "boolean"),
        ("Date", "date"),
    )
    for name, base in (*plain, *((name, "enumeration") for name in enumerations)):
        yield _create(
            "datatype",
            default_id(project_id, "datatype", name),
            base=base,
            name=name,
            description="",
            constraints={"max_length": "32000"} if base == "string" else {},
            enum_values=[
                {
                    "id": str(default_id(project_id, "value", name, value)),
                    "name": value,
                    "key": str(position),
                    "color": None,
                    "extra": None,
                }
                for position, value in enumerate(enumerations.get(name, ()))
            ],
        )


def _types(project_id: UUID) -> Iterator[Operation]:
    ranks = iter(spread(None, None, len(ITEM_TYPES) + 1 + len(LINK_TYPES)))
    for name, style, description, attributes in ITEM_TYPES:
        has_text = _TEXT in attributes
        yield _type(
            project_id,
            "item",
            name,
            description,
            next(ranks),
            {
                "style": style,
                "title": str(default_id(project_id, "attribute", name, "Title")),
                "text": (
                    str(default_id(project_id, "attribute", name, "Text")) if has_text else None
                ),
            },
        )
        yield from _attributes(project_id, name, attributes)
    yield _type(project_id, "document", "Specification", "An ordered document.", next(ranks), {})
    for name, description in LINK_TYPES:
        yield _type(project_id, "link", name, description, next(ranks), {})


def _type(
    project_id: UUID,
    category: str,
    name: str,
    description: str,
    rank: str,
    presentation: dict[str, Any],
) -> Operation:
    return _create(
        "type",
        default_id(project_id, "type", name),
        category=category,
        name=name,
        description=description,
        rank=rank,
        presentation=presentation,
    )


def _attributes(
    project_id: UUID, type_name: str, attributes: Sequence[_Attribute]
) -> Iterator[Operation]:
    ranks = spread(None, None, len(attributes))
    for rank, (name, datatype, multi_valued, description) in zip(ranks, attributes, strict=True):
        yield _create(
            "attribute",
            default_id(project_id, "attribute", type_name, name),
            type_id=default_id(project_id, "type", type_name),
            datatype_id=default_id(project_id, "datatype", datatype),
            name=name,
            description=description,
            multi_valued=multi_valued,
            default_value=None,
            rank=rank,
        )
