"""Writing ReqIF from the model: templates filled with what the model says now. Valid by construction, streamed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from reqtrail.features.exchange.reqif.fragments import (
    NsMap,
    declarations,
    parse,
    strip_declarations,
    to_text,
)
from reqtrail.features.exchange.reqif.names import REQIF, SECTIONS, XHTML
from reqtrail.features.exchange.reqif.strict import CHECKS, local
from reqtrail.features.exchange.reqif.values import KEPT, LEXICAL
from reqtrail.features.exchange.reqif.xhtml import repair
from reqtrail.features.exchange.types import Losses

_BOOLEAN_TEXT = {"true": True, "1": True, "false": False, "0": False}
_CHECKED = {"integer": "integer", "real": "double", "date": "dateTime"}
_HOLE = "reqtrail-children"
REFERENCES = {
    "item": "SPEC-OBJECT-TYPE-REF",
    "document": "SPECIFICATION-TYPE-REF",
    "link": "SPEC-RELATION-TYPE-REF",
    "link_group": "RELATION-GROUP-TYPE-REF",
}
ELEMENTS = {
    "item": "SPEC-OBJECT",
    "document": "SPECIFICATION",
    "link": "SPEC-RELATION",
    "link_group": "RELATION-GROUP",
    "placement": "SPEC-HIERARCHY",
}


@dataclass(frozen=True)
class Source:
    """An entity to be written.

    Attributes:
        content: Its content at the version that is exported.
        last_change: RFC 3339, when it was changed in the product; None when it is as its import brought it.
    """

    entity_id: str
    content: Mapping[str, Any]
    last_change: str | None

    @property
    def extra(self) -> Mapping[str, Any]:
        """What the import kept of it; empty for what was made in the product."""
        extra: Mapping[str, Any] = self.content["extra"] or {}
        return extra

    @property
    def identifier(self) -> str:
        """What a valid file calls it."""
        return str(self.extra.get("as") or self.extra.get("id") or f"_{self.entity_id}")


@dataclass(frozen=True)
class Names:
    """How a file calls what its elements refer to.

    Attributes:
        of: The identifier of an entity or enumeration value, or None when the file does not hold it.
        base: The base of an attribute.
    """

    of: Callable[[str], str | None]
    base: Callable[[str], str | None]


class Builder:
    """Builds the elements of one file.

    Args:
        root: The root's prefix, name spaces and attributes, as the frame kept them.
        templates: The package's templates.
        moment: LAST-CHANGE of what never had one (RFC 3339).
    """

    def __init__(
        self, root: Mapping[str, Any], templates: list[str], names: Names, moment: str
    ) -> None:
        self.prefix: str | None = root.get("prefix")
        self.nsmap: NsMap = dict(root.get("nsmap") or [[None, REQIF], ["xhtml", XHTML]])
        self._templates = templates
        self._names = names
        self._moment = moment

    def tag(self, name: str) -> str:
        """Return *name* with the file's prefix."""
        return f"{self.prefix}:{name}" if self.prefix else name

    def element(self, source: Source, name: str) -> etree._Element:
        """Return the element of *source* from its template, with its identifier and its own attributes."""
        extra = source.extra
        text = extra.get("x")
        if text is None and "t" in extra:
            text = self._templates[extra["t"]]
        if text is None:
            text = f"<{self.tag(name)}/>"
        made = next(child for child in parse(text, self.nsmap) if isinstance(child.tag, str))
        for attribute, value in (extra.get("a") or {}).items():
            made.set(attribute, value)
        made.set("IDENTIFIER", source.identifier)
        if source.last_change is not None:
            made.set("LAST-CHANGE", source.last_change)
        elif "LAST-CHANGE" not in made.attrib:
            made.set("LAST-CHANGE", self._moment)
        return made

    def text(self, element: etree._Element, source: Source) -> str:
        """Return *element* as text, with the comments that stood before it."""
        comments = "".join(f"<!--{text}-->" for text in source.extra.get("c") or ())
        return comments + to_text(element, self.nsmap)

    def part(self, element: etree._Element, name: str) -> etree._Element:
        """Return the part *name* of *element*, made if it is missing."""
        found = element.find(f"{{*}}{name}")
        return found if found is not None else etree.SubElement(element, f"{{{REQIF}}}{name}")

    def refer(self, element: etree._Element, part: str, reference: str, identifier: str) -> None:
        """Make *part* of *element* refer to *identifier*."""
        holder = self.part(element, part)
        found = next((child for child in holder if local(child)), None)
        if found is None or local(found) != reference:
            for child in list(holder):
                holder.remove(child)
            found = etree.SubElement(holder, f"{{{REQIF}}}{reference}")
        found.text = identifier

    def rename(
        self, element: etree._Element, source: Source, name: str, fallback: str = ""
    ) -> None:
        """Set LONG-NAME where the model's name is not what the file said already."""
        attributes = source.extra.get("a") or {}
        known = attributes.get("LONG-NAME") or source.extra.get("id") or fallback
        if name != known or not source.extra:
            element.set("LONG-NAME", name)

    def describe(self, element: etree._Element, source: Source, text: str) -> None:
        """Set DESC where the model's description is not what the file said already."""
        known = (source.extra.get("a") or {}).get("DESC") or ""
        if text != known:
            element.set("DESC", text)

    # --- values ----------------------------------------------------------------------------------------------------

    def fill_values(self, element: etree._Element, attributes: Mapping[str, Any]) -> None:
        """Put the model's values into VALUES of *element*, in the order of its template, new ones behind."""
        holder = element.find("{*}VALUES")
        done = set()
        for value in [child for child in holder if local(child)] if holder is not None else []:
            reference = value.find("{*}DEFINITION/*")
            key = (reference.text if reference is not None else None) or ""
            identifier = self._names.of(key)
            if KEPT in value.attrib:
                del value.attrib[KEPT]
                filled = True
            else:
                done.add(key)
                filled = self.fill_value(value, attributes.get(key))
            assert holder is not None
            if identifier is None or reference is None or not filled:
                holder.remove(value)
            else:
                reference.text = identifier
        for key, content in attributes.items():
            if key not in done and content is not None:
                self._add_value(self.part(element, "VALUES"), key, content)

    def _add_value(self, holder: etree._Element, key: str, content: Any) -> None:
        made = self.new_value(key, content)
        if made is not None:
            holder.append(made)

    def new_value(self, key: str, content: Any) -> etree._Element | None:
        """Return a new value element of an attribute; None if the file cannot hold it."""
        identifier, base = self._names.of(key), self._names.base(key)
        if identifier is None or base is None:
            return None
        upper = base.upper()
        made = etree.Element(f"{{{REQIF}}}ATTRIBUTE-VALUE-{upper}", nsmap=dict(self.nsmap))
        self.refer(made, "DEFINITION", f"ATTRIBUTE-DEFINITION-{upper}-REF", identifier)
        return made if self.fill_value(made, content) else None

    def fill_value(self, element: etree._Element, content: Any) -> bool:
        """Put *content* into a value element; return whether a valid file can hold it."""
        base = local(element).rpartition("-")[2].lower()
        lexical = element.attrib.pop(LEXICAL, None)
        if content is None:
            return False
        if base == "xhtml":
            return isinstance(content, str) and self._fill_xhtml(element, content)
        if base == "enumeration":
            return isinstance(content, list) and self._fill_choice(element, content)
        if base == "boolean":
            if not isinstance(content, bool):
                return False
            same = lexical is not None and _BOOLEAN_TEXT.get(str(lexical).strip()) == content
            element.set("THE-VALUE", str(lexical) if same else str(content).lower())
            return True
        if not isinstance(content, str) or not CHECKS[_CHECKED.get(base, "string")](content):
            return False
        element.set("THE-VALUE", content)
        return True

    def _fill_xhtml(self, element: etree._Element, content: str) -> bool:
        holder = self.part(element, "THE-VALUE")
        try:
            nodes = parse(content, {**self.nsmap, "xhtml": XHTML})
        except etree.XMLSyntaxError:
            nodes = parse(escape(content), self.nsmap)
        holder.text = nodes.text
        for child in list(nodes):
            holder.append(child)
        repair(holder, Losses(), "")
        return True

    def _fill_choice(self, element: etree._Element, content: list[str]) -> bool:
        known = [identifier for identifier in map(self._names.of, content) if identifier]
        if known:
            holder = self.part(element, "VALUES")
            for identifier in known:
                etree.SubElement(holder, f"{{{REQIF}}}ENUM-VALUE-REF").text = identifier
        return True

    # --- entities --------------------------------------------------------------------------------------------------

    def item(self, source: Source, kind: str = "item") -> etree._Element:
        """Return a spec object, or the like of it, with its type and its values."""
        made = self.element(source, ELEMENTS[kind])
        self.set_type(made, source, kind)
        self.fill_values(made, source.content["attributes"])
        return made

    def set_type(self, element: etree._Element, source: Source, kind: str) -> None:
        """Refer to the type of *source*, or to the stand-in for a missing one."""
        type_id = source.content["type_id"]
        identifier = self._names.of(str(type_id)) if type_id else None
        self.refer(element, "TYPE", REFERENCES[kind], identifier or placeholder_type(kind))

    def placement(self, source: Source, item: str, has_children: bool) -> tuple[str, str]:
        """Return what stands before and after the children of a hierarchy element."""
        made = self.element(source, "SPEC-HIERARCHY")
        self.refer(made, "OBJECT", "SPEC-OBJECT-REF", item)
        for node in list(made.iterfind("{*}EDITABLE-ATTS/*")):
            identifier = self._names.of(node.text or "")
            if identifier is None:
                parent = node.getparent()
                assert parent is not None
                parent.remove(node)
            else:
                node.text = identifier
        return self.split(made, source, has_children)

    def split(self, element: etree._Element, source: Source, has_children: bool) -> tuple[str, str]:
        """Return the text of *element* up to and from where its children go."""
        if not has_children:
            return self.text(element, source), ""
        self.part(element, "CHILDREN").insert(0, etree.ProcessingInstruction(_HOLE))
        before, _, after = self.text(element, source).partition(f"<?{_HOLE}?>")
        return before, after


def placeholder_type(kind: str) -> str:
    """Return the identifier of the type that stands in for a missing one."""
    return f"_reqtrail-untyped-{kind.replace('_', '-')}"


def placeholder_datatype(base: str) -> str:
    """Return the identifier of the datatype that stands in for a missing one."""
    return f"_reqtrail-{base}"


def document(
    builder: Builder,
    frame: Mapping[str, Any],
    header: Mapping[str, Any],
    sections: Mapping[str, Iterable[str]],
    *,
    moment: str,
    tool: str,
) -> Iterator[str]:
    """Yield a whole file.

    Args:
        sections: The texts of the elements of each section; a section without any is written if the frame had it.
        moment: CREATION-TIME (RFC 3339).
        tool: REQ-IF-TOOL-ID.
    """
    root = frame.get("root") or {}
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield from (f"<!--{text}-->\n" for text in root.get("before") or ())
    yield f"<{builder.tag('REQ-IF')}{declarations(builder.nsmap)}{_root_attributes(builder, root)}>\n"
    yield _header(builder, header, moment, tool)
    yield f"<{builder.tag('CORE-CONTENT')}><{builder.tag('REQ-IF-CONTENT')}>\n"
    kept = {section["name"]: section.get("after") or [] for section in frame.get("sections") or ()}
    for name in SECTIONS:
        yield from _section(builder, name, sections.get(name, ()), kept.get(name))
    yield f"</{builder.tag('REQ-IF-CONTENT')}></{builder.tag('CORE-CONTENT')}>\n"
    if frame.get("tools"):
        yield str(frame["tools"]) + "\n"
    yield f"</{builder.tag('REQ-IF')}>\n"
    yield from (f"<!--{text}-->\n" for text in root.get("after") or ())


def _section(
    builder: Builder, name: str, texts: Iterable[str], after: list[str] | None
) -> Iterator[str]:
    started = False
    for text in texts:
        if not started:
            yield f"<{builder.tag(name)}>\n"
            started = True
        yield text
        yield "\n"
    if not started and after is None:
        return
    if not started:
        yield f"<{builder.tag(name)}>"
    yield from (f"<!--{text}-->" for text in after or ())
    yield f"</{builder.tag(name)}>\n"


def _root_attributes(builder: Builder, root: Mapping[str, Any]) -> str:
    known = {uri: prefix for prefix, uri in builder.nsmap.items() if prefix}
    known["http://www.w3.org/XML/1998/namespace"] = "xml"
    parts = []
    for name, value in (root.get("attributes") or {}).items():
        qualified = etree.QName(name)
        prefix = known.get(qualified.namespace or "")
        if prefix:
            parts.append(f" {prefix}:{qualified.localname}={quoteattr(value)}")
    return "".join(parts)


def _header(builder: Builder, header: Mapping[str, Any], moment: str, tool: str) -> str:
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
    identifier = quoteattr(str(header["valid_identifier"]))
    return f"<{holder}><{name} IDENTIFIER={identifier}>{inner}</{name}></{holder}>\n"


__all__ = [
    "Builder",
    "Names",
    "Source",
    "document",
    "placeholder_datatype",
    "placeholder_type",
    "strip_declarations",
]
