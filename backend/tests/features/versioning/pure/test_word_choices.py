"""Texts in conflict piece by piece: which values can be chosen by word, and what the choices make."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import MetaData, Table

from reqtrail.features.versioning.merge import choose_words, word_pieces
from reqtrail.features.versioning.types import Field, FieldKind, Kind
from reqtrail.kit.text_merge import ChoicesInvalid, Piece


def _value_kind(base: Any, ours: Any, theirs: Any) -> FieldKind:
    """The base decides, else ours, else theirs: so each of the three has to be passed on."""
    first = base or ours or theirs
    if first.startswith("<"):
        return FieldKind.RICH_TEXT
    return FieldKind.TEXT if first.startswith("the ") else FieldKind.SCALAR


KIND = Kind(
    "thing",
    Table("thing", MetaData()),
    (
        Field("state"),
        Field("title", FieldKind.TEXT),
        Field("text", FieldKind.RICH_TEXT),
        Field("tags", FieldKind.SET),
        Field("values", FieldKind.MAP, _value_kind),
        Field("plain", FieldKind.MAP),
    ),
)
PLAIN = (
    "the red car stops at 12 ms",
    "the blue car stops at 12 ms",
    "the green car halts at 12 ms",
)
RICH = (
    "<p>the red car stops at 12 ms</p>",
    "<p>the blue car stops at 12 ms</p>",
    "<p>the green car halts at 12 ms</p>",
)
DISPUTE = Piece(None, "red", "blue", "green")


@pytest.mark.parametrize(("name", "key"), [("title", None), ("values", "k")])
def test_a_plain_text_comes_apart_by_word(name: str, key: str | None) -> None:
    assert word_pieces(KIND, name, key, *PLAIN) == [
        Piece("the "),
        DISPUTE,
        Piece(" car halts at 12 ms"),
    ]
    for choice, word in (("base", "red"), ("ours", "blue"), ("theirs", "green")):
        assert choose_words(KIND, name, key, PLAIN, [choice]) == f"the {word} car halts at 12 ms"


@pytest.mark.parametrize(("name", "key"), [("text", None), ("values", "k")])
def test_a_rich_text_comes_apart_by_word(name: str, key: str | None) -> None:
    pieces = word_pieces(KIND, name, key, *RICH)
    assert pieces is not None and [piece for piece in pieces if piece.text is None] == [DISPUTE]
    for choice, word in (("base", "red"), ("ours", "blue"), ("theirs", "green")):
        made = choose_words(KIND, name, key, RICH, [choice])
        assert made == f"<p>the {word} car halts at 12 ms</p>"


@pytest.mark.parametrize(
    ("name", "key", "ours", "theirs"),
    [
        ("title", None, "the one", "the two"),
        ("values", "k", "the one", "the two"),
        ("text", None, "<p>one</p>", "<p>two</p>"),
        ("values", "k", "<p>one</p>", "<p>two</p>"),
    ],
)
def test_a_text_that_both_sides_made_has_an_empty_base(
    name: str, key: str | None, ours: str, theirs: str
) -> None:
    pieces = word_pieces(KIND, name, key, None, ours, theirs)
    assert pieces is not None and any(piece.text is None for piece in pieces)
    assert all(piece.base == "" for piece in pieces)
    count = sum(piece.text is None for piece in pieces)
    for choice, whole in (("ours", ours), ("theirs", theirs)):
        assert choose_words(KIND, name, key, (None, ours, theirs), [choice] * count) == whole


@pytest.mark.parametrize(
    ("name", "key", "base", "ours", "theirs"),
    [
        ("title", None, "the one", None, "the two"),
        ("title", None, "the one", "the two", None),
        ("title", None, 1, "the one", "the two"),
        ("title", None, "the one", 1, 2),
        ("state", None, "the one", "the two", "the three"),
        ("tags", None, "a", "b", "c"),
        ("nowhere", None, "the one", "the two", "the three"),
        ("plain", "k", "the one", "the two", "the three"),
        ("values", "k", "one", "the two", "the three"),
        ("values", None, "the one", "the two", "the three"),
        ("title", "k", "the one", "the two", "the three"),
        ("text", None, "<p>a</p>", "<p>b", "<p>c</p>"),
    ],
)
def test_other_values_are_taken_whole(
    name: str, key: str | None, base: Any, ours: Any, theirs: Any
) -> None:
    assert word_pieces(KIND, name, key, base, ours, theirs) is None
    with pytest.raises(ChoicesInvalid):
        choose_words(KIND, name, key, (base, ours, theirs), ["ours"])


@pytest.mark.parametrize("choices", [[], ["ours", "ours"], ["mine"]])
@pytest.mark.parametrize(("name", "sides"), [("title", PLAIN), ("text", RICH)])
def test_choices_have_to_fit(name: str, sides: tuple[str, str, str], choices: list[str]) -> None:
    with pytest.raises(ChoicesInvalid):
        choose_words(KIND, name, None, sides, choices)
