"""Who wrote which word."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reqtrail.kit import blame as module
from reqtrail.kit.blame import Version, blame, match_words

TEXTS = st.lists(
    st.sampled_from([*"abcde", "word", ".", ",", " ", "\n", "  ", "ä", "the"]), max_size=30
).map("".join)


def spans(*versions: Version[int]) -> list[tuple[str, int]]:
    """Return the pieces of the last version."""
    return [(span.text, span.origin) for span in blame(versions)]


def line(*texts: str) -> list[tuple[str, int]]:
    """Return who wrote what of the last of *texts*, each of which was made of the one before it."""
    return spans(*(Version(text, at, (at - 1,) if at else ()) for at, text in enumerate(texts)))


def test_an_edit_is_the_author_of_its_words_only() -> None:
    assert line("the car brakes", "the car stops", "the truck stops fast") == [
        *(("the ", 0), ("truck ", 2), ("stops ", 1), ("fast", 2)),
    ]


def test_nothing_has_no_author_and_space_alone_has_the_last_one() -> None:
    assert blame([]) == []
    assert line("a", "") == []
    assert line("a", " \n") == [(" \n", 1)]
    assert line("  a", "  a b ") == [("  a ", 0), ("b ", 1)]


def test_what_was_taken_away_and_written_again_is_new() -> None:
    assert line("one two", "one", "one two") == [("one ", 0), ("two", 2)]


def test_a_merge_is_the_author_of_what_neither_side_brought() -> None:
    base = Version("one two three", 1)
    ours = Version("one two three four", 2, (0,))
    theirs = Version("zero one two three", 3, (0,))
    merged = Version("zero one two three and four", 4, (1, 2))
    assert spans(base, ours, theirs, merged) == [
        *(("zero ", 3), ("one two three ", 1), ("and ", 4), ("four", 2)),
    ]


def test_a_parent_comes_first() -> None:
    with pytest.raises(ValueError, match="after its parents"):
        blame([Version("a", 1, (0,))])


@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_the_pieces_make_the_text_and_neighbours_differ(texts: list[str]) -> None:
    found = line(*texts)
    assert "".join(text for text, _ in found) == texts[-1]
    assert all(one[1] != other[1] for one, other in zip(found, found[1:], strict=False))


@given(TEXTS, st.lists(TEXTS, max_size=5))
def test_a_word_that_is_never_touched_keeps_its_first_commit(kept: str, around: list[str]) -> None:
    """Whatever is written behind a beginning, and taken away again, the beginning is the first commit's."""
    texts = [f"START {kept} KEPT {text}" for text in ["", *around]]
    found = line(*texts)
    beginning = f"START {kept} KEPT"
    assert found[0][1] == 0
    assert found[0][0].startswith(beginning)


@given(TEXTS, TEXTS, TEXTS)
def test_words_of_a_merge_are_those_of_its_sides(base: str, ours: str, theirs: str) -> None:
    """A merge that takes one side whole writes nothing; one that takes both writes nothing of its own either."""
    versions = [Version(base, 0), Version(ours, 1, (0,)), Version(theirs, 2, (0,))]
    whole = spans(*versions, Version(theirs, 3, (1, 2)))
    assert 3 not in {origin for text, origin in whole if text.strip()}


@given(TEXTS, TEXTS, st.booleans())
def test_matches_are_equal_words_in_order(a: str, b: str, quick: bool) -> None:
    old, new = re.findall(r"\S", a), re.findall(r"\S", b)
    limit = module.MAX_PRODUCT
    module.MAX_PRODUCT = 0 if quick else limit
    try:
        pairs = list(match_words(old, new))
    finally:
        module.MAX_PRODUCT = limit
    assert all(old[i] == new[j] for i, j in pairs)
    assert _rise([i for i, _ in pairs]) and _rise([j for _, j in pairs])
    if old == new:
        assert len(pairs) == len(old)


def _rise(numbers: Sequence[int]) -> bool:
    return all(one < other for one, other in zip(numbers, numbers[1:], strict=False))


def test_a_long_text_written_anew_still_keeps_its_rare_words() -> None:
    """80,000 words, every second one replaced, compared by the words that occur once."""
    old = [f"w{number}" for number in range(80_000)]
    new = [word if number % 2 else f"n{number}" for number, word in enumerate(old)]
    assert len(list(match_words(old, new))) == 40_000
