"""Reading stored XHTML source, whatever prefixes and mistakes an import brought."""

from __future__ import annotations

from lxml import etree

from reqtrail.kit.markup import MAX_DEPTH, XHTML

__all__ = ["MAX_DEPTH", "XHTML", "local_name", "parse_source"]


def parse_source(source: str) -> etree._Element | None:
    """Return *source* as an element that holds its nodes, or None when it is not well-formed."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        return etree.fromstring(f'<r xmlns:xhtml="{XHTML}">{source}</r>'.encode(), parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def local_name(element: etree._Element) -> str | None:
    """Return the lower-case local name of an element; None for comments and processing instructions."""
    tag: object = element.tag
    if not isinstance(tag, str):
        return None
    return etree.QName(element).localname.lower()
