"""The three-way merge of texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reqtrail.features.versioning.merge import is_conflict, merge_values
from reqtrail.features.versioning.types import FieldKind
from reqtrail.kit.text_merge import (
    BOTH,
    SIDES,
    ChoicesInvalid,
    choose_text,
    merge_text,
    text_pieces,
    words,
)

TEXTS = st.lists(
    st.sampled_from(["the", "pump", "shall", "stop", "not", ",", "2 s"]), max_size=8
).map(" ".join)


@given(st.text())
def test_tokens_join_to_the_text(text: str) -> None:
    """Nothing is lost by cutting."""
    assert "".join(words(text)) == text


@given(TEXTS, TEXTS)
def test_one_changed_side_wins(base: str, side: str) -> None:
    """merge(base, x, base) = x; merge(base, base, y) = y; merge(base, x, x) = x."""
    assert merge_text(base, side, base) == side
    assert merge_text(base, base, side) == side
    assert merge_text(base, side, side) == side


@given(TEXTS, TEXTS, TEXTS)
def test_text_merge_is_symmetric(base: str, one: str, other: str) -> None:
    """It does not matter which side is called ours."""
    assert merge_text(base, one, other) == merge_text(base, other, one)


@given(TEXTS, TEXTS, TEXTS)
def test_pieces_make_the_sides(base: str, one: str, other: str) -> None:
    """Without a conflict the pieces are the merge; each side chosen throughout keeps what that side wrote there."""
    pieces = text_pieces(base, one, other)
    merged = merge_text(base, one, other)
    count = sum(piece.text is None for piece in pieces)
    assert (merged is None) == (count > 0)
    if merged is not None:
        assert choose_text(base, one, other, []) == merged
    for index, side in enumerate(SIDES):
        chosen = choose_text(base, one, other, [side] * count)
        alternatives = [(piece.base, piece.ours, piece.theirs)[index] for piece in pieces]
        parts = [
            piece.text if piece.text is not None else mine
            for piece, mine in zip(pieces, alternatives, strict=True)
        ]
        assert chosen == "".join(parts)


@given(TEXTS, TEXTS, TEXTS)
def test_a_word_of_a_side_is_merged_or_offered(base: str, one: str, other: str) -> None:
    """No word that a side added is lost: it is in the merge or among what is to be chosen."""
    text = "".join(
        piece.text if piece.text is not None else f"{piece.ours} {piece.theirs}"
        for piece in text_pieces(base, one, other)
    )
    for side in (one, other):
        assert set(side.split()) - set(base.split()) <= set(text.split())


@given(*[st.lists(st.sampled_from("abcd"), unique=True)] * 3)
def test_set_merge(base: list[str], one: list[str], other: list[str]) -> None:
    """A set keeps what nobody removed and has what anybody added, whichever side is ours."""
    merged = merge_values(FieldKind.SET, base, one, other)
    assert not is_conflict(merged)
    if base not in (one, other) and one != other:
        kept = {value for value in base if value in one and value in other}
        assert set(merged) == kept | (set(one) - set(base)) | (set(other) - set(base))
        assert merged == merge_values(FieldKind.SET, base, other, one)


def test_examples() -> None:
    """Edits apart merge, edits of the same word do not."""
    assert merge_text("a b c", "x b c", "a b y") == "x b y"
    assert merge_text("a b c", "a x c", "a y c") is None


def test_a_number_and_its_unit_never_mix() -> None:
    """What one side made of a word and the other of the next one is one conflict, shown as one."""
    base, ours, theirs = "stop in 12 ms now", "stop in 15 ms now", "stop in 12 s now"
    assert merge_text(base, ours, theirs) is None
    conflict = [piece for piece in text_pieces(base, ours, theirs) if piece.text is None]
    assert [(piece.base, piece.ours, piece.theirs) for piece in conflict] == [
        ("12 ms", "15 ms", "12 s")
    ]
    assert choose_text(base, ours, theirs, ["ours"]) == ours
    assert choose_text(base, ours, theirs, ["theirs"]) == theirs
    assert choose_text(base, ours, theirs, [BOTH]) == "stop in 15 ms 12 s now"


def test_choices_that_do_not_fit_are_refused() -> None:
    """One choice for each piece, each a known word."""
    for choices in ([], ["ours", "ours"], ["mine"]):
        with pytest.raises(ChoicesInvalid):
            choose_text("a b c", "a x c", "a y c", choices)
