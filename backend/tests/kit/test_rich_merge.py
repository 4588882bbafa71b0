"""The three-way merge of rich text: its algebra, its structure, and that nothing invalid comes out."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from reqtrail.kit.markup import XHTML, is_well_formed
from reqtrail.kit.rich_merge import choose_markup, markup_pieces, merge_markup
from reqtrail.kit.text_merge import ChoicesInvalid
from tests.kit.rich_texts import canonical, edited, problems, rich_text, to_source

SEEDS = st.integers(0, 2**32)


def _sides(seed: int, edits: int = 3) -> tuple[str, str, str]:
    """Return a random rich text and two random edits of it."""
    rng = random.Random(seed)
    base = rich_text(rng)
    one, other = (to_source(edited(rng, base, rng.randint(1, edits))) for _ in range(2))
    return to_source(base), one, other


@given(SEEDS)
def test_one_changed_side_wins(seed: int) -> None:
    """merge(base, x, base) = x; merge(base, base, y) = y; merge(base, x, x) = x, to the byte."""
    base, side, _ = _sides(seed)
    assert merge_markup(base, side, base) == side
    assert merge_markup(base, base, side) == side
    assert merge_markup(base, side, side) == side


@given(SEEDS)
@settings(max_examples=300)
def test_a_merge_is_symmetric_and_valid(seed: int) -> None:
    """Whichever side is ours, the same comes out, and it is valid; or it is a conflict with pieces to choose."""
    base, one, other = _sides(seed)
    assert not problems(one) and not problems(other), "the sides are valid"
    merged = merge_markup(base, one, other)
    assert merged == merge_markup(base, other, one)
    pieces = markup_pieces(base, one, other)
    assert pieces is not None
    if merged is None:
        assert any(piece.text is None for piece in pieces)
    else:
        assert not problems(merged)
        assert all(piece.text is not None for piece in pieces)


@given(SEEDS, st.lists(st.sampled_from(["base", "ours", "theirs", "both"]), max_size=12))
@settings(max_examples=300)
def test_choices_give_a_valid_text_or_are_refused(seed: int, choices: list[str]) -> None:
    """Whatever is chosen for each piece, the result is valid or refused with a sentence."""
    base, one, other = _sides(seed, edits=5)
    pieces = markup_pieces(base, one, other)
    assert pieces is not None
    count = sum(piece.text is None for piece in pieces)
    chosen = (choices * count)[:count] if choices else ["ours"] * count
    try:
        result = choose_markup(base, one, other, chosen)
    except ChoicesInvalid as refused:
        assert str(refused).startswith("Together")
    else:
        assert not problems(result), (result, base, one, other)


@given(SEEDS)
def test_edits_of_different_blocks_always_merge(seed: int) -> None:
    """Edits of words in blocks apart are both there, and nothing else changed."""
    rng = random.Random(seed)
    words = [[rng.choice("abcdefgh") * 3 for _ in range(6)] for _ in range(6)]

    def source(changes: dict[int, str]) -> str:
        paragraphs = (
            f"<p>{' '.join([*line[:2], changes.get(index, line[2]), *line[3:]])}</p>"
            for index, line in enumerate(words)
        )
        return f'<div xmlns="{XHTML}">{"".join(paragraphs)}</div>'

    here, there = rng.sample(range(6), 2)
    merged = merge_markup(source({}), source({here: "OURS"}), source({there: "THEIRS"}))
    assert merged is not None
    assert canonical(merged) == canonical(source({here: "OURS", there: "THEIRS"}))


TABLE = (
    f'<div xmlns="{XHTML}"><p>Limits</p><table><thead><tr><th>What</th><th>Limit</th></tr></thead>'
    "<tbody><tr><td>Speed</td><td>160 km/h</td></tr><tr><td>Mass</td><td>80 t</td></tr></tbody></table>"
    '<p>See <object data="a/b.png" type="image/png">Curve</object> for more.</p></div>'
)


def _changed(*pairs: tuple[str, str]) -> str:
    text = TABLE
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


ROW = "<tr><td>Length</td><td>200 m</td></tr>"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ([("160 km/h", "200 km/h")], [("</tbody>", f"{ROW}</tbody>")]),
        ([("<tr><td>Mass</td><td>80 t</td></tr>", "")], [("Speed", "Top speed")]),
        ([("Curve", "Braking curve")], [("for more", "for details")]),
        ([("a/b.png", "a/c.png")], [("Curve", "Braking curve")]),
        ([("<th>What</th>", '<th scope="col">What</th>')], [("What", "Quantity")]),
        ([("Limits", "<b>Limits</b>")], [("80 t", "90 t")]),
        ([("<p>Limits</p>", "<p>Limits</p><ul><li>new</li></ul>")], [("more.", "all.")]),
    ],
)
def test_tables_lists_and_pictures_survive(
    ours: list[tuple[str, str]], theirs: list[tuple[str, str]]
) -> None:
    """Edits of different parts of one table, one picture, one paragraph are both there."""
    merged = merge_markup(TABLE, _changed(*ours), _changed(*theirs))
    assert merged is not None
    assert canonical(merged) == canonical(_changed(*ours, *theirs))


@pytest.mark.parametrize(
    ("ours", "theirs", "alternatives"),
    [
        ([("160 km/h", "200 km/h")], [("160 km/h", "180 km/h")], ("160", "200", "180")),
        ([("a/b.png", "a/c.png")], [("a/b.png", "a/d.png")], None),
        ([("Limits", "<b>Limits</b>")], [("Limits", "<i>Limits</i>")], None),
        (
            [("<tr><td>Mass</td><td>80 t</td></tr>", "")],
            [("80 t", "90 t")],
            ("Mass\t80 t\t\n", "", "Mass\t90 t\t\n"),
        ),
    ],
)
def test_contradictions_are_offered(
    ours: list[tuple[str, str]],
    theirs: list[tuple[str, str]],
    alternatives: tuple[str, str, str] | None,
) -> None:
    """The same word, the same picture, other marks of the same word, a row edited and deleted: to be chosen."""
    one, other = _changed(*ours), _changed(*theirs)
    assert merge_markup(TABLE, one, other) is None
    pieces = markup_pieces(TABLE, one, other)
    assert pieces is not None
    (conflict,) = [piece for piece in pieces if piece.text is None]
    if alternatives:
        assert (conflict.base, conflict.ours, conflict.theirs) == alternatives
    assert conflict.ours != conflict.theirs, "one can see what one chooses"
    assert canonical(choose_markup(TABLE, one, other, ["ours"])) == canonical(one)
    assert canonical(choose_markup(TABLE, one, other, ["theirs"])) == canonical(other)
    assert canonical(choose_markup(TABLE, one, other, ["base"])) == canonical(TABLE)


def test_deletions_that_leave_nothing_are_offered() -> None:
    """Each side deleted the entry that the other kept: an empty list is no valid list."""
    both = f'<ul xmlns="{XHTML}"><li>a</li><li>b</li></ul>'
    one, other = both.replace("<li>b</li>", ""), both.replace("<li>a</li>", "")
    assert merge_markup(both, one, other) is None
    assert choose_markup(both, one, other, ["ours"]) == one


def test_choices_that_leave_nothing_are_refused() -> None:
    """Each deletion can be chosen, but not both: nothing would be left of the list."""
    entries = ["<li>a b c d</li>", "<li>e f g h</li>"]
    base = f'<ul xmlns="{XHTML}">{entries[0]} {entries[1]}</ul>'
    ours = base.replace(entries[0], "").replace("g h", "g x")
    theirs = base.replace(entries[1], "").replace("c d", "c y")
    assert not problems(choose_markup(base, ours, theirs, ["ours", "ours"]))
    assert not problems(choose_markup(base, ours, theirs, ["theirs", "ours"]))
    with pytest.raises(ChoicesInvalid, match="leave nothing in a list"):
        choose_markup(base, ours, theirs, ["ours", "theirs"])


def test_a_table_gets_one_header_only() -> None:
    """Both added a header: one of them, not both."""
    base = f'<table xmlns="{XHTML}"><tbody><tr><td>a</td></tr></tbody></table>'
    one, other = (
        base.replace("<tbody>", f"<thead><tr><th>{name}</th></tr></thead><tbody>") for name in "xy"
    )
    assert merge_markup(base, one, other) is None
    assert choose_markup(base, one, other, ["theirs"]) == other
    with pytest.raises(ChoicesInvalid, match="give a table two table headers"):
        choose_markup(base, one, other, ["both"])


def test_prefixes_of_imports_and_of_the_editor_mix() -> None:
    """An import writes ``xhtml:`` and the editor none; the merge is in one name space and well-formed."""
    base = "<xhtml:div><xhtml:p>one two three</xhtml:p></xhtml:div>"
    ours = base.replace("one", "1")
    theirs = f'<div xmlns="{XHTML}"><p>one two <b>3</b></p></div>'
    merged = merge_markup(base, ours, theirs)
    assert merged is not None and is_well_formed(merged)
    assert canonical(merged) == canonical(f'<div xmlns="{XHTML}"><p>1 two <b>3</b></p></div>')


def test_comments_and_entities_are_kept() -> None:
    """What is not text or element stays too."""
    base = f'<div xmlns="{XHTML}"><!-- kept --><?tool says?>a &lt; b &amp; c d e</div>'
    merged = merge_markup(base, base.replace("a ", "x "), base.replace(" e", " y"))
    assert merged == base.replace("a ", "x ").replace(" e", " y")


@pytest.mark.parametrize("broken", ["<p>", "a & b", "<p>&unknown;</p>", "<p" + ">" * 3, "\x00"])
def test_what_is_not_well_formed_is_a_conflict(broken: str) -> None:
    """It is never repaired in silence: sides are chosen as they are."""
    assert not is_well_formed(broken) or broken == "<p>>>"
    assert merge_markup("<p>a b</p>", broken, "<p>a c</p>") is None


def test_depth_is_bounded() -> None:
    """A text nested without end is refused, not a crash."""
    deep: Any = "<b>" * 500 + "x" + "</b>" * 500
    assert not is_well_formed(deep)
    assert merge_markup(deep, deep.replace("x", "y"), deep.replace("x", "z")) is None


def test_canonical_tells_texts_apart() -> None:
    """The comparison of these tests is one: it sees a changed word and a changed mark."""
    assert canonical(TABLE) != canonical(_changed(("Speed", "speed")))
    assert canonical(TABLE) != canonical(_changed(("Limits", "<b>Limits</b>")))
    assert etree.fromstring(canonical(TABLE)).tag == "r"
