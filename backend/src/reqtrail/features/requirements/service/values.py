"""Attribute values: whether they fit their datatypes, and the form in which they are stored."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from reqtrail.features.requirements.errors import ValueInvalid
from reqtrail.features.requirements.types import Attribute, Datatype, Schema

MAX_TEXT = 1_000_000
_INTEGER = re.compile(r"[+-]?\d{1,1000}")
_REAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?|INF|-INF|NaN")
_DATE = re.compile(r"-?\d{4,}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?")
_BAD_CHARACTER = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def check_text(text: str, what: str) -> str:
    """Return *text* if it can be stored and exported.

    Raises:
        ValueInvalid: If it is too long or holds characters that no XML file can hold.
    """
    if len(text) > MAX_TEXT:
        raise ValueInvalid(f"{what} has {len(text)} characters; {MAX_TEXT} is the most.")
    bad = _BAD_CHARACTER.search(text)
    if bad is not None:
        raise ValueInvalid(
            f"{what} holds the control character U+{ord(bad.group()):04X}, which no document can hold."
        )
    return text


def check_value(schema: Schema, attribute: Attribute, value: Any) -> Any:
    """Return *value* as it is stored; None (no value) is always right.

    Raises:
        ValueInvalid: With the attribute's name and what it accepts.
    """
    if value is None:
        return None
    datatype = schema.datatypes.get(attribute.datatype_id) if attribute.datatype_id else None
    return _CHECKS[attribute.base](attribute, datatype, value)


def _refuse(attribute: Attribute, expected: str) -> ValueInvalid:
    return ValueInvalid(
        f"“{attribute.name}” takes {expected}.", attribute=str(attribute.id), name=attribute.name
    )


def _text(attribute: Attribute, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _refuse(attribute, "text")
    return check_text(str(value), f"“{attribute.name}”")


def _limit(datatype: Datatype | None, name: str) -> Decimal | None:
    text = datatype.constraints.get(name) if datatype else None
    try:
        return None if text is None else Decimal(str(text))
    except InvalidOperation:
        return None


def _string(attribute: Attribute, datatype: Datatype | None, value: Any) -> str:
    text = _text(attribute, value)
    limit = _limit(datatype, "max_length")
    if limit is not None and len(text) > limit:
        raise _refuse(attribute, f"at most {limit} characters, not {len(text)}")
    return text


def _number(
    attribute: Attribute, datatype: Datatype | None, value: Any, form: re.Pattern[str], word: str
) -> str:
    text = _text(attribute, value).strip()
    if not form.fullmatch(text):
        raise _refuse(attribute, word)
    low, high = _limit(datatype, "min"), _limit(datatype, "max")
    number = Decimal(text.replace("INF", "Infinity"))
    outside = (low is not None and number < low) or (high is not None and number > high)
    if not number.is_nan() and outside:
        raise _refuse(attribute, f"{word} from {low} to {high}")
    return text


def _integer(attribute: Attribute, datatype: Datatype | None, value: Any) -> str:
    return _number(attribute, datatype, value, _INTEGER, "a whole number")


def _real(attribute: Attribute, datatype: Datatype | None, value: Any) -> str:
    return _number(attribute, datatype, value, _REAL, "a number such as 1.5")


def _boolean(attribute: Attribute, datatype: Datatype | None, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _refuse(attribute, "true or false")
    return value


def _date(attribute: Attribute, datatype: Datatype | None, value: Any) -> str:
    text = _text(attribute, value).strip()
    if not _DATE.fullmatch(text):
        raise _refuse(attribute, "a date such as 2026-11-23 or 2026-11-23T10:00:00Z")
    try:
        datetime.strptime(text[:10], "%Y-%m-%d")
    except ValueError:
        raise _refuse(attribute, "a date that exists") from None
    return text


def _enumeration(attribute: Attribute, datatype: Datatype | None, value: Any) -> list[str]:
    chosen = [value] if isinstance(value, str) else value
    if not isinstance(chosen, list) or not all(isinstance(entry, str) for entry in chosen):
        raise _refuse(attribute, "a list of the ids of its values")
    known = (
        {str(entry["id"]): str(entry["name"]) for entry in datatype.enum_values} if datatype else {}
    )
    unknown = [entry for entry in chosen if entry not in known]
    if unknown:
        raise _refuse(attribute, f"{', '.join(known.values()) or 'no value'}, not {unknown[0]}")
    if len(chosen) > 1 and not attribute.multi_valued:
        raise _refuse(attribute, "one value only")
    return list(dict.fromkeys(chosen))


def _xhtml(attribute: Attribute, datatype: Datatype | None, value: Any) -> str:
    return _text(attribute, value)


_CHECKS: dict[str, Callable[[Attribute, Datatype | None, Any], Any]] = {
    "string": _string,
    "integer": _integer,
    "real": _real,
    "boolean": _boolean,
    "date": _date,
    "enumeration": _enumeration,
    "xhtml": _xhtml,
}
