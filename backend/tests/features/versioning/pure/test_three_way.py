"""The three-way merge of whole states: what is there, what is not, and what a choice makes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import MetaData, Table

from reqtrail.features.versioning.errors import ResolutionInvalid
from reqtrail.features.versioning.merge import EXISTENCE, POSITION, FieldConflict
from reqtrail.features.versioning.service.three_way import (
    DELETED,
    PRESENT,
    Resolution,
    Sides,
    disagreement,
    existence,
    merge_states,
    resolve,
    same,
    visible,
)
from reqtrail.features.versioning.types import Content, Field, FieldKind, Kind, State

ID = UUID(int=1)
KIND = Kind(
    "thing",
    Table("thing", MetaData()),
    (
        Field("title", FieldKind.TEXT),
        Field("state"),
        Field("parent"),
        Field("rank"),
        Field("values", FieldKind.MAP),
    ),
    position=("parent", "rank"),
)
CONTENT: Content = {"title": "a b c", "state": "x", "parent": "p", "rank": "m", "values": {"k": 1}}


def _state(seq: int, deleted: bool = False, **changes: Any) -> State:
    return State({**CONTENT, **changes}, deleted, seq, "T-1")


BASE = _state(1)
OURS = _state(2, state="ours")
THEIRS = _state(3, state="theirs")
GONE = _state(4, deleted=True)


def _chosen(field: str, choose: str, key: str | None = None, **more: Any) -> Resolution:
    return Resolution("thing", ID, field, key, choose, **more)


@pytest.mark.parametrize(
    ("sides", "merged"),
    [
        (Sides(BASE, BASE, BASE), BASE),
        (Sides(BASE, OURS, BASE), OURS),
        (Sides(BASE, BASE, THEIRS), THEIRS),
        (Sides(None, OURS, None), OURS),
        (Sides(None, None, THEIRS), THEIRS),
        (Sides(BASE, GONE, BASE), GONE),
        (Sides(BASE, BASE, GONE), GONE),
        (Sides(GONE, OURS, GONE), OURS),
        (Sides(GONE, GONE, THEIRS), THEIRS),
        (Sides(None, None, None), None),
    ],
)
def test_one_side_changed(sides: Sides, merged: State | None) -> None:
    assert merge_states(KIND, sides) == (merged, [])


def test_both_sides_alike_keep_ours() -> None:
    """Nothing has to be written where the target has it already: not even what was deleted twice."""
    again = _state(9, state="ours")
    assert merge_states(KIND, Sides(BASE, OURS, again)) == (OURS, [])
    twice = replace(GONE, seq_from=9)
    assert merge_states(KIND, Sides(BASE, GONE, twice)) == (GONE, [])
    assert merge_states(KIND, Sides(BASE, GONE, None)) == (GONE, [])


def test_fields_of_both_sides_are_mixed_into_theirs() -> None:
    ours, theirs = _state(2, title="A b c"), _state(3, title="a b C", values={"k": 2})
    merged, conflicts = merge_states(KIND, Sides(BASE, ours, theirs))
    assert conflicts == []
    assert merged == replace(theirs, content={**CONTENT, "title": "A b C", "values": {"k": 2}})


def test_what_both_sides_made_is_merged_over_nothing() -> None:
    """Without a base every field that differs is in conflict; equal ones are not."""
    merged, conflicts = merge_states(KIND, Sides(None, OURS, THEIRS))
    assert conflicts == [FieldConflict("state", None, None, "ours", "theirs")]
    assert merged == THEIRS


@pytest.mark.parametrize(
    ("sides", "left", "words"),
    [
        (Sides(BASE, OURS, GONE), OURS, (PRESENT, PRESENT, DELETED)),
        (Sides(BASE, GONE, THEIRS), THEIRS, (PRESENT, DELETED, PRESENT)),
        (Sides(BASE, None, THEIRS), THEIRS, (PRESENT, DELETED, PRESENT)),
    ],
)
def test_an_edit_against_a_deletion_is_a_conflict(
    sides: Sides, left: State, words: tuple[str, str, str]
) -> None:
    """What is there stays until somebody has chosen."""
    assert merge_states(KIND, sides) == (left, [FieldConflict(EXISTENCE, None, *words)])
    assert existence(sides) == FieldConflict(EXISTENCE, None, *words)


def test_words_of_existence() -> None:
    assert (PRESENT, DELETED) == ("present", "deleted")
    assert existence(Sides(None, GONE, OURS)) == FieldConflict(
        "existence", None, "deleted", "deleted", "present"
    )


def test_sides_by_name_and_their_key() -> None:
    sides = Sides(BASE, OURS, THEIRS)
    assert [sides.of(name) for name in ("base", "ours", "theirs")] == [BASE, OURS, THEIRS]
    assert sides.key == "T-1"
    assert Sides(None, None, None).key is None
    assert Sides(BASE, None, None).key == "T-1"
    assert Sides(None, None, replace(THEIRS, key="T-2")).key == "T-2"


def test_what_is_visible() -> None:
    assert visible(None) is None and visible(GONE) is None
    assert visible(OURS) == OURS.content
    assert same(None, GONE) and same(GONE, None) and same(BASE, replace(BASE, seq_from=9))
    assert not same(BASE, OURS) and not same(BASE, GONE) and not same(None, BASE)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("state", ("x", "ours", "theirs")),
        (
            POSITION,
            (
                {"parent": "p", "rank": "m"},
                {"parent": "q", "rank": "m"},
                {"parent": "p", "rank": "z"},
            ),
        ),
    ],
)
def test_a_disagreement_names_the_three_values(field: str, values: tuple[Any, Any, Any]) -> None:
    ours = _state(2, state="ours", parent="q")
    theirs = _state(3, state="theirs", rank="z")
    assert disagreement(KIND, Sides(BASE, ours, theirs), field) == FieldConflict(
        field, None, *values
    )


def test_sides_that_agree_leave_no_choice() -> None:
    sides = Sides(BASE, OURS, replace(THEIRS, content=OURS.content))
    assert disagreement(KIND, sides, "state") is None
    assert disagreement(KIND, sides, POSITION) is None
    assert disagreement(KIND, sides, EXISTENCE) is None


def test_a_disagreement_about_what_is_not_there() -> None:
    sides = Sides(BASE, OURS, GONE)
    assert disagreement(KIND, sides, EXISTENCE) == existence(sides)
    assert disagreement(KIND, sides, "state") == FieldConflict("state", None, "x", "ours", None)
    assert disagreement(KIND, Sides(None, GONE, THEIRS), POSITION) == FieldConflict(
        POSITION, None, None, None, {"parent": "p", "rank": "m"}
    )


@pytest.mark.parametrize(
    ("choose", "value"), [("base", "x"), ("ours", "ours"), ("theirs", "theirs")]
)
def test_a_field_of_one_side(choose: str, value: str) -> None:
    merged = _state(3, state="theirs", title="mixed")
    result = resolve(KIND, merged, Sides(BASE, OURS, THEIRS), _chosen("state", choose))
    assert result == _state(3, state=value, title="mixed")


@pytest.mark.parametrize(
    ("choose", "values"),
    [("base", {"k": 1, "l": 9}), ("ours", {"l": 9}), ("theirs", {"k": 3, "l": 9})],
)
def test_a_key_of_a_map_of_one_side(choose: str, values: dict[str, Any]) -> None:
    """A key that the chosen side has not is taken away; other keys stay."""
    sides = Sides(BASE, _state(2, values=None), _state(3, values={"k": 3}))
    merged = _state(3, values={"k": 3, "l": 9})
    assert resolve(KIND, merged, sides, _chosen("values", choose, "k")) == _state(3, values=values)


def test_a_key_is_put_into_a_map_that_is_not_there() -> None:
    merged = _state(3, values=None)
    result = resolve(KIND, merged, Sides(BASE, BASE, merged), _chosen("values", "ours", "k"))
    assert result == _state(3, values={"k": 1})


@pytest.mark.parametrize(("choose", "place"), [("base", "pm"), ("ours", "qm"), ("theirs", "pz")])
def test_a_place_is_taken_whole(choose: str, place: str) -> None:
    sides = Sides(BASE, _state(2, parent="q"), _state(3, rank="z"))
    merged = _state(3, state="mixed", rank="z")
    result = resolve(KIND, merged, sides, _chosen(POSITION, choose))
    assert result == _state(3, state="mixed", parent=place[0], rank=place[1])


@pytest.mark.parametrize(
    ("sides", "choose", "result"),
    [
        (Sides(BASE, OURS, GONE), "ours", OURS),
        (Sides(BASE, OURS, GONE), "base", BASE),
        (Sides(BASE, OURS, GONE), "theirs", replace(OURS, deleted=True)),
        (Sides(BASE, GONE, THEIRS), "theirs", THEIRS),
        (Sides(None, None, None), "ours", None),
        (Sides(BASE, None, None), "ours", replace(BASE, deleted=True)),
        (Sides(BASE, None, THEIRS), "ours", replace(THEIRS, deleted=True)),
    ],
)
def test_whether_something_is_there(sides: Sides, choose: str, result: State | None) -> None:
    """Deleted is what was known of it, marked as deleted."""
    for merged in (None, sides.ours):
        expected = result
        if result is not None and result.deleted and merged is not None:
            expected = replace(merged, deleted=True)
        assert resolve(KIND, merged, sides, _chosen(EXISTENCE, choose)) == expected


def test_of_what_is_not_there_nothing_is_chosen() -> None:
    sides = Sides(BASE, OURS, GONE)
    assert resolve(KIND, GONE, sides, _chosen("state", "ours")) == GONE
    assert resolve(KIND, None, sides, _chosen("state", "ours")) is None
    assert resolve(KIND, OURS, sides, _chosen("state", "theirs")) == OURS


def test_a_value_of_ones_own() -> None:
    sides = Sides(BASE, OURS, THEIRS)
    result = resolve(KIND, THEIRS, sides, _chosen("state", "value", value="own"))
    assert result == _state(3, state="own")
    result = resolve(KIND, THEIRS, sides, _chosen("values", "value", "l", value=4))
    assert result == _state(3, state="theirs", values={"k": 1, "l": 4})


def test_words_of_each_side() -> None:
    sides = Sides(BASE, _state(2, title="a X c"), _state(3, title="a Y c"))
    result = resolve(KIND, sides.theirs, sides, _chosen("title", "words", words=("ours",)))
    assert result == _state(3, title="a X c")
    result = resolve(KIND, sides.theirs, sides, _chosen("title", "words", words=("base",)))
    assert result == _state(3, title="a b c")


@pytest.mark.parametrize(
    "resolution",
    [
        _chosen("nowhere", "ours"),
        _chosen("state", "value", "k", value="own"),
        _chosen(EXISTENCE, "words", words=("ours",)),
        _chosen(EXISTENCE, "value", value="own"),
        _chosen(POSITION, "value", value={"parent": "q"}),
        _chosen("state", "words", words=("ours",)),
        _chosen("title", "words", words=("ours", "ours", "ours")),
    ],
)
def test_what_cannot_be_chosen_is_refused(resolution: Resolution) -> None:
    with pytest.raises(ResolutionInvalid):
        resolve(KIND, THEIRS, Sides(BASE, OURS, THEIRS), resolution)


def test_a_refused_choice_of_words_says_of_what() -> None:
    resolution = _chosen("state", "words", words=("ours",))
    with pytest.raises(ResolutionInvalid) as caught:
        resolve(KIND, THEIRS, Sides(BASE, OURS, THEIRS), resolution)
    assert caught.value.extra == {"kind": "thing", "id": str(ID), "field": "state"}


def test_the_place_of_a_choice() -> None:
    assert _chosen("values", "ours", "k").place == ("thing", ID, "values", "k")
