"""The edges of merging plain texts: long texts of few words, spaces between two choices, choices that do not fit."""

from __future__ import annotations

import pytest

from reqtrail.kit.text_merge import ChoicesInvalid, choose_text, gap, merge_text, text_pieces


def test_a_long_text_of_few_words_merges() -> None:
    """Words that occur often have to be matched too: requirements are full of them."""
    base = "the brake stops the car " * 60 + "now"
    ours = base.replace("brake", "handbrake", 1)
    theirs = base.removesuffix("now") + "soon"
    expected = ours.removesuffix("now") + "soon"
    assert merge_text(base, ours, theirs) == expected
    assert merge_text(base, theirs, ours) == expected


@pytest.mark.parametrize(
    ("before", "after", "space"),
    [
        ("a", "b", " "),
        ("a b", "c", " "),
        ("a", "b c", " "),
        ("a ", "b", ""),
        ("a", " b", ""),
        ("a\n", "\tb", ""),
        ("", "b", ""),
        ("a", "", ""),
        ("", "", ""),
    ],
)
def test_a_space_parts_two_texts_if_none_of_them_brings_it(
    before: str, after: str, space: str
) -> None:
    assert gap(before, after) == space


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        ("base", "stop in 12 ms at most"),
        ("ours", "stop in 15 ms at most"),
        ("theirs", "stop in 9 ms at most"),
        ("both", "stop in 15 9 ms at most"),
    ],
)
def test_a_choice_stands_in_its_place(choice: str, text: str) -> None:
    sides = ("stop in 12 ms at most", "stop in 15 ms at most", "stop in 9 ms at most")
    assert choose_text(*sides, [choice]) == text
    assert merge_text(*sides) is None


def test_choices_stand_in_their_order() -> None:
    sides = ("a x b y c", "a 1 b 2 c", "a 3 b 4 c")
    assert [piece.text for piece in text_pieces(*sides)] == ["a ", None, " b ", None, " c"]
    assert choose_text(*sides, ["ours", "theirs"]) == "a 1 b 4 c"
    assert choose_text(*sides, ["theirs", "base"]) == "a 3 b y c"


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ([], "1 piece is to be chosen, not 0"),
        (["ours", "ours"], "1 piece is to be chosen, not 2"),
        (["mine"], "“mine”"),
        ([""], "base, ours, theirs or both"),
    ],
)
def test_choices_that_do_not_fit_say_so(choices: list[str], words: str) -> None:
    with pytest.raises(ChoicesInvalid, match=words):
        choose_text("a x b", "a 1 b", "a 2 b", choices)


def test_too_few_choices_say_how_many_there_are() -> None:
    with pytest.raises(ChoicesInvalid, match="2 pieces are to be chosen, not 1"):
        choose_text("a x b y c", "a 1 b 2 c", "a 3 b 4 c", ["ours"])
