"""Which fields a client may write, and their form: ids become UUIDs, texts are checked, the rest is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from reqtrail.features.requirements.errors import WriteInvalid
from reqtrail.features.requirements.service.values import check_text
from reqtrail.kit.ids import new_id
from reqtrail.kit.rank import between

BASES = ("string", "integer", "real", "boolean", "date", "enumeration", "xhtml")
CATEGORIES = ("item", "document", "link", "link_group")
STYLES = ("requirement", "heading", "information", "test")
MAX_NAME = 500

Check = Callable[[str, Any], Any]


def definition_fields(kind: str, fields: Mapping[str, Any], *, creating: bool) -> dict[str, Any]:
    """Return the *fields* of a write as they are stored.

    Raises:
        WriteInvalid: If a field is not one that clients write, is of the wrong form, or is missing.
    """
    checks = _FIELDS.get(kind)
    if checks is None:
        raise WriteInvalid(f"Clients do not write a {kind}.")
    unknown = set(fields) - set(checks)
    if unknown:
        names = ", ".join(sorted(unknown))
        raise WriteInvalid(f"A {kind} has no field {names}; it has {', '.join(sorted(checks))}.")
    missing = _REQUIRED.get(kind, set()) - set(fields) if creating else set()
    if missing:
        raise WriteInvalid(f"A new {kind} needs {', '.join(sorted(missing))}.")
    return {name: checks[name](name, value) for name, value in fields.items()}


def _name(field: str, value: Any) -> str:
    text = _text(field, value).strip()
    if not text or len(text) > MAX_NAME:
        raise WriteInvalid(f"{field} has 1 to {MAX_NAME} characters.")
    return text


def _text(field: str, value: Any) -> str:
    if not isinstance(value, str):
        raise WriteInvalid(f"{field} is a text.")
    return check_text(value, field)


def _id(field: str, value: Any) -> UUID:
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise WriteInvalid(f"{field} is an id.") from None


def _optional_id(field: str, value: Any) -> UUID | None:
    return None if value is None else _id(field, value)


def _flag(field: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise WriteInvalid(f"{field} is true or false.")
    return value


def _map(field: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise WriteInvalid(f"{field} is an object.")
    return value


def _rank(field: str, value: Any) -> str:
    try:
        between(_text(field, value), None)
    except ValueError:
        raise WriteInvalid(f"{field} is no rank.") from None
    return str(value)


def _one_of(*allowed: str) -> Check:
    def check(field: str, value: Any) -> str:
        if value not in allowed:
            raise WriteInvalid(f"{field} is one of {', '.join(allowed)}.")
        return str(value)

    return check


def _presentation(field: str, value: Any) -> dict[str, Any]:
    given = _map(field, value)
    if set(given) - {"style", "title", "text"}:
        raise WriteInvalid("presentation has style, title and text.")
    result: dict[str, Any] = {}
    for name, entry in given.items():
        if name == "style":
            result[name] = _one_of(*STYLES)(name, entry)
        else:
            found = _optional_id(name, entry)
            result[name] = None if found is None else str(found)
    return result


def _constraints(field: str, value: Any) -> dict[str, Any]:
    given = _map(field, value)
    names = {"min", "max", "max_length", "accuracy"}
    if set(given) - names or not all(
        entry is None or isinstance(entry, str) and len(entry) <= 400 for entry in given.values()
    ):
        raise WriteInvalid(f"constraints has {', '.join(sorted(names))}, as decimal text.")
    return given


def _enum_values(field: str, value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or len(value) > 10_000:
        raise WriteInvalid(f"{field} is a list.")
    result: list[dict[str, Any]] = []
    for entry in value:
        given = _map(field, entry)
        if set(given) - {"id", "name", "key", "color"}:
            raise WriteInvalid("A value of an enumeration has id, name, key and color.")
        color = given.get("color")
        result.append(
            {
                "id": _text("id", given.get("id") or str(new_id())),
                "name": _name("name", given.get("name")),
                "key": _text("key", str(given.get("key") or len(result))),
                "color": None if color is None else _text("color", color)[:40],
                "extra": None,
            }
        )
    if len({entry["id"] for entry in result}) != len(result):
        raise WriteInvalid("The ids of an enumeration's values differ.")
    return result


def _any_json(field: str, value: Any) -> Any:
    if isinstance(value, float):
        raise WriteInvalid(f"{field} holds numbers as text.")
    return value


_FIELDS: dict[str, dict[str, Check]] = {
    "document": {
        "title": _name,
        "type_id": _optional_id,
        "attributes": _map,
        "rank": _rank,
        "archived": _flag,
    },
    "item": {"type_id": _optional_id, "attributes": _map},
    "placement": {"item_id": _id},
    "type": {
        "category": _one_of(*CATEGORIES),
        "name": _name,
        "description": _text,
        "rank": _rank,
        "presentation": _presentation,
    },
    "attribute": {
        "type_id": _id,
        "datatype_id": _id,
        "name": _name,
        "description": _text,
        "multi_valued": _flag,
        "default_value": _any_json,
        "rank": _rank,
    },
    "datatype": {
        "base": _one_of(*BASES),
        "name": _name,
        "description": _text,
        "constraints": _constraints,
        "enum_values": _enum_values,
    },
    "link": {"type_id": _optional_id, "source_id": _id, "target_id": _id, "attributes": _map},
}

_REQUIRED = {
    "document": {"title"},
    "placement": {"item_id"},
    "type": {"category", "name", "rank"},
    "attribute": {"type_id", "datatype_id", "name", "rank"},
    "datatype": {"base", "name"},
    "link": {"source_id", "target_id"},
}
