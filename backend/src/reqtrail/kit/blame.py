"""Who wrote which word of a text: the words of a version that its parents have are theirs, the others are its own.

A version has any number of parents: none when it is the first, one for an edit, two for a merge. A word goes to the
first parent that has it, so a merge is the author only of what neither side brought. What a version and its parent
begin and end with is set aside. Between that the longest equal runs are found (J. Ratcliff and J. Obershelp, as in
difflib) or, where this would take too long, the words that occur once on either side (patience diff, B. Cohen).

White space is nobody's own: it goes with the word before it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Generic, TypeVar

Origin = TypeVar("Origin")

_WORDS = re.compile(r"\w+|[^\w\s]")

MAX_PRODUCT = 4_000_000
"""Beyond this product of the numbers of words to be compared, only words that occur once are looked for."""


@dataclass(frozen=True)
class Version(Generic[Origin]):
    """A text as one origin left it.

    Attributes:
        parents: The positions, in the sequence of versions, of those that it was made from; all of them earlier.
    """

    text: str
    origin: Origin
    parents: tuple[int, ...] = ()


@dataclass(frozen=True)
class Span(Generic[Origin]):
    """A piece of a text and where it came from."""

    text: str
    origin: Origin


def blame(versions: Sequence[Version[Origin]]) -> list[Span[Origin]]:
    """Return the text of the last of *versions* in pieces, each with the origin that wrote its words.

    Joined, the pieces give the text. Neighbours have different origins.

    Raises:
        ValueError: If a parent does not come before its child.
    """
    words: list[list[str]] = []
    origins: list[list[Origin]] = []
    for position, version in enumerate(versions):
        if any(not 0 <= parent < position for parent in version.parents):
            raise ValueError("a version comes after its parents")
        if version.parents and versions[version.parents[0]].text == version.text:
            words.append(words[version.parents[0]])
            origins.append(origins[version.parents[0]])
            continue
        own = _WORDS.findall(version.text)
        found = [version.origin] * len(own)
        unknown = set(range(len(own)))
        for parent in version.parents:
            if unknown:
                for old, new in match_words(words[parent], own):
                    if new in unknown:
                        found[new] = origins[parent][old]
                        unknown.discard(new)
        words.append(own)
        origins.append(found)
    return list(_spans(versions[-1], origins[-1])) if versions else []


def _spans(version: Version[Origin], origins: Sequence[Origin]) -> Iterator[Span[Origin]]:
    text = version.text
    if not origins:
        if text:
            yield Span(text, version.origin)
        return
    start = 0
    ends = [match.start() for match in _WORDS.finditer(text)][1:] + [len(text)]
    for index, end in enumerate(ends):
        if index + 1 < len(ends) and origins[index + 1] == origins[index]:
            continue
        yield Span(text[start:end], origins[index])
        start = end


def match_words(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield ``(index in old, index in new)`` of equal words, in order."""
    start, low, high = 0, len(old), len(new)
    while start < min(low, high) and old[start] == new[start]:
        yield start, start
        start += 1
    tail = []
    while low > start and high > start and old[low - 1] == new[high - 1]:
        low, high = low - 1, high - 1
        tail.append((low, high))
    a, b = old[start:low], new[start:high]
    if a and b:
        find = _common_words if len(a) * len(b) <= MAX_PRODUCT else _words_that_occur_once
        for i, j in find(a, b):
            yield start + i, start + j
    yield from reversed(tail)


def _common_words(a: Sequence[str], b: Sequence[str]) -> Iterator[tuple[int, int]]:
    for block in SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks():
        for offset in range(block.size):
            yield block.a + offset, block.b + offset


def _words_that_occur_once(a: Sequence[str], b: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the most words that occur once on either side and rise on both, and what is equal beside them."""
    in_a, in_b = Counter(a), Counter(b)
    place = {word: index for index, word in enumerate(b) if in_b[word] == 1}
    pairs = [
        (index, place[word]) for index, word in enumerate(a) if in_a[word] == 1 and word in place
    ]
    i = j = 0
    for anchor in (*_rising(pairs), (len(a), len(b))):
        # Between two anchors: what follows the earlier one and is equal, then what comes before the later one.
        while i < anchor[0] and j < anchor[1] and a[i] == b[j]:
            yield i, j
            i, j = i + 1, j + 1
        back = 0
        while (
            anchor[0] - back > i
            and anchor[1] - back > j
            and a[anchor[0] - back - 1] == b[anchor[1] - back - 1]
        ):
            back += 1
        for step in range(back, 0, -1):
            yield anchor[0] - step, anchor[1] - step
        if anchor[0] < len(a):
            yield anchor
        i, j = anchor[0] + 1, anchor[1] + 1


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest subsequence whose second members rise; the first ones do already."""
    tops: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for index, (_, value) in enumerate(pairs):
        at = bisect_left(tops, value)
        before.append(ends[at - 1] if at else -1)
        tops[at : at + 1] = [value]
        ends[at : at + 1] = [index]
    result = []
    index = ends[-1] if ends else -1
    while index >= 0:
        result.append(pairs[index])
        index = before[index]
    return result[::-1]
