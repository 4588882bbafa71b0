"""Three-way merge of XML fragments by word, with their structure kept.

The fragments are merged as trees. The children of an element are a sequence of words and elements, merged as words are
(see :mod:`reqtrail.kit.text_merge`), except that an element of the base also matches one of the same name with similar
words on a side; where all three match, their attributes are merged one by one and their children again by the same
rule. So an edit of a cell and a new row of its table merge, and what comes out is always a tree.

What both sides changed differently is a dispute between three lists of nodes. So is an element of which the deletions
of both sides together would leave nothing that its name requires (a list without entries, a table without rows).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Any

from reqtrail.kit.markup import (
    SHOWN_ATTRIBUTES,
    Element,
    Node,
    NotWellFormed,
    break_after,
    parsed,
    plain_words,
    serialised,
)
from reqtrail.kit.text_merge import (
    BOTH,
    ChoicesInvalid,
    Chunk,
    Piece,
    checked_choices,
    gap,
    merge_chunks,
)

MIN_LIKENESS = 0.3
"""The share of words that elements of the same name have in common at least, if they are to be the same element."""
MAX_PAIRS = 40_000
"""So many pairs of elements are compared at one place; beyond that only equal ones match."""

_NEEDS_ELEMENTS = frozenset(
    ("ul", "ol", "dl", "table", "thead", "tbody", "tfoot", "tr", "blockquote")
)
_ROW_GROUPS = ("tbody", "tr")
_ONCE = ("caption", "thead", "tfoot")
_SPOKEN = {
    **dict.fromkeys(("ul", "ol", "dl"), "list"),
    **dict.fromkeys(("table", "tbody"), "table"),
    **{"thead": "table header", "tfoot": "table footer", "caption": "caption"},
    **{"tr": "table row", "blockquote": "quotation"},
}


@dataclass(frozen=True)
class Dispute:
    """Nodes that both sides changed differently."""

    base: tuple[Node, ...]
    ours: tuple[Node, ...]
    theirs: tuple[Node, ...]


@dataclass(frozen=True)
class Branching:
    """An element that was merged inside; ``sides`` are the elements that it came of: base, ours, theirs."""

    sides: tuple[Element, Element, Element]
    attributes: tuple[tuple[str, str], ...]
    children: tuple[Part, ...]


Part = str | Element | Dispute | Branching


def merge_markup(base: str, ours: str, theirs: str) -> str | None:
    """Merge XML fragments by word, keeping their structure; None if they are in conflict or not well-formed."""
    if ours == theirs or theirs == base:
        return ours
    if ours == base:
        return theirs
    try:
        parts = _merged(base, ours, theirs)
    except NotWellFormed:
        return None
    if any(_disputes(parts)):
        return None
    return serialised(_settled(parts, iter(())), base)


def markup_pieces(base: str, ours: str, theirs: str) -> list[Piece] | None:
    """Return the merge as people read it, without markup; None if a fragment is not well-formed.

    A piece that differs in its markup alone is shown with the markup.
    """
    try:
        parts = _merged(base, ours, theirs)
    except NotWellFormed:
        return None
    pieces: list[Piece] = []
    for piece in _pieces(parts):
        if pieces and piece.text is not None and pieces[-1].text is not None:
            pieces[-1] = Piece(pieces[-1].text + piece.text)
        elif piece.text != "":
            pieces.append(piece)
    return pieces


def choose_markup(base: str, ours: str, theirs: str, choices: Sequence[str]) -> str:
    """Return the merge with one choice for each piece in conflict, in order.

    Args:
        choices: Each ``base``, ``ours``, ``theirs`` or ``both``.

    Raises:
        NotWellFormed: If a fragment is not well-formed.
        ChoicesInvalid: If there are more or fewer choices than conflicts, or together they leave an element without
            what it needs, such as a list without entries.
    """
    parts = _merged(base, ours, theirs)
    checked = checked_choices(choices, sum(1 for _ in _disputes(parts)))
    nodes = _settled(parts, iter(checked))
    for node in nodes:
        _refuse_torn(node)
    return serialised(nodes, base)


def _merged(base: str, ours: str, theirs: str) -> tuple[Part, ...]:
    return _merge_nodes(parsed(base), parsed(ours), parsed(theirs))


def _merge_nodes(
    base: Sequence[Node], ours: Sequence[Node], theirs: Sequence[Node]
) -> tuple[Part, ...]:
    parts: list[Part] = []
    for chunk in merge_chunks(base, ours, theirs, _match):
        parts.extend(_merge_chunk(chunk))
    return tuple(parts)


def _merge_chunk(chunk: Chunk[Node]) -> Iterator[Part]:
    if chunk.merged is not None:
        yield from chunk.merged
        return
    if chunk.stable:
        base, ours, theirs = chunk.base[0], chunk.ours[0], chunk.theirs[0]
        if isinstance(base, Element) and isinstance(ours, Element) and isinstance(theirs, Element):
            merged = _merge_element(base, ours, theirs)
            if merged is not None:
                yield merged
                return
    yield Dispute(chunk.base, chunk.ours, chunk.theirs)


def _merge_element(base: Element, ours: Element, theirs: Element) -> Branching | None:
    """Return what three elements make; None if their attributes are in conflict, or nothing would be left."""
    attributes = _merge_attributes(base, ours, theirs)
    if attributes is None:
        return None
    children = _merge_nodes(base.children, ours.children, theirs.children)
    if _is_emptied(base, children):
        return None
    return Branching((base, ours, theirs), attributes, children)


def _merge_attributes(
    base: Element, ours: Element, theirs: Element
) -> tuple[tuple[str, str], ...] | None:
    maps = [dict(side.attributes) for side in (base, ours, theirs)]
    merged = {}
    for name in {key for each in maps for key in each}:
        before, one, other = (each.get(name) for each in maps)
        if one != other and before not in (one, other):
            return None
        value = other if one == before else one
        if value is not None:
            merged[name] = value
    return tuple(sorted(merged.items()))


def _is_emptied(base: Element, children: Sequence[Any]) -> bool:
    """Return whether *children* lack what the element had and its name requires."""
    if base.name not in _NEEDS_ELEMENTS or any(isinstance(part, Dispute) for part in children):
        return False
    left = [_name(part) for part in children if not isinstance(part, str)]
    if base.name == "table":
        had = any(_name(part) in _ROW_GROUPS for part in base.children)
        return had and not any(name in _ROW_GROUPS for name in left)
    return not left and any(isinstance(part, Element) for part in base.children)


def _name(part: object) -> str:
    if isinstance(part, Branching):
        return part.sides[0].name
    return part.name if isinstance(part, Element) else ""


def _refuse_torn(node: Node) -> None:
    """Refuse what no single side can hold: an element without what it needs, or a table with two headers."""
    if isinstance(node, str):
        return
    inner = [child for child in node.children if isinstance(child, Element)]
    rows = any(child.name in _ROW_GROUPS for child in inner)
    if node.name in _NEEDS_ELEMENTS and not (rows if node.name == "table" else inner):
        raise ChoicesInvalid(f"Together these choices leave nothing in a {_SPOKEN[node.name]}.")
    twice = [name for name in _ONCE if sum(child.name == name for child in inner) > 1]
    if node.name == "table" and twice:
        raise ChoicesInvalid(f"Together these choices give a table two {_SPOKEN[twice[0]]}s.")
    for child in inner:
        _refuse_torn(child)


def _match(base: Sequence[Node], side: Sequence[Node]) -> dict[int, int]:
    """Match equal nodes, and between them elements of the same name that are alike."""
    matches: dict[int, int] = {}
    matcher = SequenceMatcher(None, base, side, autojunk=False)
    for tag, low, high, side_low, side_high in matcher.get_opcodes():
        if tag == "equal":
            matches.update(zip(range(low, high), range(side_low, side_high), strict=True))
        elif tag == "replace":
            ours = [index for index in range(low, high) if isinstance(base[index], Element)]
            theirs = [
                index for index in range(side_low, side_high) if isinstance(side[index], Element)
            ]
            matches.update(_alike(base, ours, side, theirs))
    return matches


def _alike(
    base: Sequence[Node], ours: Sequence[int], side: Sequence[Node], theirs: Sequence[int]
) -> Iterator[tuple[int, int]]:
    """Yield pairs of elements in order, such that their likeness is the greatest in sum."""
    if not ours or not theirs or len(ours) * len(theirs) > MAX_PAIRS:
        return
    alone = len(ours) == len(theirs) == 1
    likeness = [[_likeness(base[one], side[other], alone) for other in theirs] for one in ours]
    best = [[0.0] * (len(theirs) + 1) for _ in range(len(ours) + 1)]
    for row in range(len(ours) - 1, -1, -1):
        for column in range(len(theirs) - 1, -1, -1):
            best[row][column] = max(
                best[row + 1][column],
                best[row][column + 1],
                best[row + 1][column + 1] + likeness[row][column],
            )
    row = column = 0
    while row < len(ours) and column < len(theirs):
        if best[row][column] == best[row + 1][column]:
            row += 1
        elif best[row][column] == best[row][column + 1]:
            column += 1
        else:
            yield ours[row], theirs[column]
            row, column = row + 1, column + 1


def _likeness(one: Node, other: Node, alone: bool) -> float:
    """Return 0 for elements that are not the same one, else how alike they are (up to 1).

    Args:
        alone: Whether there is no other pair, so that the name is enough.
    """
    assert isinstance(one, Element) and isinstance(other, Element), "words are matched by equality"
    if one.tag != other.tag:
        return 0.0
    mine, yours = _bag(one), _bag(other)
    size = sum(mine.values()) + sum(yours.values())
    share = 2 * sum((mine & yours).values()) / size if size else float(one == other)
    if alone:
        return max(share, MIN_LIKENESS)
    return share if share >= MIN_LIKENESS else 0.0


def _bag(element: Element) -> Counter[str]:
    bag: Counter[str] = Counter(
        value for name, value in element.attributes if name in SHOWN_ATTRIBUTES
    )
    for child in element.children:
        if isinstance(child, Element):
            bag += _bag(child)
        elif not child.isspace():
            bag[child] += 1
    return bag


def _disputes(parts: Sequence[Part]) -> Iterator[Dispute]:
    for part in parts:
        if isinstance(part, Dispute):
            yield part
        elif isinstance(part, Branching):
            yield from _disputes(part.children)


def _settled(parts: Sequence[Part], choices: Iterator[str]) -> tuple[Node, ...]:
    """Return the nodes that *parts* are with the *choices* for their disputes."""
    nodes: list[Node] = []
    for part in parts:
        if isinstance(part, Dispute):
            choice = next(choices)
            nodes.extend(_both(part) if choice == BOTH else getattr(part, choice))
        elif isinstance(part, Branching):
            children = _settled(part.children, choices)
            nodes.append(replace(part.sides[0], attributes=part.attributes, children=children))
        else:
            nodes.append(part)
    return tuple(nodes)


def _both(dispute: Dispute) -> tuple[Node, ...]:
    between: tuple[Node, ...] = ()
    if dispute.ours and dispute.theirs:
        last, first = dispute.ours[-1], dispute.theirs[0]
        if isinstance(last, str) and isinstance(first, str) and gap(last, first):
            between = (" ",)
    return (*dispute.ours, *between, *dispute.theirs)


def _pieces(parts: Sequence[Part]) -> Iterator[Piece]:
    for part in parts:
        if isinstance(part, Dispute):
            sides = (part.base, part.ours, part.theirs)
            shown = [plain_words(side) for side in sides]
            if shown[1] == shown[2]:
                shown = [serialised(side, "") for side in sides]
            yield Piece(None, *shown)
        elif isinstance(part, Branching):
            yield from _pieces(part.children)
            yield Piece(break_after(part.sides[0]))
        else:
            yield Piece(plain_words((part,)))
