"""Three-way merge of texts by word.

The algorithm is diff3 as formalised by S. Khanna, K. Kunal and B. C. Pierce, "A Formal Investigation of Diff3"
(FSTTCS 2007): the base is matched with either side, the matches cut all three into stable and unstable chunks, and an
unstable chunk takes the side that changed it. Where both sides changed a chunk differently the merge has a conflict.
Tokens are words, runs of white space, single other characters and, in rich text, whole tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from lxml import etree

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_MARKUP = re.compile(r"<[^>]*>|&[#\w]+;|\w+|\s+|[^\w\s]")


@dataclass(frozen=True)
class Chunk:
    """One piece of a merge: equal on all sides, taken from one side, or in conflict.

    Attributes:
        text: The merged text; None when ``base``, ``ours`` and ``theirs`` are in conflict.
    """

    text: str | None
    base: str
    ours: str
    theirs: str


def words(text: str) -> list[str]:
    """Cut plain *text* into tokens; joined they give *text* again."""
    return _WORDS.findall(text)


def markup_tokens(text: str) -> list[str]:
    """Cut markup into tags, entities and words; joined they give *text* again."""
    return _MARKUP.findall(text)


def merge_text(base: str, ours: str, theirs: str) -> str | None:
    """Merge plain texts by word; None if they are in conflict."""
    return _merged(merge_chunks(words(base), words(ours), words(theirs)))


def merge_markup(base: str, ours: str, theirs: str) -> str | None:
    """Merge well-formed markup by word, keeping its structure; None if in conflict.

    A merge of well-formed sides can still pair tags wrongly; such a result is a conflict, never stored.
    """
    merged = _merged(merge_chunks(markup_tokens(base), markup_tokens(ours), markup_tokens(theirs)))
    if merged is None or merged in (base, ours, theirs):
        return merged
    return merged if is_well_formed(merged) else None


def is_well_formed(markup: str) -> bool:
    """Return whether *markup* parses as one XML element or a sequence of nodes."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    for candidate in (markup, f"<r>{markup}</r>"):
        try:
            etree.fromstring(candidate.encode(), parser)
            return True
        except etree.XMLSyntaxError:
            continue
    return False


def merge_chunks(
    base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]
) -> Iterator[Chunk]:
    """Yield the chunks of the merge in order."""
    our_match = _matches(base, ours)
    their_match = _matches(base, theirs)
    at_base = at_ours = at_theirs = 0
    for index in range(len(base) + 1):
        end = index == len(base)
        our_index = len(ours) if end else our_match.get(index)
        their_index = len(theirs) if end else their_match.get(index)
        if our_index is None or their_index is None:
            continue
        if (index, our_index, their_index) != (at_base, at_ours, at_theirs):
            yield _unstable(
                "".join(base[at_base:index]),
                "".join(ours[at_ours:our_index]),
                "".join(theirs[at_theirs:their_index]),
            )
        if not end:
            token = base[index]
            yield Chunk(token, token, token, token)
        at_base, at_ours, at_theirs = index + 1, our_index + 1, their_index + 1


def _unstable(base: str, ours: str, theirs: str) -> Chunk:
    if ours == theirs or theirs == base:
        return Chunk(ours, base, ours, theirs)
    if ours == base:
        return Chunk(theirs, base, ours, theirs)
    return Chunk(None, base, ours, theirs)


def _matches(base: Sequence[str], side: Sequence[str]) -> dict[int, int]:
    matcher = SequenceMatcher(None, base, side, autojunk=False)
    return {
        block.a + offset: block.b + offset
        for block in matcher.get_matching_blocks()
        for offset in range(block.size)
    }


def _merged(chunks: Iterator[Chunk]) -> str | None:
    parts = []
    for chunk in chunks:
        if chunk.text is None:
            return None
        parts.append(chunk.text)
    return "".join(parts)
