"""Pieces of XML as text, without the name spaces that the root of their file declares anyway."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from xml.sax.saxutils import quoteattr

from lxml import etree

from reqtrail.features.exchange.reqif.names import OLD_NAMESPACES, REQIF

NsMap = Mapping[str | None, str]
_START = re.compile(r"<[^\s/>!?][^>]*>")


def is_element(node: etree._Element) -> bool:
    """Tell an element from a comment or a processing instruction."""
    tag: object = node.tag
    return isinstance(tag, str)


@lru_cache(maxsize=1024)
def _declaration(prefix: str | None, uri: str) -> str:
    return f" xmlns{':' + prefix if prefix else ''}={quoteattr(uri)}"


def declarations(nsmap: NsMap) -> str:
    """Return the declarations of *nsmap* as they stand in a start tag."""
    return "".join(_declaration(prefix, uri) for prefix, uri in nsmap.items())


def to_text(element: etree._Element, nsmap: NsMap) -> str:
    """Return *element* without its tail as text, leaving out what the root declares."""
    text: str = etree.tostring(element, encoding="unicode", with_tail=False)
    for old in OLD_NAMESPACES:
        if old in text:
            text = text.replace(f'="{old}"', f'="{REQIF}"')
    return strip_declarations(text, nsmap)


def strip_declarations(text: str, nsmap: NsMap) -> str:
    """Return *text*, a serialised element, without declarations that only repeat *nsmap*."""
    for prefix, uri in nsmap.items():
        if prefix and (repeated := _declaration(prefix, uri)) in text:
            if text.count(f" xmlns:{prefix}=") == text.count(repeated):
                text = text.replace(repeated, "")
    match = _START.search(text)
    if match is None:
        return text
    tag = match.group()
    for prefix, uri in nsmap.items():
        tag = tag.replace(_declaration(prefix, uri), "", 1)
    return text[: match.start()] + tag + text[match.end() :]


def parse(text: str, nsmap: NsMap) -> etree._Element:
    """Return an element that holds the nodes of *text*, in the scope of *nsmap*.

    Raises:
        lxml.etree.XMLSyntaxError: If *text* is not well-formed.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_blank_text=False
    )
    return etree.fromstring(f"<w{declarations(nsmap)}>{text}</w>".encode(), parser)


def inner_text(element: etree._Element, nsmap: NsMap) -> str:
    """Return what stands inside *element* as text; used prefixes are declared where they are used."""
    parts = [_escape(element.text or "")]
    for child in element:
        parts.append(_self_contained(child))
        parts.append(_escape(child.tail or ""))
    return "".join(parts)


def _self_contained(element: etree._Element) -> str:
    text: str = etree.tostring(element, encoding="unicode", with_tail=False)
    match = _START.search(text)
    if match is None:
        return text
    tag = match.group()
    rest = text[match.end() :]
    for prefix, uri in element.nsmap.items():
        used = f"{prefix}:" if prefix else None
        bare = tag.replace(_declaration(prefix, uri), "", 1)
        if used is not None and used not in bare and used not in rest:
            tag = bare
        elif used is None and not _uses_default(element):
            tag = bare
    return text[: match.start()] + tag + rest


def _uses_default(element: etree._Element) -> bool:
    return any(is_element(node) and node.prefix is None for node in element.iter(etree.Element))


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
