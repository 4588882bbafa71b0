"""The three-way merge of texts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reqtrail.features.versioning.merge import is_conflict, merge_values
from reqtrail.features.versioning.types import FieldKind
from reqtrail.kit.text_merge import (
    is_well_formed,
    markup_tokens,
    merge_markup,
    merge_text,
    words,
)

TEXTS = st.lists(
    st.sampled_from(["the", "pump", "shall", "stop", "not", ",", "2 s"]), max_size=8
).map(" ".join)
MARKUP = st.recursive(
    st.sampled_from(["one ", "two ", "&amp;", "<br/>"]),
    lambda inner: st.builds(
        lambda tag, parts: f"<{tag}>{''.join(parts)}</{tag}>",
        st.sampled_from(["p", "b", "i"]),
        st.lists(inner, max_size=4),
    ),
    max_leaves=8,
)


@given(st.text())
def test_tokens_join_to_the_text(text: str) -> None:
    """Nothing is lost by cutting."""
    assert "".join(words(text)) == text
    assert "".join(markup_tokens(text)) == text


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


@given(MARKUP, MARKUP, MARKUP)
def test_markup_merge_is_symmetric_and_well_formed(base: str, one: str, other: str) -> None:
    """What comes out of well-formed sides is well-formed, or a conflict."""
    merged = merge_markup(base, one, other)
    assert merged == merge_markup(base, other, one)
    assert merged is None or is_well_formed(merged)


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
    """Edits apart merge, edits of the same word do not, torn markup does not."""
    assert merge_text("a b c", "x b c", "a b y") == "x b y"
    assert merge_text("a b c", "a x c", "a y c") is None
    assert merge_markup("<p>a b c</p>", "<p><b>a b</b> c</p>", "<p>a <i>b c</i></p>") is None
