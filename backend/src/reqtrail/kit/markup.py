"""XML fragments as plain trees of words and elements: read, written, and read aloud."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from reqtrail.kit.text_merge import words

XHTML = "http://www.w3.org/1999/xhtml"
MAX_DEPTH = 200
SHOWN_ATTRIBUTES = ("alt", "data", "src")
"""What names a picture to somebody who cannot see it, the best first."""

_BREAKS_AFTER = frozenset(
    ("p", "div", "li", "tr", "br", "dt", "dd", "pre", "caption", *(f"h{n}" for n in range(1, 7)))
)


class NotWellFormed(ValueError):
    """A fragment is not well-formed XML, or is nested too deeply."""


@dataclass(frozen=True)
class Element:
    """An element, a comment or a processing instruction.

    Attributes:
        tag: The name in Clark notation.
        attributes: Names in Clark notation with values, sorted.
        prefixes: The name-space prefixes that its source used; they do not tell elements apart.
    """

    tag: str
    attributes: tuple[tuple[str, str], ...]
    children: tuple[Node, ...]
    prefixes: tuple[tuple[str | None, str], ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        """Keep the hash: matching asks for it again and again."""
        object.__setattr__(self, "_hash", hash((self.tag, self.attributes, self.children)))

    def __hash__(self) -> int:
        """Return the hash of everything that tells elements apart."""
        value: int = self._hash  # type: ignore[attr-defined]
        return value

    @property
    def name(self) -> str:
        """The local name in lower case."""
        return self.tag.rpartition("}")[2].lower()


Node = str | Element


def is_well_formed(markup: str) -> bool:
    """Return whether *markup* parses as a sequence of nodes."""
    try:
        parsed(markup)
    except NotWellFormed:
        return False
    return True


def parsed(markup: str) -> tuple[Node, ...]:
    """Return the nodes of a fragment, which may use the prefix ``xhtml:`` without declaring it.

    Raises:
        NotWellFormed: If it is not well-formed, refers to entities of its own or is nested deeper than MAX_DEPTH.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(f'<r xmlns:xhtml="{XHTML}">{markup}</r>'.encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NotWellFormed(str(error)) from None
    return _children(root, 0)


def _children(element: etree._Element, depth: int) -> tuple[Node, ...]:
    if depth > MAX_DEPTH:
        raise NotWellFormed(f"nested deeper than {MAX_DEPTH}")
    nodes: list[Node] = list(words(element.text or ""))
    for child in element:
        nodes.append(_node(child, depth + 1))
        nodes.extend(words(child.tail or ""))
    return tuple(nodes)


def _node(element: etree._Element, depth: int) -> Element:
    tag: object = element.tag
    if isinstance(tag, str):
        attributes = tuple(sorted((str(k), str(v)) for k, v in element.attrib.items()))
        prefixes = tuple(element.nsmap.items())
        return Element(tag, attributes, _children(element, depth), prefixes)
    if tag is etree.Comment:
        return Element("!--", (), (element.text or "",))
    if isinstance(element, etree._ProcessingInstruction):
        return Element("?", (("target", str(element.target)),), (element.text or "",))
    raise NotWellFormed("it refers to an entity")


def plain_words(nodes: Sequence[Node]) -> str:
    """Return what people read: words, line ends after blocks, tabs after cells, names of pictures."""
    parts = []
    for node in nodes:
        if isinstance(node, str):
            parts.append(node)
        elif node.tag not in ("!--", "?"):
            text = plain_words(node.children)
            shown = dict(node.attributes)
            parts.append(text or next((shown[key] for key in SHOWN_ATTRIBUTES if key in shown), ""))
            parts.append(break_after(node))
    return "".join(parts)


def break_after(element: Element) -> str:
    """Return the white space that parts an element from what follows when it is read as plain text."""
    if element.name in ("td", "th"):
        return "\t"
    return "\n" if element.name in _BREAKS_AFTER else ""


def serialised(nodes: Sequence[Node], like: str) -> str:
    """Return the source of *nodes*; as a stored fragment, it need not declare ``xhtml:`` unless *like* does."""
    prefixes: Any = {} if "xmlns:xhtml=" in like else {"xhtml": XHTML}
    root = etree.Element("r", nsmap=prefixes)
    _append(root, nodes)
    etree.cleanup_namespaces(root, keep_ns_prefixes=["xhtml"])
    source = etree.tostring(root, encoding="unicode")
    if not nodes:
        return ""
    return source[source.index(">") + 1 : source.rindex("<")]


def _append(target: etree._Element, nodes: Sequence[Node]) -> None:
    for node in nodes:
        if isinstance(node, str):
            if len(target):
                target[-1].tail = (target[-1].tail or "") + node
            else:
                target.text = (target.text or "") + node
        elif node.tag == "!--":
            target.append(etree.Comment(str(node.children[0])))
        elif node.tag == "?":
            pi = etree.ProcessingInstruction(node.attributes[0][1], str(node.children[0]))
            target.append(pi)
        else:
            prefixes: Any = dict(node.prefixes)
            child = etree.SubElement(target, node.tag, dict(node.attributes), nsmap=prefixes)
            _append(child, node.children)
