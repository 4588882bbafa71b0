"""Real revisions of requirements, cut into concurrent edits: the merge puts them together again.

The history of the Zephyr requirements holds what people really changed. Of each two successive versions of a text, the
places that differ are dealt out to two editors at random; each editor's text has only their own changes. Merged, they
have to give the later version, unless editors changed words side by side, which is a conflict by rule. The same is done
with the text in a table cell, a list and paragraphs.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path
from random import Random
from xml.sax.saxutils import escape

import pytest

from reqtrail.kit.markup import XHTML
from reqtrail.kit.rich_merge import choose_markup, markup_pieces, merge_markup
from reqtrail.kit.text_merge import choose_text, merge_text, text_pieces, words
from tests.kit.rich_texts import canonical, problems

HISTORY = Path(__file__).resolve().parents[4] / "shared" / "data" / "history"
Texts = tuple[str, str, str, str]
"""The earlier version, what each editor made of it, and the later version."""


@pytest.fixture(scope="module")
def revisions(shared_folder: Path) -> list[tuple[str, str]]:
    """Every pair of successive versions of one text field, once."""
    versions: dict[tuple[str, str], str] = {}
    pairs: dict[tuple[str, str], None] = {}
    with gzip.open(shared_folder / "data" / "history" / "zephyr_main.jsonl.gz", "rt") as lines:
        for line in lines:
            for change in json.loads(line)["changes"]:
                for name, text in (change.get("fields") or {}).items():
                    place = (change["uid"], name)
                    before = versions.get(place)
                    if before and before != text and len(words(before)) > 4:
                        pairs[before, text] = None
                    versions[place] = text
    assert len(pairs) > 100
    return list(pairs)


def _dealt(rng: Random, before: str, after: str) -> Texts | None:
    """Deal the differences out to two editors; None if words side by side would go to different ones."""
    old, new = words(before), words(after)
    opcodes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    sides: list[list[str]] = [[], []]
    changed: list[int | None] = [None]  # whose the last change is, None after a word that both keep
    for tag, low, high, new_low, new_high in opcodes:
        if tag == "equal":
            for side in sides:
                side.extend(old[low:high])
            if any(not token.isspace() for token in old[low:high]):
                changed.append(None)
            continue
        editor = rng.randrange(2) if changed[-1] is None else changed[-1]
        changed.append(editor)
        for index, side in enumerate(sides):
            side.extend(new[new_low:new_high] if index == editor else old[low:high])
    one, other = ("".join(side) for side in sides)
    return None if before in (one, other) else (before, one, other, after)


def _cases(revisions: list[tuple[str, str]], rounds: int) -> Iterator[Texts]:
    rng = Random(20231)
    for before, after in revisions:
        for _ in range(rounds):
            dealt = _dealt(rng, before, after)
            if dealt is not None:
                yield dealt


def _wrapped(form: str, text: str) -> str:
    lines = [escape(line) for line in text.split("\n")]
    if form == "paragraphs":
        inner = "".join(f"<p>{line}</p>" for line in lines)
    elif form == "list":
        inner = f"<ul><li>{'<br/>'.join(lines)}</li><li>the end</li></ul>"
    else:
        inner = f"<table><tbody><tr><td>{'<br/>'.join(lines)}</td><td>1</td></tr></tbody></table>"
    return f'<div xmlns="{XHTML}">{inner}</div>'


def test_plain_texts_come_together_again(revisions: list[tuple[str, str]]) -> None:
    """Nearly all merge to the later version; the rest is offered, and can be chosen to be it."""
    merged = conflicts = 0
    for before, one, other, after in _cases(revisions, 5):
        result = merge_text(before, one, other)
        assert result == merge_text(before, other, one)
        if result is None:
            conflicts += 1
            _choose_a_side(before, one, other)
        else:
            merged += 1
            assert _same_words(result, after), (before, one, other)
    assert merged > 100
    assert conflicts < merged / 10


@pytest.mark.parametrize("form", ["paragraphs", "list", "table"])
def test_rich_texts_come_together_again(form: str, revisions: list[tuple[str, str]]) -> None:
    """So do they inside paragraphs, lists and tables, and the structure is whole."""
    merged = conflicts = 0
    for texts in _cases(revisions, 2):
        before, one, other, after = (_wrapped(form, text) for text in texts)
        result = merge_markup(before, one, other)
        assert result == merge_markup(before, other, one)
        if result is None:
            conflicts += 1
            pieces = markup_pieces(before, one, other)
            assert pieces is not None
            count = sum(piece.text is None for piece in pieces)
            assert count > 0
            assert not problems(choose_markup(before, one, other, ["ours"] * count))
        else:
            merged += 1
            assert not problems(result)
            assert canonical(result) == canonical(after), (before, one, other)
    assert merged > 50
    assert conflicts < merged / 4


def _choose_a_side(before: str, one: str, other: str) -> None:
    pieces = text_pieces(before, one, other)
    disputed = [piece for piece in pieces if piece.text is None]
    assert disputed
    assert all(piece.ours != piece.theirs for piece in disputed)
    text = choose_text(before, one, other, ["ours"] * len(disputed))
    assert all(piece.ours in text for piece in disputed)


def _same_words(one: str, other: str) -> bool:
    return one.split() == other.split()
