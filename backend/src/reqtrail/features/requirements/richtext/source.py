"""From the editor's HTML to XHTML source that the ReqIF schema accepts."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterator
from urllib.parse import quote

import nh3
from lxml import etree
from lxml import html as lxml_html

from reqtrail.features.requirements.richtext.parse import XHTML

_INLINE = {
    *("a", "abbr", "b", "br", "cite", "code", "del", "dfn", "em", "i", "ins", "kbd", "q", "samp"),
    *("small", "span", "strong", "sub", "sup", "var", "object", "u", "s"),
}
_BLOCK = {
    *("blockquote", "div", "dl", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "ol", "p", "pre"),
    *("table", "ul"),
}
_INSIDE = {
    "li",
    "dt",
    "dd",
    "caption",
    "col",
    "colgroup",
    "thead",
    "tbody",
    "tfoot",
    "tr",
    "td",
    "th",
}
_KEPT = {
    "a": {"href", "title"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "col": {"span"},
    "colgroup": {"span"},
}
_INLINE_ONLY = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "caption", "dt", *_INLINE}
_TABLE_PARTS = {"table", "thead", "tbody", "tfoot", "tr", "colgroup"}
_SECTIONS = ("caption", "col", "colgroup", "thead", "tfoot", "tbody")
_PARENTS = {
    "li": {"ul", "ol"},
    "dt": {"dl"},
    "dd": {"dl"},
    **{part: {"table"} for part in ("caption", "colgroup", "thead", "tbody", "tfoot")},
    "col": {"table", "colgroup"},
    "tr": {"thead", "tbody", "tfoot"},
    "td": {"tr"},
    "th": {"tr"},
}
"""Elements that stand in certain parents only."""
_NOT_IN_PRE = {"img", "object", "small", "sub", "sup"}
_LENGTH = re.compile(r"\d{1,4}%?")
_NUMBER = re.compile(r"\d{1,4}")
_URL_CHARACTERS = "!#$%&'()*+,-./:;=?@_~"
_NAMESPACES: dict[str | None, str] = {None: XHTML}  # the stubs of lxml forget the default prefix
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udfff]")


def source_from_html(markup: str) -> str:
    """Return XHTML source for the editor's HTML: one ``div`` in the XHTML name space, well-formed and clean.

    Active content is left out; its text stays. Pictures (``img`` with ``data-path``) become embedded objects.
    """
    clean = nh3.clean(
        _CONTROL.sub("", markup),
        tags=_INLINE | _BLOCK | _INSIDE | {"img", "strike", "mark"},
        attributes={
            **_KEPT,
            "a": _KEPT["a"] | {"data-path"},
            "img": {"src", "alt", "data-path", "width", "height"},
        },
        url_schemes={"http", "https", "mailto"},
        link_rel=None,
    )
    root = _innermost_div(lxml_html.fragment_fromstring(clean, create_parent="div"))
    target = etree.Element(_q("div"), nsmap=_NAMESPACES)  # type: ignore[arg-type]
    _copy_children(root, target, "div")
    _tidy(target)
    return etree.tostring(target, encoding="unicode")


def _innermost_div(root: etree._Element) -> etree._Element:
    """Return the ``div`` that holds everything, so that editing again and again nests nothing deeper."""
    while (
        len(root) == 1
        and root[0].tag == "div"
        and not (root.text or "").strip()
        and not (root[0].tail or "").strip()
    ):
        root = root[0]
    return root


def _q(name: str) -> str:
    return f"{{{XHTML}}}{name}"


def _nodes(source: etree._Element) -> Iterator[str | etree._Element]:
    if source.text:
        yield source.text
    for child in source:
        if isinstance(child.tag, str):
            yield child
        if child.tail:
            yield child.tail


def _wrapper(node: str | etree._Element, context: str) -> str | None:
    """Return the element that *node* needs around it to be valid below *context*, if any."""
    name = None if isinstance(node, str) else str(node.tag)
    if context in {"ul", "ol"}:
        return None if name == "li" else "li"
    if context == "dl":
        return None if name in {"dt", "dd"} else "dd"
    if context in _INLINE_ONLY or context in _TABLE_PARTS:
        return None
    if name == "li":
        return "ul"
    if name in {"dt", "dd"}:
        return "dl"
    return "p" if context == "blockquote" and name not in _BLOCK else None


def _copy_children(source: etree._Element, target: etree._Element, context: str) -> None:
    run: etree._Element | None = None
    kind: str | None = None
    for node in _nodes(source):
        blank = isinstance(node, str) and not node.strip()
        wrapper = _wrapper(node, context)
        if blank and (wrapper or kind in {"ul", "dl"}) and kind != "p":
            continue
        if wrapper is None:
            run = kind = None
            _add(node, target, context)
            continue
        if run is None or kind != wrapper:
            run, kind = etree.SubElement(target, _q(wrapper)), wrapper
        _add(node, run, wrapper)


def _add(node: str | etree._Element, target: etree._Element, context: str) -> None:
    if isinstance(node, str):
        _append_text(target, node, context)
    else:
        _copy(node, target, context)


def _copy(child: etree._Element, target: etree._Element, context: str) -> None:
    name = str(child.tag)
    if name == "img" or (name == "a" and child.get("data-path")):
        _copy_object(child, target, context)
        return
    style = None
    if name == "u":
        name, style = "span", "text-decoration: underline"
    elif name in {"s", "strike"}:
        name = "del"
    elif name == "mark":
        name = "span"
    if not _fits(name, target, context):
        _unwrap(child, target, context)
        return
    made = etree.SubElement(target, _q(name))
    if style:
        made.set("style", style)
    for attribute in sorted(_KEPT.get(name, ())):
        value = child.get(attribute)
        if attribute == "href" and value:
            value = quote(value, safe=_URL_CHARACTERS)
        if attribute in {"colspan", "rowspan", "span"} and not _NUMBER.fullmatch(value or ""):
            continue
        if value:
            made.set(attribute, value)
    _copy_children(child, made, name)


def _fits(name: str, target: etree._Element, context: str) -> bool:
    if name in _PARENTS:
        return context in _PARENTS[name]
    if name in _BLOCK:
        return context not in _INLINE_ONLY
    if name in _NOT_IN_PRE and _is_inside(target, "pre"):
        return False
    return name != "a" or not _is_inside(target, "a")


def _is_inside(target: etree._Element, name: str) -> bool:
    return target.tag == _q(name) or next(target.iterancestors(_q(name)), None) is not None


def _unwrap(child: etree._Element, target: etree._Element, context: str) -> None:
    """Keep the content of an element that is not valid here, set apart as a line or a cell would be."""
    if child.tag in {"td", "th"}:
        _append_text(target, " ", context)
    elif (child.tag in _BLOCK or child.tag in _INSIDE) and (len(target) or target.text):
        etree.SubElement(target, _q("br"))
    _copy_children(child, target, context)


def _copy_object(shown: etree._Element, target: etree._Element, context: str) -> None:
    """Turn a picture or the link to a file into the embedded object that it shows."""
    path = shown.get("data-path")
    if not path:
        return  # a picture that was not uploaded has no bytes here: nothing to refer to
    label = shown.get("alt") or "".join(map(str, shown.itertext())) or path.rpartition("/")[2]
    if not _fits("object", target, context):
        _append_text(target, label, context)
        return
    made = etree.SubElement(target, _q("object"))
    made.set("data", quote(path, safe="/"))
    made.set("type", mimetypes.guess_type(path)[0] or "application/octet-stream")
    for name in ("width", "height"):
        if _LENGTH.fullmatch(shown.get(name, "")):
            made.set(name, shown.get(name, ""))
    made.text = label


def _append_text(target: etree._Element, text: str, context: str) -> None:
    if context in _TABLE_PARTS:
        return  # white space: the HTML parser has moved everything else in front of the table
    if len(target):
        target[-1].tail = (target[-1].tail or "") + text
    else:
        target.text = (target.text or "") + text


def _tidy(root: etree._Element) -> None:
    """Remove lists and tables without content, and order the parts of tables as the schema wants them."""
    for element in reversed(list(root.iter())):
        name = etree.QName(element).localname
        if name == "table":
            _tidy_table(element)
        elif name in {"ul", "ol", "dl", "tr", "thead", "tbody", "tfoot", "colgroup"}:
            if not len(element) and element is not root:
                _drop(element)


def _tidy_table(table: etree._Element) -> None:
    parts: dict[str, list[etree._Element]] = {name: [] for name in _SECTIONS}
    for child in table:
        name = etree.QName(child).localname
        if parts[name] and name in {"thead", "tfoot"}:
            name = "tbody"
        child.tag = _q(name)
        parts[name].append(child)
    if not parts["tbody"]:
        parts["tbody"] = parts["tfoot"] or parts["thead"]
        for section in parts["tbody"]:
            section.tag = _q("tbody")
        parts["tfoot" if parts["tfoot"] else "thead"] = []
    if not parts["tbody"]:
        table.tag = _q("p")
        etree.strip_tags(table, _q("caption"), _q("col"), _q("colgroup"))
        if not len(table) and not (table.text or "").strip():
            _drop(table)
        return
    table[:] = [child for name in _SECTIONS for child in parts[name]]


def _drop(element: etree._Element) -> None:
    parent = element.getparent()
    if parent is None:
        return
    if element.tail:
        before = element.getprevious()
        if before is None:
            parent.text = (parent.text or "") + element.tail
        else:
            before.tail = (before.tail or "") + element.tail
    parent.remove(element)
