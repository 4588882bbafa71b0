"""The three-way merge of contents, field by field: what is taken, what is mixed, what is a conflict."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import MetaData, Table

from reqtrail.features.versioning.merge import (
    POSITION,
    FieldConflict,
    is_conflict,
    merge_contents,
    merge_values,
    patched,
)
from reqtrail.features.versioning.types import Content, Field, FieldKind, Kind

TABLE = Table("things", MetaData())


def _value_kind(base: Any, ours: Any, theirs: Any) -> FieldKind:
    """Lists are sets, ``#`` marks text, all else is taken whole."""
    first = next(value for value in (base, ours, theirs) if value is not None)
    if isinstance(first, list):
        return FieldKind.SET
    return FieldKind.TEXT if str(first).startswith("#") else FieldKind.SCALAR


KIND = Kind(
    "thing",
    TABLE,
    (
        Field("parent"),
        Field("title", FieldKind.TEXT),
        Field("rank"),
        Field("text", FieldKind.RICH_TEXT),
        Field("tags", FieldKind.SET),
        Field("values", FieldKind.MAP, _value_kind),
        Field("plain", FieldKind.MAP),
        Field("state"),
    ),
    position=("parent", "rank"),
)
BASE: Content = {
    "parent": "p",
    "rank": "m",
    "title": "the old title",
    "text": "<p>one two three</p>",
    "tags": ["a", "b"],
    "values": {"list": ["x"], "note": "# keep this rather short text", "owner": "Ann"},
    "plain": {"k": 1},
    "state": "draft",
}


def _with(**changes: Any) -> Content:
    return {**BASE, **changes}


def _values(**changes: Any) -> dict[str, Any]:
    return {**BASE["values"], **changes}


@pytest.mark.parametrize(
    ("kind", "base", "ours", "theirs", "merged"),
    [
        (FieldKind.SCALAR, 1, 1, 1, 1),
        (FieldKind.SCALAR, 1, 2, 1, 2),
        (FieldKind.SCALAR, 1, 1, 2, 2),
        (FieldKind.SCALAR, 1, 2, 2, 2),
        (FieldKind.SCALAR, None, None, "x", "x"),
        (FieldKind.SCALAR, "x", None, "x", None),
        (FieldKind.TEXT, "a b c", "A b c", "a b C", "A b C"),
        (FieldKind.RICH_TEXT, "<p>a b c</p>", "<p>A b c</p>", "<p>a b C</p>", "<p>A b C</p>"),
        (FieldKind.SET, ["a", "b", "c"], ["a", "b", "x"], ["b", "c", "d"], ["b", "d", "x"]),
        (FieldKind.SET, None, ["b"], ["a"], ["a", "b"]),
        (FieldKind.SET, ["a", "b"], None, ["a", "b", "c"], ["c"]),
        (FieldKind.SET, ["a", "b"], ["b", "a", "c"], None, ["c"]),
        (FieldKind.SET, ["b", "a"], ["b", "a", "c"], ["b", "a", "d"], ["b", "a", "c", "d"]),
        (FieldKind.SET, [3, 20], [3, 20, 100], [3, 20, 7], [3, 20, 100, 7]),
    ],
)
def test_values_that_merge(kind: FieldKind, base: Any, ours: Any, theirs: Any, merged: Any) -> None:
    result = merge_values(kind, base, ours, theirs)
    assert result == merged and not is_conflict(result)


@pytest.mark.parametrize(
    ("kind", "base", "ours", "theirs"),
    [
        (FieldKind.SCALAR, 1, 2, 3),
        (FieldKind.SCALAR, "a b c", "A b c", "a b C"),
        (FieldKind.MAP, {"a": 1}, {"a": 2}, {"a": 3}),
        (FieldKind.TEXT, "a b", "a x", "a y"),
        (FieldKind.TEXT, None, "a x", "a y"),
        (FieldKind.TEXT, "a b", None, "a y"),
        (FieldKind.TEXT, "a b", "a x", None),
        (FieldKind.RICH_TEXT, "<p>a</p>", "<p>b</p>", "<p>c</p>"),
        (FieldKind.RICH_TEXT, None, "<p>b</p>", "<p>c</p>"),
        (FieldKind.RICH_TEXT, "<p>a</p>", None, "<p>c</p>"),
        (FieldKind.RICH_TEXT, "<p>a</p>", "<p>b</p>", None),
    ],
)
def test_values_in_conflict(kind: FieldKind, base: Any, ours: Any, theirs: Any) -> None:
    assert is_conflict(merge_values(kind, base, ours, theirs))


def test_none_is_no_conflict() -> None:
    assert not is_conflict(None)


def test_fields_merge_each_by_its_kind() -> None:
    """Both sides changed much, nowhere the same."""
    ours = _with(
        title="the new title",
        tags=["a", "b", "c"],
        state="proposed",
        values=_values(owner="Bob"),
        rank="x",
    )
    theirs = _with(
        title="the old title too",
        text="<p>one two four</p>",
        tags=["b"],
        values=_values(note="# keep this rather longer text", list=["x", "y"]),
        plain={"k": 2, "l": 3},
    )
    merged, conflicts = merge_contents(KIND, BASE, ours, theirs)
    assert conflicts == []
    assert merged == {
        "parent": "p",
        "rank": "x",
        "title": "the new title too",
        "text": "<p>one two four</p>",
        "tags": ["b", "c"],
        "values": {"list": ["x", "y"], "note": "# keep this rather longer text", "owner": "Bob"},
        "plain": {"k": 2, "l": 3},
        "state": "proposed",
    }


@pytest.mark.parametrize(
    ("field", "ours", "theirs"),
    [
        ("state", "proposed", "approved"),
        ("title", "the first title", "the second title"),
        ("text", "<p>one</p>", "<p>two</p>"),
    ],
)
def test_a_field_in_conflict_is_named_with_all_sides_and_keeps_theirs(
    field: str, ours: Any, theirs: Any
) -> None:
    merged, conflicts = merge_contents(KIND, BASE, _with(**{field: ours}), _with(**{field: theirs}))
    assert conflicts == [FieldConflict(field, None, BASE[field], ours, theirs)]
    assert merged == _with(**{field: theirs})


@pytest.mark.parametrize(
    ("ours", "theirs", "merged", "conflict"),
    [
        ({"rank": "x"}, {}, {"rank": "x"}, False),
        ({}, {"parent": "q", "rank": "b"}, {"parent": "q", "rank": "b"}, False),
        ({"parent": "q"}, {"parent": "q"}, {"parent": "q"}, False),
        ({"parent": "q"}, {"rank": "x"}, {"rank": "x"}, True),
        (
            {"parent": "q", "rank": "x"},
            {"parent": "r", "rank": "x"},
            {"parent": "r", "rank": "x"},
            True,
        ),
    ],
)
def test_a_position_is_never_mixed(
    ours: Content, theirs: Content, merged: Content, conflict: bool
) -> None:
    """One side moved it under another parent, the other one along its siblings: nobody meant both."""
    result, conflicts = merge_contents(KIND, BASE, _with(**ours), _with(**theirs))
    assert result == _with(**merged)

    def place(content: Content) -> Content:
        return {name: content[name] for name in ("parent", "rank")}

    assert conflicts == (
        [FieldConflict(POSITION, None, place(BASE), place(_with(**ours)), place(_with(**theirs)))]
        if conflict
        else []
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "merged"),
    [
        ({"owner": "Bob"}, {"size": 3}, {"owner": "Bob", "size": 3}),
        ({"owner": None}, {"size": 3}, {"owner": None, "size": 3}),
        ({"list": ["x", "y"]}, {"list": ["z", "x"]}, {"list": ["x", "y", "z"]}),
        (
            {"note": "# keep that rather short text"},
            {"note": "# keep this rather long text"},
            {"note": "# keep that rather long text"},
        ),
        ({"owner": None}, {"owner": None}, {"owner": None}),
    ],
)
def test_a_map_merges_key_by_key(ours: Content, theirs: Content, merged: Content) -> None:
    """None stands for a key that is not there; so nothing with None is left behind."""

    def of(changes: Content) -> Content:
        entries = _values(**changes)
        return _with(values={key: value for key, value in entries.items() if value is not None})

    result, conflicts = merge_contents(KIND, BASE, of(ours), of(theirs))
    assert conflicts == []
    assert result == of(merged)


@pytest.mark.parametrize(("ours", "theirs"), [("Bob", "Eve"), ("Bob", None), (None, "Eve")])
def test_a_key_in_conflict_is_named_and_keeps_theirs(ours: str | None, theirs: str | None) -> None:
    def of(owner: str | None) -> Content:
        entries = _values(owner=owner)
        return _with(values={key: value for key, value in entries.items() if value is not None})

    merged, conflicts = merge_contents(KIND, BASE, of(ours), of(theirs))
    assert conflicts == [FieldConflict("values", "owner", "Ann", ours, theirs)]
    assert merged == of(theirs)


def test_a_map_without_kinds_takes_its_values_whole() -> None:
    """Lists and words of a map that knows nothing of its values are not mixed."""
    merged, conflicts = merge_contents(
        KIND, BASE, _with(plain={"k": 1, "tags": ["a"]}), _with(plain={"k": 1, "tags": ["b"]})
    )
    assert conflicts == [FieldConflict("plain", "tags", None, ["a"], ["b"])]
    assert merged["plain"] == {"k": 1, "tags": ["b"]}


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        (None, {"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": 1}, None, {"a": 1, "b": 2}, {"b": 2}),
        ({"a": 1}, {"a": 1, "b": 2}, None, {"b": 2}),
        (None, None, None, None),
        (None, None, {"a": 1}, {"a": 1}),
    ],
)
def test_a_map_that_is_not_there_is_empty(base: Any, ours: Any, theirs: Any, merged: Any) -> None:
    result, conflicts = merge_contents(
        KIND, _with(plain=base), _with(plain=ours), _with(plain=theirs)
    )
    assert conflicts == []
    assert result["plain"] == merged


def test_two_places_are_told_apart_by_what_a_field_has_not() -> None:
    """A field that a side does not have at all counts as None."""
    empty: Content = {}
    merged, conflicts = merge_contents(KIND, empty, empty, {"state": "x", "parent": "q"})
    assert conflicts == []
    assert {name: value for name, value in merged.items() if value} == {"state": "x", "parent": "q"}


CONTENTS = st.fixed_dictionaries(
    {
        "parent": st.sampled_from("pq"),
        "rank": st.sampled_from("ab"),
        "title": st.lists(st.sampled_from(["red", "blue", "big"]), max_size=3).map(" ".join),
        "text": st.lists(st.sampled_from(["red", "blue"]), max_size=2).map(
            lambda words: f"<p>{' '.join(words)}</p>"
        ),
        "tags": st.lists(st.sampled_from("abc"), unique=True).map(sorted),
        "values": st.dictionaries(st.sampled_from("klm"), st.sampled_from(["x", "y", "# a b"])),
        "plain": st.none(),
        "state": st.sampled_from([None, "draft", "approved"]),
    }
)


@given(CONTENTS, CONTENTS, CONTENTS)
def test_which_side_is_ours_does_not_matter(base: Content, ours: Content, theirs: Content) -> None:
    """The same result and the same conflicts, with the sides exchanged; unchanged sides change nothing."""
    merged, conflicts = merge_contents(KIND, base, ours, theirs)
    turned, others = merge_contents(KIND, base, theirs, ours)
    places = {(one.field, one.key) for one in conflicts}
    assert places == {(one.field, one.key) for one in others}
    disputed = {field for field, _ in places} | (
        {"parent", "rank"} if (POSITION, None) in places else set()
    )
    for name in KIND.field_names:
        if name not in disputed:
            assert merged[name] == turned[name]
    assert {(one.field, one.key, one.ours, one.theirs) for one in map(_plain, conflicts)} == {
        (one.field, one.key, one.theirs, one.ours) for one in map(_plain, others)
    }
    assert merge_contents(KIND, base, base, theirs) == (theirs, [])
    assert merge_contents(KIND, base, ours, base) == (ours, [])
    assert merge_contents(KIND, base, ours, ours) == (ours, [])


def _plain(conflict: FieldConflict) -> FieldConflict:
    return FieldConflict(
        conflict.field, conflict.key, str(conflict.base), str(conflict.ours), str(conflict.theirs)
    )


def test_a_patch_replaces_fields_and_patches_maps_key_by_key() -> None:
    content = dict(BASE)
    result = patched(
        KIND,
        content,
        {"title": "new", "values": {"owner": None, "size": 4}, "tags": ["z"], "unknown": 1},
    )
    assert result == _with(
        title="new",
        tags=["z"],
        values={"list": ["x"], "note": "# keep this rather short text", "size": 4},
    )
    assert content == BASE


def test_a_patch_can_empty_a_map_and_fill_one_that_is_not_there() -> None:
    assert patched(KIND, _with(plain=None), {"plain": {"a": 1, "b": None}})["plain"] == {"a": 1}
    assert patched(KIND, BASE, {"plain": None})["plain"] is None
    assert patched(KIND, BASE, {"tags": None})["tags"] is None
    assert patched(KIND, BASE, {"state": {"a": None}})["state"] == {"a": None}
    assert patched(KIND, {}, {"values": {"a": 1}}) == {"values": {"a": 1}}
