"""The plain text of rich text: for titles, find and comparison."""

from __future__ import annotations

import html
import re

from lxml import etree

from reqtrail.features.requirements.richtext.parse import local_name, parse_source

_BLOCKS = {"p", "div", "li", "tr", "table", "ul", "ol", "br", "h1", "h2", "h3", "h4", "h5", "h6"}
_SILENT = {"script", "style", "head", "title", "template"}
_SPACES = re.compile(r"[ \t\r\f\v]*\n\s*|[ \t\r\f\v]+")


def plain_text(source: str) -> str:
    """Return the visible words of XHTML *source*, one line a block; text that is no markup is returned as it is."""
    root = parse_source(source)
    if root is None:
        return source
    parts: list[str] = []
    _collect(root, parts)
    text = _SPACES.sub(lambda match: "\n" if "\n" in match.group() else " ", "".join(parts))
    return text.strip()


_BLOCK_TAG = re.compile(
    rf"</?(?:\w+:)?(?:{'|'.join(sorted(_BLOCKS))}|td|th)\b[^>]*>", re.IGNORECASE
)
_TAG = re.compile(r"</?[A-Za-z][^>]*>")


def quick_text(source: str) -> str:
    """Return about what :func:`plain_text` does, twenty times faster, for finding words in whole documents."""
    if "<" in source:
        source = " ".join(_TAG.sub("", _BLOCK_TAG.sub("\n", source)).split())
    return html.unescape(source)


def _collect(element: etree._Element, parts: list[str]) -> None:
    name = local_name(element)
    if name is not None and name not in _SILENT:
        if name in _BLOCKS:
            parts.append("\n")
        elif name in {"td", "th"}:
            parts.append(" ")
        parts.append(re.sub(r"\s+", " ", element.text or ""))
        for child in element:
            _collect(child, parts)
            parts.append(re.sub(r"\s+", " ", child.tail or ""))
        if name in _BLOCKS:
            parts.append("\n")
