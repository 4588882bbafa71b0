"""Random rich texts, random edits of them, and what makes a text valid: a plain model beside the merge.

A text is a tree of lists: ``[name, attributes, child, …]`` with words as strings; the root is a ``div``.
"""

from __future__ import annotations

import copy
from random import Random
from typing import Any

from lxml import etree

XHTML = "http://www.w3.org/1999/xhtml"
Tree = list[Any]

WORDS = "the pump shall stop within 12 ms unless a valve is open , and then".split()
INLINE = ("b", "i", "span")
BLOCKS = frozenset(("p", "ul", "ol", "table", "blockquote", "div"))
CHILDREN = {
    "ul": {"li"},
    "ol": {"li"},
    "tbody": {"tr"},
    "thead": {"tr"},
    "tr": {"td", "th"},
    "table": {"thead", "tbody"},
}
"""What may stand in an element that holds no text; at least one has to."""


def _inline(rng: Random, length: int) -> list[Any]:
    nodes: list[Any] = []
    for _ in range(length):
        roll = rng.random()
        if roll < 0.1:
            nodes.append([rng.choice(INLINE), {}, rng.choice(WORDS) + " "])
        elif roll < 0.14:
            data = f"pictures/{rng.randint(1, 3)}.png"
            nodes.append(["object", {"data": data, "type": "image/png"}, "picture"])
        else:
            nodes.append(rng.choice(WORDS) + " ")
    return nodes


def _row(rng: Random, columns: int) -> Tree:
    return ["tr", {}, *(["td", {}, *_inline(rng, rng.randint(0, 4))] for _ in range(columns))]


def _block(rng: Random) -> Tree:
    kind = rng.choice(["p", "p", "p", "ul", "ol", "table", "blockquote"])
    if kind in ("ul", "ol"):
        entries = (["li", {}, *_inline(rng, rng.randint(1, 5))] for _ in range(rng.randint(1, 4)))
        return [kind, {}, *entries]
    if kind == "table":
        columns = rng.randint(1, 3)
        body = ["tbody", {}, *(_row(rng, columns) for _ in range(rng.randint(1, 4)))]
        head = [["thead", {}, _row(rng, columns)]] if rng.random() < 0.4 else []
        return ["table", {}, *head, body]
    if kind == "blockquote":
        return [kind, {}, *(["p", {}, *_inline(rng, 4)] for _ in range(rng.randint(1, 2)))]
    return [kind, {}, *_inline(rng, rng.randint(1, 12))]


def rich_text(rng: Random) -> Tree:
    """Return a valid rich text."""
    return ["div", {}, *(_block(rng) for _ in range(rng.randint(1, 5)))]


def edited(rng: Random, tree: Tree, count: int) -> Tree:
    """Return a copy of *tree* after *count* random edits, valid again."""
    tree = copy.deepcopy(tree)
    for _ in range(count):
        places = [(node, index) for node in _elements(tree) for index in range(2, len(node))]
        if not places:
            tree.append(["p", {}, *_inline(rng, 3)])
            continue
        node, index = rng.choice(places)
        rng.choice((_insert, _delete, _change, _change))(rng, node, index)
    return tree


def _elements(node: Tree) -> list[Tree]:
    return [
        node,
        *(each for child in node[2:] if isinstance(child, list) for each in _elements(child)),
    ]


def _insert(rng: Random, node: Tree, index: int) -> None:
    name = node[0]
    if name in ("ul", "ol"):
        node.insert(index, ["li", {}, *_inline(rng, 3)])
    elif name in ("tbody", "thead"):
        node.insert(index, _row(rng, len(node[2]) - 2))
    elif name == "tr":
        node.insert(index, ["td", {}, *_inline(rng, 2)])
    elif name == "table":
        if node[2][0] != "thead":
            node.insert(2, ["thead", {}, _row(rng, 2)])
    elif name in ("div", "blockquote"):
        node.insert(index, _block(rng) if name == "div" else ["p", {}, *_inline(rng, 3)])
    else:
        node[index:index] = _inline(rng, rng.randint(1, 3))


def _delete(rng: Random, node: Tree, index: int) -> None:
    needs = node[0] in CHILDREN or node[0] == "blockquote"
    last_body = node[0] == "table" and node[index][0] == "tbody"
    if not last_body and (not needs or len(node) > 3):
        del node[index]


def _change(rng: Random, node: Tree, index: int) -> None:
    child = node[index]
    if isinstance(child, str):
        marked = rng.random() < 0.2 and node[0] not in INLINE and node[0] != "object"
        node[index] = [rng.choice(INLINE), {}, child] if marked else rng.choice(WORDS) + " "
    elif child[0] == "object":
        child[1]["data"] = f"pictures/{rng.randint(1, 5)}.png"
    elif child[0] in ("td", "p", "li"):
        child[1]["title" if child[0] != "td" else "colspan"] = str(rng.randint(1, 3))


def to_source(tree: Tree) -> str:
    """Return *tree* as XHTML source."""
    return etree.tostring(_built(tree), encoding="unicode")


def _built(tree: Tree) -> etree._Element:
    nsmap: Any = {None: XHTML}
    element = etree.Element(f"{{{XHTML}}}{tree[0]}", tree[1], nsmap=nsmap)
    for child in tree[2:]:
        if isinstance(child, list):
            element.append(_built(child))
        elif len(element):
            element[-1].tail = (element[-1].tail or "") + child
        else:
            element.text = (element.text or "") + child
    return element


def canonical(source: str) -> bytes:
    """Return *source* without what does not matter: prefixes, order of attributes, entities for characters."""
    root = etree.fromstring(f'<r xmlns:xhtml="{XHTML}">{source}</r>'.encode())
    for element in root.iter(etree.Element):
        if element is not root:
            element.tag = etree.QName(element).localname
    etree.cleanup_namespaces(root)
    canonical_form: bytes = etree.tostring(root, method="c14n")
    return canonical_form


def problems(source: str) -> list[str]:
    """Return what the content models of the XHTML modules forbid in *source*; nothing if it is valid."""
    root = etree.fromstring(f'<r xmlns:xhtml="{XHTML}">{source}</r>'.encode())
    found = []
    for element in root.iter(etree.Element):
        name = etree.QName(element).localname
        children = [etree.QName(child).localname for child in element]
        text = "".join([element.text or "", *(child.tail or "" for child in element)]).strip()
        if name in CHILDREN:
            if text or not children or set(children) - CHILDREN[name]:
                found.append(f"{name} holds {children} {text!r}")
            if name == "table" and children not in (["tbody"], ["thead", "tbody"]):
                found.append(f"table holds {children}")
        elif name == "blockquote" and (text or not children or set(children) - BLOCKS):
            found.append(f"blockquote holds {children} {text!r}")
        elif name in (*INLINE, "p", "object") and set(children) & (BLOCKS | {"li", "tr", "td"}):
            found.append(f"{name} holds {children}")
        elif name == "div" and set(children) & {"li", "tr", "td", "tbody", "thead"}:
            found.append(f"div holds {children}")
    return found
