"""From the editor's HTML to XHTML source that the ReqIF schema accepts."""

from __future__ import annotations

import mimetypes
import re

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
_FLOW_ONLY_BLOCKS = {"blockquote"}
_INLINE_ONLY = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "caption", "dt", *_INLINE}
_NO_TEXT = {
    *("ul", "ol", "dl", "table", "thead", "tbody", "tfoot", "tr", "colgroup"),
    *_FLOW_ONLY_BLOCKS,
}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udfff]")


def source_from_html(markup: str) -> str:
    """Return XHTML source for the editor's HTML: one ``div`` in the XHTML name space, well-formed and clean.

    Active content is left out; its text stays. Pictures (``img`` with ``data-path``) become embedded objects.
    """
    clean = nh3.clean(
        _CONTROL.sub("", markup),
        tags=_INLINE | _BLOCK | _INSIDE | {"img", "strike", "mark"},
        attributes={**_KEPT, "img": {"src", "alt", "data-path", "width", "height"}},
        url_schemes={"http", "https", "mailto"},
        link_rel=None,
    )
    root = lxml_html.fragment_fromstring(clean, create_parent="div")
    # lxml's stubs know no default name space.
    target = etree.Element(f"{{{XHTML}}}div", nsmap={None: XHTML})  # type: ignore[dict-item]
    _copy_children(root, target, "div")
    return etree.tostring(target, encoding="unicode")


def _copy_children(source: etree._Element, target: etree._Element, context: str) -> None:
    _append_text(target, source.text, context)
    for child in source:
        if isinstance(child.tag, str):
            _copy(child, target, context)
        _append_text(target, child.tail, context)


def _copy(child: etree._Element, target: etree._Element, context: str) -> None:
    name = str(child.tag)
    if name == "img":
        _copy_picture(child, target)
        return
    style = None
    if name == "u":
        name, style = "span", "text-decoration: underline"
    elif name in {"s", "strike"}:
        name = "del"
    elif name == "mark":
        name = "span"
    if name in _BLOCK and context in _INLINE_ONLY:
        # A block inside inline content is not valid: its content stays, set apart by a line break.
        if len(target) or target.text:
            etree.SubElement(target, f"{{{XHTML}}}br")
        _copy_children(child, target, context)
        return
    made = etree.SubElement(target, f"{{{XHTML}}}{name}")
    if style:
        made.set("style", style)
    for attribute in _KEPT.get(name, ()):
        value = child.get(attribute)
        if value:
            made.set(attribute, value)
    _copy_children(child, made, name)
    if name in {"ul", "ol", "tr"} and not len(made):
        target.remove(made)


def _copy_picture(picture: etree._Element, target: etree._Element) -> None:
    path = picture.get("data-path")
    if not path:
        return  # a picture that was not uploaded has no bytes here: nothing to refer to
    made = etree.SubElement(target, f"{{{XHTML}}}object")
    made.set("data", path)
    made.set("type", mimetypes.guess_type(path)[0] or "application/octet-stream")
    for name in ("width", "height"):
        if picture.get(name):
            made.set(name, picture.get(name, ""))
    made.text = picture.get("alt") or path.rpartition("/")[2]


def _append_text(target: etree._Element, text: str | None, context: str) -> None:
    if not text:
        return
    if context in _NO_TEXT:
        if not text.strip():
            return
        if context in _FLOW_ONLY_BLOCKS:
            paragraph = etree.SubElement(target, f"{{{XHTML}}}p")
            paragraph.text = text
        return
    if len(target):
        target[-1].tail = (target[-1].tail or "") + text
    else:
        target.text = (target.text or "") + text
