"""The canonical form: one byte sequence per value, whatever type of Python holds it."""

from __future__ import annotations

import time
from collections import OrderedDict
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
from asyncpg.pgproto import pgproto
from hypothesis import given
from hypothesis import strategies as st

from reqtrail.kit.canonical_json import canonical_bytes

ID = "0198b2f0-0000-7000-8000-000000000001"
TREES = st.recursive(
    st.none() | st.booleans() | st.text() | st.integers(-(2**63), 2**63 - 1),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


class Numbers(list[Any]):
    """A list of another type."""


class Colour(StrEnum):
    """A string of another type."""

    RED = "red"


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ({"b": 1, "a": [True, None, "é"]}, '{"a":[true,null,"é"],"b":1}'),
        ((1, 2), "[1,2]"),
        (UUID(ID), f'"{ID}"'),
        (pgproto.UUID(ID), f'"{ID}"'),
        ({"id": pgproto.UUID(ID)}, f'{{"id":"{ID}"}}'),
        (b"\x00\xff", '"00ff"'),
        (memoryview(b"\x01"), '"01"'),
        (Colour.RED, '"red"'),
        ({Colour.RED: Colour.RED}, '{"red":"red"}'),
        (-(2**63), "-9223372036854775808"),
        (-(2**63) - 1, '{"$int":"-9223372036854775809"}'),
        (-127, "-127"),
        (OrderedDict(b=b"\x01", a=[2]), '{"a":[2],"b":"01"}'),
        (Numbers([1, b"\x01"]), '[1,"01"]'),
        (2**63 - 1, "9223372036854775807"),
        (2**63, '{"$int":"9223372036854775808"}'),
        (datetime(2026, 11, 1, tzinfo=UTC), '"2026-11-01T00:00:00.000000+00:00"'),
        (
            datetime(2026, 11, 1, 2, tzinfo=timezone(timedelta(hours=2))),
            '"2026-11-01T00:00:00.000000+00:00"',
        ),
    ],
)
def test_form(value: Any, form: str) -> None:
    """Each type has one form, also inside containers."""
    assert canonical_bytes(value).decode() == form
    assert canonical_bytes([value]).decode() == f"[{form}]"


@pytest.mark.parametrize("value", [1.0, [0.5], {"a": float("nan")}, {"a": {1, 2}}, object()])
def test_what_has_no_form_is_refused(value: Any) -> None:
    """Floats are refused wherever they stand: two of them can look alike and differ."""
    with pytest.raises(TypeError):
        canonical_bytes(value)


def test_a_moment_has_one_form_wherever_the_server_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert (
            canonical_bytes(datetime(2026, 11, 1, tzinfo=UTC))
            == b'"2026-11-01T00:00:00.000000+00:00"'
        )
    finally:
        monkeypatch.undo()
        time.tzset()


@given(TREES, TREES)
def test_equal_forms_are_equal_values(one: Any, other: Any) -> None:
    """No two different values share a form. ``True == 1`` in Python, so values are compared by their text."""
    assert (canonical_bytes(one) == canonical_bytes(other)) == (_text(one) == _text(other))


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{key!r}:{_text(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_text, value)) + "]"
    return repr(value)
