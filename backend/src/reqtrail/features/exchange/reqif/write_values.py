"""Writing attribute values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

from reqtrail.features.exchange.reqif.fragments import parse
from reqtrail.features.exchange.reqif.names import REQIF, XHTML
from reqtrail.features.exchange.reqif.strict import CHECKS, local
from reqtrail.features.exchange.reqif.values import KEPT, LEXICAL
from reqtrail.features.exchange.reqif.writer import Builder
from reqtrail.features.exchange.reqif.xhtml import repair
from reqtrail.features.exchange.types import Losses

_BOOLEAN_TEXT = {"true": True, "1": True, "false": False, "0": False}
_CHECKED = {"integer": "integer", "real": "double", "date": "dateTime"}


def fill_values(builder: Builder, element: etree._Element, attributes: Mapping[str, Any]) -> None:
    """Put the model's values into VALUES of *element*, in the order of its template, new ones behind."""
    holder = element.find("{*}VALUES")
    done = set()
    for value in [child for child in holder if local(child)] if holder is not None else []:
        assert holder is not None
        reference = value.find("{*}DEFINITION/*")
        key = (reference.text if reference is not None else None) or ""
        identifier = builder.names.of(key)
        if KEPT in value.attrib:
            del value.attrib[KEPT]
            filled = True
        else:
            done.add(key)
            filled = fill_value(builder, value, attributes.get(key))
        if identifier is None or reference is None or not filled:
            holder.remove(value)
        else:
            reference.text = identifier
    for key, content in attributes.items():
        if key not in done and content is not None:
            made = new_value(builder, key, content)
            if made is not None:
                builder.part(element, "VALUES").append(made)


def new_value(builder: Builder, key: str, content: Any) -> etree._Element | None:
    """Return a new value element of an attribute; None if the file cannot hold it."""
    identifier, base = builder.names.of(key), builder.names.base(key)
    if identifier is None or base is None:
        return None
    made = builder.new(f"ATTRIBUTE-VALUE-{base.upper()}")
    reference = f"ATTRIBUTE-DEFINITION-{base.upper()}-REF"
    if not fill_value(builder, made, content):
        return None
    builder.refer(made, "DEFINITION", reference, identifier)
    return made


def fill_value(builder: Builder, element: etree._Element, content: Any) -> bool:
    """Put *content* into a value element; return whether a valid file can hold it."""
    base = local(element).rpartition("-")[2].lower()
    lexical = element.get(LEXICAL)
    if lexical is not None:
        del element.attrib[LEXICAL]
    if content is None:
        return False
    if base == "xhtml":
        return isinstance(content, str) and _fill_xhtml(builder, element, content)
    if base == "enumeration":
        return isinstance(content, list) and _fill_choice(builder, element, content)
    if base == "boolean":
        if not isinstance(content, bool):
            return False
        same = lexical is not None and _BOOLEAN_TEXT.get(lexical.strip()) == content
        element.set("THE-VALUE", lexical if same and lexical else str(content).lower())
        return True
    if not isinstance(content, str) or not CHECKS[_CHECKED.get(base, "string")](content):
        return False
    element.set("THE-VALUE", content)
    return True


def _fill_xhtml(builder: Builder, element: etree._Element, content: str) -> bool:
    holder = builder.part(element, "THE-VALUE")
    nsmap = {**builder.nsmap, "xhtml": XHTML}
    try:
        nodes = parse(content, nsmap)
    except etree.XMLSyntaxError:
        nodes = parse(escape(content), nsmap)
    holder.text = nodes.text
    for child in list(nodes):
        holder.append(child)
    repair(holder, Losses(), "")
    return True


def _fill_choice(builder: Builder, element: etree._Element, content: list[str]) -> bool:
    known = [identifier for identifier in map(builder.names.of, content) if identifier]
    if known:
        holder = builder.part(element, "VALUES")
        for identifier in known:
            etree.SubElement(holder, f"{{{REQIF}}}ENUM-VALUE-REF").text = identifier
    return True
