"""Writing items, documents, placements, links and groups of links."""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from reqtrail.features.exchange.reqif.names import REQIF
from reqtrail.features.exchange.reqif.strict import remove
from reqtrail.features.exchange.reqif.write_values import fill_values
from reqtrail.features.exchange.reqif.writer import ELEMENTS, Builder, Source


def item(builder: Builder, source: Source) -> str:
    """Return a spec object. One made in the product has its human key as ALTERNATIVE-ID."""
    made = _typed(builder, source, "item")
    if not source.extra and source.key:
        holder = etree.Element(f"{{{REQIF}}}ALTERNATIVE-ID")
        made.insert(0, holder)
        etree.SubElement(holder, f"{{{REQIF}}}ALTERNATIVE-ID").set("IDENTIFIER", source.key)
    return builder.text(made, source)


def document(builder: Builder, source: Source, has_children: bool) -> tuple[str, str]:
    """Return what stands before and after the children of a specification."""
    made = _typed(builder, source, "document")
    builder.rename(made, source, source.content["title"])
    return builder.split(made, source, has_children)


def placement(builder: Builder, source: Source, item: str, has_children: bool) -> tuple[str, str]:
    """Return what stands before and after the children of a hierarchy element that shows the object *item*."""
    made = builder.element(source, ELEMENTS["placement"])
    builder.refer(made, "OBJECT", "SPEC-OBJECT-REF", item)
    for node in list(made.iterfind("{*}EDITABLE-ATTS/*")):
        identifier = builder.names.of(node.text or "")
        if identifier is None:
            remove(node)
        else:
            node.text = identifier
    return builder.split(made, source, has_children)


def link(builder: Builder, source: Source, start: str, end: str) -> str:
    """Return a spec relation from the object *start* to the object *end*."""
    made = _typed(builder, source, "link")
    builder.refer(made, "SOURCE", "SPEC-OBJECT-REF", start)
    builder.refer(made, "TARGET", "SPEC-OBJECT-REF", end)
    return builder.text(made, source)


def link_group(
    builder: Builder, source: Source, start: str | None, end: str | None, links: Sequence[str]
) -> str:
    """Return a relation group between two specifications; None leaves what the imported file said."""
    made = builder.element(source, ELEMENTS["link_group"])
    builder.set_type(made, source, "link_group")
    if source.content["name"]:
        builder.rename(made, source, source.content["name"])
    for part, identifier in (("SOURCE-SPECIFICATION", start), ("TARGET-SPECIFICATION", end)):
        if identifier is not None or made.find(f"{{*}}{part}/*") is None:
            builder.refer(made, part, "SPECIFICATION-REF", identifier or "")
    if links:
        holder = builder.part(made, "SPEC-RELATIONS")
        for name in links:
            etree.SubElement(holder, f"{{{REQIF}}}SPEC-RELATION-REF").text = name
    return builder.text(made, source)


def _typed(builder: Builder, source: Source, kind: str) -> etree._Element:
    made = builder.element(source, ELEMENTS[kind])
    builder.set_type(made, source, kind)
    fill_values(builder, made, source.content["attributes"])
    return made
