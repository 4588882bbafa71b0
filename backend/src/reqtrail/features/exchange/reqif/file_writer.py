"""Writing a whole file around the texts of its elements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from reqtrail.features.exchange.reqif.fragments import declarations
from reqtrail.features.exchange.reqif.writer import Builder


class FileWriter:
    """Writes what stands around the elements of one file.

    Args:
        frame: What :class:`Frame` kept of an imported file; empty for a new one.
    """

    def __init__(self, builder: Builder, frame: Mapping[str, Any]) -> None:
        self._builder = builder
        self._root: Mapping[str, Any] = frame.get("root") or {}
        self._tools: str | None = frame.get("tools")
        self._kept = {
            section["name"]: section.get("after") or [] for section in frame.get("sections") or ()
        }

    def begin(self, header: Mapping[str, Any], identifier: str, moment: str, tool: str) -> str:
        """Return the text up to the first section.

        Args:
            identifier: That of the header, valid and unique in the file.
            moment: CREATION-TIME (RFC 3339).
            tool: REQ-IF-TOOL-ID.
        """
        builder = self._builder
        comments = "".join(f"<!--{text}-->\n" for text in self._root.get("before") or ())
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"{comments}<{builder.tag('REQ-IF')}{declarations(builder.nsmap)}{self._attributes()}>\n"
            f"{self._header(header, identifier, moment, tool)}"
            f"<{builder.tag('CORE-CONTENT')}><{builder.tag('REQ-IF-CONTENT')}>\n"
        )

    def end(self) -> str:
        """Return the text after the last section."""
        builder = self._builder
        tools = f"{self._tools}\n" if self._tools else ""
        comments = "".join(f"<!--{text}-->\n" for text in self._root.get("after") or ())
        return (
            f"</{builder.tag('REQ-IF-CONTENT')}></{builder.tag('CORE-CONTENT')}>\n"
            f"{tools}</{builder.tag('REQ-IF')}>\n{comments}"
        )

    def section(self, name: str) -> Section:
        """Return the writer of a section; one without elements is written if the imported file had it."""
        return Section(self._builder.tag(name), self._kept.get(name))

    def _attributes(self) -> str:
        known = {uri: prefix for prefix, uri in self._builder.nsmap.items() if prefix}
        known["http://www.w3.org/XML/1998/namespace"] = "xml"
        parts = []
        for name, value in (self._root.get("attributes") or {}).items():
            qualified = etree.QName(name)
            prefix = known.get(qualified.namespace or "")
            if prefix:
                parts.append(f" {prefix}:{qualified.localname}={quoteattr(value)}")
        return "".join(parts)

    def _header(self, header: Mapping[str, Any], identifier: str, moment: str, tool: str) -> str:
        builder = self._builder
        parts: list[tuple[str, str | None]] = [
            ("COMMENT", header.get("COMMENT")),
            ("CREATION-TIME", moment),
            ("REPOSITORY-ID", header.get("REPOSITORY-ID")),
            ("REQ-IF-TOOL-ID", tool),
            ("REQ-IF-VERSION", "1.0"),
            ("SOURCE-TOOL-ID", header.get("SOURCE-TOOL-ID") or tool),
            ("TITLE", header.get("TITLE") or ""),
        ]
        inner = "".join(
            f"<{builder.tag(name)}>{escape(text)}</{builder.tag(name)}>"
            for name, text in parts
            if text is not None
        )
        holder, name = builder.tag("THE-HEADER"), builder.tag("REQ-IF-HEADER")
        return f"<{holder}><{name} IDENTIFIER={quoteattr(identifier)}>{inner}</{name}></{holder}>\n"


class Section:
    """Opens itself with its first element, so that a section without any need not be written."""

    def __init__(self, tag: str, after: list[str] | None) -> None:
        self._tag = tag
        self._after = after
        self._open = False

    def elements(self, texts: list[str]) -> Iterator[str]:
        """Yield some of the section's elements, one a line."""
        if texts and not self._open:
            self._open = True
            yield f"<{self._tag}>\n"
        for text in texts:
            yield text
            yield "\n"

    def end(self) -> Iterator[str]:
        """Yield the end of the section, with the comments that stood there."""
        if not self._open and self._after is None:
            return
        if not self._open:
            yield f"<{self._tag}>"
        yield from (f"<!--{text}-->" for text in self._after or ())
        yield f"</{self._tag}>\n"
