"""Writing elements of ReqIF from the model: templates filled with what the model says now. Valid by construction."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from reqtrail.features.exchange.reqif.fragments import NsMap, is_element, parse, to_text
from reqtrail.features.exchange.reqif.names import REQIF, STAND_IN_TYPES, XHTML
from reqtrail.features.exchange.reqif.strict import local

_HOLE = ("reqtrail", "children")
TYPE_REFERENCES: Final = {
    "item": "SPEC-OBJECT-TYPE-REF",
    "document": "SPECIFICATION-TYPE-REF",
    "link": "SPEC-RELATION-TYPE-REF",
    "link_group": "RELATION-GROUP-TYPE-REF",
}
ELEMENTS: Final = {
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
        key: The human key, if the kind has one.
    """

    entity_id: str
    content: Mapping[str, Any]
    last_change: str | None
    key: str | None = None

    @property
    def extra(self) -> Mapping[str, Any]:
        """What the import kept of it; empty for what was made in the product."""
        extra: Mapping[str, Any] = self.content["extra"] or {}
        return extra

    @property
    def identifier(self) -> str:
        """What a valid file calls it."""
        return identifier_of(self.extra, self.entity_id)


def identifier_of(extra: Mapping[str, Any] | None, entity_id: str) -> str:
    """Return what a valid file calls an entity, or an enumeration value."""
    kept = extra or {}
    return str(kept.get("as") or kept.get("id") or f"_{entity_id}")


@dataclass(frozen=True)
class Names:
    """How a file calls what its elements refer to.

    Attributes:
        of: The identifier of a type, attribute, datatype or enumeration value; None when the file does not hold it.
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
        self, root: Mapping[str, Any], templates: Sequence[str], names: Names, moment: str
    ) -> None:
        self.prefix: str | None = root.get("prefix")
        self.nsmap: NsMap = dict(root.get("nsmap") or [[None, REQIF], ["xhtml", XHTML]])
        self.names = names
        self.moment = moment
        self._templates = templates
        self._parsed: dict[str, etree._Element] = {}

    def tag(self, name: str) -> str:
        """Return *name* with the file's prefix."""
        return f"{self.prefix}:{name}" if self.prefix else name

    def element(self, source: Source, name: str) -> etree._Element:
        """Return the element of *source* from its template, with its identifier and its own attributes."""
        extra = source.extra
        if "x" in extra:
            made = self.parsed(extra["x"])
        elif extra.get("t", -1) in range(len(self._templates)):
            made = self._shared(self._templates[extra["t"]])
        else:
            made = self.new(name)
        for attribute, value in (extra.get("a") or {}).items():
            made.set(attribute, value)
        made.set("IDENTIFIER", source.identifier)
        if source.last_change is not None:
            made.set("LAST-CHANGE", source.last_change)
        elif "LAST-CHANGE" not in made.attrib:
            made.set("LAST-CHANGE", self.moment)
        return made

    def parsed(self, text: str) -> etree._Element:
        """Return the element that a template is, out of the scope of any name space that it does not use.

        In that scope lxml would give the prefix of the file to rich text that declares its own.
        """
        made = copy.deepcopy(next(child for child in parse(text, self.nsmap) if is_element(child)))
        made.tail = None
        return made

    def _shared(self, text: str) -> etree._Element:
        """Return a copy of the element of a template that many share."""
        if text not in self._parsed:
            self._parsed[text] = self.parsed(text)
        return copy.deepcopy(self._parsed[text])

    def text(self, element: etree._Element, source: Source) -> str:
        """Return *element* as text, with the comments that stood before it."""
        comments = "".join(f"<!--{text}-->" for text in source.extra.get("c") or ())
        return comments + to_text(element, self.nsmap)

    def new(self, name: str) -> etree._Element:
        """Return a new element of the file."""
        return self._shared(f"<{self.tag(name)}/>")

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

    def rename(self, element: etree._Element, source: Source, name: str) -> None:
        """Set LONG-NAME where the model's name is not what the file said already."""
        known = (source.extra.get("a") or {}).get("LONG-NAME") or source.extra.get("id")
        if name != known:
            element.set("LONG-NAME", name)

    def describe(self, element: etree._Element, source: Source, text: str) -> None:
        """Set DESC where the model's description is not what the file said already."""
        if text != ((source.extra.get("a") or {}).get("DESC") or ""):
            element.set("DESC", text)

    def set_type(self, element: etree._Element, source: Source, kind: str) -> None:
        """Refer to the type of *source*, or to the stand-in for a missing one."""
        type_id = source.content["type_id"]
        identifier = self.names.of(str(type_id)) if type_id else None
        self.refer(element, "TYPE", TYPE_REFERENCES[kind], identifier or STAND_IN_TYPES[kind])

    def split(self, element: etree._Element, source: Source, has_children: bool) -> tuple[str, str]:
        """Return the text of *element* up to and from where its children go."""
        if not has_children:
            return self.text(element, source), ""
        self.part(element, "CHILDREN").insert(0, etree.ProcessingInstruction(*_HOLE))
        before, _, after = self.text(element, source).partition(f"<?{' '.join(_HOLE)}?>")
        return before, after
