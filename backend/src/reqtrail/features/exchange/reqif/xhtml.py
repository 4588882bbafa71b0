"""The XHTML that a ReqIF file may hold, after the modules that the OMG schema includes, and its repair.

:func:`repair` changes nothing in valid content; what it changes it names, so that it is checker and repairer in one.
"""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Final

from lxml import etree

from reqtrail.features.exchange.reqif.fragments import is_element
from reqtrail.features.exchange.reqif.names import XHTML
from reqtrail.features.exchange.types import Losses

_STRUCT = frozenset({"br", "span"})
_PHRASE = frozenset(
    {"em", "strong", "dfn", "code", "samp", "kbd", "var", "cite", "abbr", "acronym", "q"}
)
_PRESENTATION = frozenset({"tt", "i", "b", "big", "small", "sub", "sup"})
_EDIT = frozenset({"ins", "del"})
_INLINE = _STRUCT | _PHRASE | _PRESENTATION | _EDIT | {"a", "object"}
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BLOCK = _HEADINGS | {"ul", "ol", "dl", "table", "p", "div", "pre", "blockquote", "address", "hr"}
_FLOW = _INLINE | _BLOCK | _EDIT
_PRE = _STRUCT | _PHRASE | _EDIT | {"tt", "i", "b", "a"}

CONTENT: Final[dict[str, frozenset[str]]] = {
    **dict.fromkeys(_INLINE - {"br", "a", "object"}, _INLINE),
    **dict.fromkeys(_HEADINGS | {"p", "address", "dt", "caption"}, _INLINE),
    **dict.fromkeys({"div", "li", "dd", "td", "th", "ins", "del"}, _FLOW),
    "a": _INLINE - {"a"},
    "object": _FLOW | {"param"},
    "pre": _PRE,
    "blockquote": _BLOCK | _EDIT,
    "ul": frozenset({"li"}),
    "ol": frozenset({"li"}),
    "dl": frozenset({"dt", "dd"}),
    "table": frozenset({"caption", "col", "colgroup", "thead", "tfoot", "tbody", "tr"}),
    **dict.fromkeys({"thead", "tbody", "tfoot"}, frozenset({"tr"})),
    "tr": frozenset({"td", "th"}),
    "colgroup": frozenset({"col"}),
    **dict.fromkeys({"br", "hr", "col", "param"}, frozenset()),
}
"""Which elements may stand directly in which."""

_NO_TEXT = frozenset(
    {"ul", "ol", "dl", "table", "thead", "tbody", "tfoot", "tr", "colgroup", "blockquote"}
    | {"br", "hr", "col", "param"}
)
_COMMON = frozenset({"class", "title", "style", "id"})
_ALIGNED = frozenset({"align", "valign", "char", "charoff"})
_ATTRIBUTES: Final[dict[str, Set[str]]] = {
    "a": {"href", "charset", "type", "hreflang", "rel", "rev", "accesskey", "tabindex"},
    "object": {
        *("data", "type", "height", "width", "name", "tabindex", "archive", "classid"),
        *("codebase", "codetype", "declare", "standby"),
    },
    "param": {"id", "name", "value", "valuetype", "type"},
    "table": {"border", "cellpadding", "cellspacing", "summary", "width", "frame", "rules"},
    **dict.fromkeys(
        ("td", "th"),
        _ALIGNED | {"abbr", "axis", "colspan", "headers", "rowspan", "scope"},
    ),
    **dict.fromkeys(("tr", "thead", "tbody", "tfoot"), _ALIGNED),
    **dict.fromkeys(("col", "colgroup"), _ALIGNED | {"span", "width"}),
    **dict.fromkeys(("q", "blockquote"), frozenset({"cite"})),
    **dict.fromkeys(("ins", "del"), frozenset({"cite", "datetime"})),
    "pre": {"{http://www.w3.org/XML/1998/namespace}space"},
}
_URLS = frozenset({"href", "data", "cite", "codebase", "classid", "archive"})
_NAMESPACE = f"{{{XHTML}"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_ACTIVE = frozenset(
    {"script", "iframe", "frame", "embed", "applet", "link", "meta", "base", "svg", "style"}
)
_FORMS = frozenset({"form", "input", "button", "select", "textarea"})
"""Left out too, but not the text in them."""
_ACTIVE_OBJECTS = re.compile(r"text/html|application/xhtml|javascript|x-shockwave", re.I)
_BAD_SCHEME = re.compile(r"^(javascript|vbscript|data|file):", re.I)
_IGNORED_IN_URLS = re.compile(r"[\s\x00-\x20\x7f-\xa0\u200b-\u200f\ufeff]")
"""What browsers skip when they read a scheme."""
_BAD_STYLE = re.compile(
    r"url\s*\(|expression\s*\(|javascript:|@import|-moz-binding|behavior\s*:", re.I
)


def repair(element: etree._Element, losses: Losses, where: str) -> bool:
    """Make the children of *element* (a THE-VALUE) valid in place; return whether anything was changed.

    Active content is left out with what is in it; an element that does not fit is replaced by its content; text
    where none may stand gets an element of its own.
    """
    before = losses.total
    _repair_children(element, losses, where, None)
    _wrap_top(element, losses, where)
    return before != losses.total


def _name(node: etree._Element) -> str | None:
    if not is_element(node):
        return None
    namespace, _, name = str(node.tag).rpartition("}")
    return name if namespace == _NAMESPACE else f"?{name}"


def _repair_children(
    parent: etree._Element, losses: Losses, where: str, context: str | None
) -> None:
    for child in list(parent):
        name = _name(child)
        if name is None:
            continue
        if _is_active(child, name):
            losses.add("active_content", "Active content is left out of exports.", where)
            _drop(child)
            continue
        if name.lstrip("?") in _FORMS:
            losses.add("active_content", "Active content is left out of exports.", where)
        _repair_attributes(child, name, losses, where)
        allowed = CONTENT.get(context) if context else _FLOW
        if name not in CONTENT or (allowed is not None and name not in allowed):
            losses.add(
                "xhtml_repaired", "Rich text was not valid XHTML; exports hold it repaired.", where
            )
            _repair_children(child, losses, where, context)
            _unwrap(child)
            continue
        _repair_children(child, losses, where, name)
        if name in _NO_TEXT:
            _wrap_text(child, name, losses, where)


def _is_active(node: etree._Element, name: str) -> bool:
    if name.lstrip("?") in _ACTIVE:
        return True
    kind, data = node.get("type") or "", node.get("data") or ""
    return name == "object" and bool(_ACTIVE_OBJECTS.search(kind) or _is_bad_url(data))


def _is_bad_url(url: str) -> bool:
    return _BAD_SCHEME.match(_IGNORED_IN_URLS.sub("", url)) is not None


def _repair_attributes(node: etree._Element, name: str, losses: Losses, where: str) -> None:
    allowed = _COMMON | _ATTRIBUTES.get(name, frozenset())
    for attribute, value in list(node.attrib.items()):
        text, key = str(value), str(attribute)
        if key.lower().startswith("on") or (key in _URLS and _is_bad_url(text)):
            losses.add("active_content", "Active content is left out of exports.", where)
        elif key == "style" and _BAD_STYLE.search(text):
            losses.add("active_content", "Active content is left out of exports.", where)
        elif key in allowed or key == _LANG:
            continue
        else:
            losses.add(
                "xhtml_repaired", "Rich text was not valid XHTML; exports hold it repaired.", where
            )
        del node.attrib[attribute]


def _wrap_top(element: etree._Element, losses: Losses, where: str) -> None:
    """A value is exactly one ``div`` or ``p``; anything else goes into a ``div``."""
    elements = [child for child in element if is_element(child)]
    stray = (element.text or "").strip() or any((child.tail or "").strip() for child in element)
    if len(elements) == 1 and _name(elements[0]) in {"div", "p"} and not stray:
        return
    wrapper = etree.Element(f"{{{XHTML}}}div", nsmap={"xhtml": XHTML})
    wrapper.text, element.text = element.text, None
    for child in list(element):
        wrapper.append(child)
    element.append(wrapper)
    losses.add("xhtml_repaired", "Rich text was not valid XHTML; exports hold it repaired.", where)


def _wrap_text(node: etree._Element, name: str, losses: Losses, where: str) -> None:
    """Move text that must not stand directly in *node* to where it may: the nearest element, or before *node*."""
    pieces = [node.text or "", *(child.tail or "" for child in node)]
    text = " ".join(piece.strip() for piece in pieces if piece.strip())
    if not text:
        return
    node.text = None
    for child in node:
        child.tail = None
    parent = node.getparent()
    assert parent is not None
    paragraph = etree.Element(f"{{{XHTML}}}{'p' if name == 'blockquote' else 'span'}")
    paragraph.text = text
    if name == "blockquote":
        node.insert(0, paragraph)
    else:
        _before(node, text)
    losses.add("xhtml_repaired", "Rich text was not valid XHTML; exports hold it repaired.", where)


def _before(node: etree._Element, text: str) -> None:
    previous, parent = node.getprevious(), node.getparent()
    assert parent is not None
    if previous is not None:
        previous.tail = (previous.tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def _drop(node: etree._Element) -> None:
    parent = node.getparent()
    assert parent is not None
    if node.tail:
        _before(node, node.tail)
        node.tail = None
    parent.remove(node)


def _unwrap(node: etree._Element) -> None:
    """Replace *node* by its content."""
    parent = node.getparent()
    assert parent is not None
    if node.text:
        _before(node, node.text)
    index = parent.index(node)
    for child in list(node):
        parent.insert(index, child)
        index += 1
    _drop(node)
