"""Writing datatypes, types and attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lxml import etree

from reqtrail.features.exchange.reqif.definitions import CONSTRAINTS
from reqtrail.features.exchange.reqif.names import (
    DEFAULTS,
    REQIF,
    SPECS,
    STAND_IN_DATATYPES,
    STAND_IN_TYPES,
    TYPE_CATEGORIES,
)
from reqtrail.features.exchange.reqif.strict import local
from reqtrail.features.exchange.reqif.write_values import fill_value
from reqtrail.features.exchange.reqif.writer import (
    Builder,
    Source,
    identifier_of,
)

_NEVER = "1970-01-01T00:00:00Z"
"""LAST-CHANGE of what stands in for something missing: no export differs by it."""
TYPE_ELEMENTS = {category: name for name, category in TYPE_CATEGORIES.items()}


def datatype(builder: Builder, source: Source) -> str:
    """Return a datatype with its limits and, of an enumeration, its values."""
    content = source.content
    name = f"DATATYPE-DEFINITION-{content['base'].upper()}"
    made = builder.element(source, name)
    builder.rename(made, source, content["name"])
    builder.describe(made, source, content["description"])
    required = SPECS[name].attributes
    for attribute, constraint in CONSTRAINTS.items():
        value = content["constraints"].get(constraint)
        if attribute in required:
            made.set(attribute, str(value) if value is not None else DEFAULTS[name, attribute])
    if content["base"] == "enumeration" and content["enum_values"]:
        holder = builder.part(made, "SPECIFIED-VALUES")
        for position, value in enumerate(content["enum_values"]):
            holder.append(_enum_value(builder, source, value, position))
    return builder.text(made, source)


def _enum_value(
    builder: Builder, source: Source, value: Mapping[str, Any], position: int
) -> etree._Element:
    kept: Mapping[str, Any] = value.get("extra") or {}
    made = builder.parsed(kept.get("x") or f"<{builder.tag('ENUM-VALUE')}/>")
    made.set("IDENTIFIER", identifier_of(kept, str(value["id"])))
    embedded = made.find("{*}PROPERTIES/{*}EMBEDDED-VALUE")
    new = embedded is None
    if embedded is None:
        embedded = etree.SubElement(builder.part(made, "PROPERTIES"), f"{{{REQIF}}}EMBEDDED-VALUE")
        embedded.set("OTHER-CONTENT", "")
    changed = new
    if value["name"] != (made.get("LONG-NAME") or kept.get("id")):
        made.set("LONG-NAME", value["name"])
        changed = True
    key = str(value.get("key") or position)
    if (embedded.get("KEY") or str(position)) != key or new:
        embedded.set("KEY", key if key.lstrip("+-").isdigit() else str(position))
        changed = True
    if changed or "LAST-CHANGE" not in made.attrib:
        made.set("LAST-CHANGE", source.last_change or builder.moment)
    return made


def type_(builder: Builder, source: Source, attributes: Sequence[etree._Element]) -> str:
    """Return a type with its attribute definitions; comments may stand among them."""
    made = builder.element(source, TYPE_ELEMENTS[source.content["category"]])
    builder.rename(made, source, source.content["name"])
    builder.describe(made, source, source.content["description"])
    if attributes:
        builder.part(made, "SPEC-ATTRIBUTES").extend(attributes)
    return builder.text(made, source)


def attribute(builder: Builder, source: Source, base: str) -> list[etree._Element]:
    """Return an attribute definition, after the comments that stood before it."""
    content, upper = source.content, base.upper()
    name = f"ATTRIBUTE-DEFINITION-{upper}"
    made = builder.element(source, name)
    if local(made) != name:  # the attribute got a datatype of another base meanwhile
        made = builder.new(name)
        made.set("IDENTIFIER", source.identifier)
        made.set("LAST-CHANGE", source.last_change or builder.moment)
        made.set("LONG-NAME", content["name"])
    builder.rename(made, source, content["name"])
    builder.describe(made, source, content["description"])
    if base == "enumeration":
        _set_multi_valued(made, bool(content["multi_valued"]))
    datatype_id = content["datatype_id"]
    identifier = builder.names.of(str(datatype_id)) if datatype_id else None
    reference = f"DATATYPE-DEFINITION-{upper}-REF"
    builder.refer(made, "TYPE", reference, identifier or STAND_IN_DATATYPES[base])
    _set_default(builder, made, upper, source)
    comments = [etree.Comment(text) for text in source.extra.get("c") or ()]
    return [*comments, made]


def _set_multi_valued(element: etree._Element, multi: bool) -> None:
    written = (element.get("MULTI-VALUED") or "").strip()
    if (written in {"true", "1"}) != multi or not written:
        element.set("MULTI-VALUED", str(multi).lower())


def _set_default(builder: Builder, element: etree._Element, upper: str, source: Source) -> None:
    value = element.find("{*}DEFAULT-VALUE/*")
    content = source.content["default_value"]
    if content is None:
        if value is not None:
            element.remove(builder.part(element, "DEFAULT-VALUE"))
        return
    if value is None:
        value = builder.new(f"ATTRIBUTE-VALUE-{upper}")
        builder.part(element, "DEFAULT-VALUE").append(value)
    if fill_value(builder, value, content):
        reference = f"ATTRIBUTE-DEFINITION-{upper}-REF"
        builder.refer(value, "DEFINITION", reference, source.identifier)
    else:
        element.remove(builder.part(element, "DEFAULT-VALUE"))


def stand_in_type(builder: Builder, kind: str) -> str:
    """Return the type that stands in for a missing one of objects of *kind*."""
    return _stand_in(builder, TYPE_ELEMENTS[kind], STAND_IN_TYPES[kind], "No type")


def stand_in_datatype(builder: Builder, base: str) -> str:
    """Return the datatype that stands in for a missing one."""
    name = f"DATATYPE-DEFINITION-{base.upper()}"
    return _stand_in(builder, name, STAND_IN_DATATYPES[base], "No datatype")


def _stand_in(builder: Builder, name: str, identifier: str, long_name: str) -> str:
    made = builder.new(name)
    made.set("IDENTIFIER", identifier)
    made.set("LAST-CHANGE", _NEVER)
    made.set("LONG-NAME", long_name)
    for attribute, (_, required) in SPECS[name].attributes.items():
        if required and attribute not in made.attrib:
            made.set(attribute, DEFAULTS[name, attribute])
    source = Source("", {"extra": None}, None)
    return builder.text(made, source)
