"""Three-way merge of texts by word.

The algorithm is diff3 as formalised by S. Khanna, K. Kunal and B. C. Pierce, "A Formal Investigation of Diff3"
(FSTTCS 2007): the base is matched with either side, the matches cut all three into stable and unstable chunks, and an
unstable chunk takes the side that changed it. Where both sides changed a chunk differently the merge has a conflict.
Tokens are words, runs of white space and single other characters.

White space parts nothing: where one side changed a word and the other the word next to it, both are one conflict, since
"12 ms" made "15 ms" here and "12 s" there must never become "15 s".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Generic, TypeVar

Token = TypeVar("Token")
Match = Callable[[Sequence[Token], Sequence[Token]], Mapping[int, int]]

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")

SIDES = ("base", "ours", "theirs")
BOTH = "both"
"""The choice of ours followed by theirs."""


@dataclass(frozen=True)
class Chunk(Generic[Token]):
    """One piece of a merge: tokens of the base and what stands in their place on either side.

    Attributes:
        stable: Whether it is one token that was found on all three sides.
    """

    base: tuple[Token, ...]
    ours: tuple[Token, ...]
    theirs: tuple[Token, ...]
    stable: bool = False

    @property
    def merged(self) -> tuple[Token, ...] | None:
        """What a merge makes of it; None if both sides changed it differently."""
        if self.ours == self.theirs or self.theirs == self.base:
            return self.ours
        return self.theirs if self.ours == self.base else None

    @property
    def changed_by(self) -> frozenset[str]:
        """Which sides changed it by themselves; none where both did the same."""
        if self.ours == self.theirs:
            return frozenset()
        return frozenset(name for name in SIDES[1:] if getattr(self, name) != self.base)

    def __add__(self, other: Chunk[Token]) -> Chunk[Token]:
        """Return both as one."""
        return Chunk(
            self.base + other.base, self.ours + other.ours, self.theirs + other.theirs, False
        )


@dataclass(frozen=True)
class Piece:
    """A piece of a merged text as people read it.

    Attributes:
        text: The merged text; None where ``base``, ``ours`` and ``theirs`` are to be chosen from.
    """

    text: str | None
    base: str = ""
    ours: str = ""
    theirs: str = ""


class ChoicesInvalid(ValueError):
    """The choices do not fit the pieces of a merge, or what they make cannot stand."""


def words(text: str) -> list[str]:
    """Cut plain *text* into tokens; joined they give *text* again."""
    return _WORDS.findall(text)


def merge_text(base: str, ours: str, theirs: str) -> str | None:
    """Merge plain texts by word; None if they are in conflict."""
    parts = []
    for piece in text_pieces(base, ours, theirs):
        if piece.text is None:
            return None
        parts.append(piece.text)
    return "".join(parts)


def text_pieces(base: str, ours: str, theirs: str) -> list[Piece]:
    """Return the merge of plain texts in order: what is merged, and between it what has to be chosen."""
    pieces: list[Piece] = []
    for chunk in merge_chunks(words(base), words(ours), words(theirs)):
        if chunk.merged is None:
            pieces.append(Piece(None, *map("".join, (chunk.base, chunk.ours, chunk.theirs))))
        elif pieces and pieces[-1].text is not None:
            pieces[-1] = Piece(pieces[-1].text + "".join(chunk.merged))
        else:
            pieces.append(Piece("".join(chunk.merged)))
    return pieces


def choose_text(base: str, ours: str, theirs: str, choices: Sequence[str]) -> str:
    """Return the merge of plain texts with one choice for each piece in conflict, in order.

    Args:
        choices: Each ``base``, ``ours``, ``theirs`` or ``both``.

    Raises:
        ChoicesInvalid: If there are more or fewer choices than conflicts, or one is none of these words.
    """
    pieces = text_pieces(base, ours, theirs)
    chosen = iter(checked_choices(choices, sum(piece.text is None for piece in pieces)))
    return "".join(
        piece.text if piece.text is not None else _chosen(piece, next(chosen)) for piece in pieces
    )


def checked_choices(choices: Sequence[str], count: int) -> Sequence[str]:
    """Return *choices* if there are *count* of them and all are known.

    Raises:
        ChoicesInvalid: If not.
    """
    if len(choices) != count:
        pieces = "1 piece is" if count == 1 else f"{count} pieces are"
        raise ChoicesInvalid(f"{pieces} to be chosen, not {len(choices)}.")
    unknown = next((name for name in choices if name not in (*SIDES, BOTH)), None)
    if unknown is not None:
        raise ChoicesInvalid(f"A piece takes base, ours, theirs or both, not “{unknown}”.")
    return choices


def _chosen(piece: Piece, choice: str) -> str:
    if choice != BOTH:
        text: str = getattr(piece, choice)
        return text
    return piece.ours + gap(piece.ours, piece.theirs) + piece.theirs


def gap(before: str, after: str) -> str:
    """Return the space that has to part two texts, if one of them does not bring it."""
    together = before and after and not before[-1].isspace() and not after[0].isspace()
    return " " if together else ""


def match_equal(base: Sequence[Token], side: Sequence[Token]) -> dict[int, int]:
    """Match equal tokens in order; indices of *base* to indices of *side*."""
    matcher = SequenceMatcher(None, base, side, autojunk=False)
    return {
        block.a + offset: block.b + offset
        for block in matcher.get_matching_blocks()
        for offset in range(block.size)
    }


def merge_chunks(
    base: Sequence[Token],
    ours: Sequence[Token],
    theirs: Sequence[Token],
    match: Match[Token] = match_equal,
) -> Iterator[Chunk[Token]]:
    """Yield the chunks of the merge in order.

    Args:
        match: Says which tokens of the base stand where on a side, in order; they need not be equal.
    """
    pending: list[Chunk[Token]] = []  # an unstable chunk, and white space after it
    for chunk in _chunks(base, ours, theirs, match):
        if not pending:
            if chunk.stable:
                yield chunk
            else:
                pending.append(chunk)
        elif chunk.stable and _is_space(chunk.base[0]):
            pending.append(chunk)
        elif not chunk.stable and _belong_together(pending[0], chunk):
            whole = pending[0]
            for part in (*pending[1:], chunk):
                whole += part
            pending = [whole]
        else:
            yield from pending
            pending = [] if chunk.stable else [chunk]
            if chunk.stable:
                yield chunk
    yield from pending


def _is_space(token: Token) -> bool:
    return isinstance(token, str) and token.isspace()


def _belong_together(one: Chunk[Token], other: Chunk[Token]) -> bool:
    """Return whether words side by side were changed, here by one side and there by the other."""
    by = (one.changed_by, other.changed_by)
    return all(by) and len(by[0] | by[1]) > 1 and _has_words(one) and _has_words(other)


def _has_words(chunk: Chunk[Token]) -> bool:
    tokens = (*chunk.base, *chunk.ours, *chunk.theirs)
    return any(isinstance(token, str) and not token.isspace() for token in tokens)


def _chunks(
    base: Sequence[Token], ours: Sequence[Token], theirs: Sequence[Token], match: Match[Token]
) -> Iterator[Chunk[Token]]:
    our_match, their_match = match(base, ours), match(base, theirs)
    at_base = at_ours = at_theirs = 0
    for index in range(len(base) + 1):
        end = index == len(base)
        our_index = len(ours) if end else our_match.get(index)
        their_index = len(theirs) if end else their_match.get(index)
        if our_index is None or their_index is None:
            continue
        if (index, our_index, their_index) != (at_base, at_ours, at_theirs):
            yield Chunk(
                tuple(base[at_base:index]),
                tuple(ours[at_ours:our_index]),
                tuple(theirs[at_theirs:their_index]),
            )
        if not end:
            yield Chunk((base[index],), (ours[our_index],), (theirs[their_index],), True)
        at_base, at_ours, at_theirs = index + 1, our_index + 1, their_index + 1
