"""One element of a file as a record in the words of the model; what the model does not use goes into ``extra``.

* ``p`` the package (the file) that the entity belongs to, ``n`` its place in its section, in steps of ORDER_GAP;
* ``id`` its identifier, ``as`` the valid and unique one if that differs;
* ``a`` the attributes of its element, ``c`` the comments before it;
* ``t`` the number of its template in the package, or ``x`` the template itself: the element without what the model
  holds. Most objects of a file share a handful of templates;
* ``b`` the base of an attribute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from lxml import etree

from reqtrail.features.exchange.reqif.definitions import (
    base_of,
    constraints_of,
    enum_values_of,
    presentation_of,
)
from reqtrail.features.exchange.reqif.fragments import NsMap, is_element, to_text
from reqtrail.features.exchange.reqif.identifiers import Identifiers
from reqtrail.features.exchange.reqif.index import Index
from reqtrail.features.exchange.reqif.names import (
    STAND_IN_DATATYPES,
    STAND_IN_TYPES,
    TYPE_CATEGORIES,
)
from reqtrail.features.exchange.reqif.places import Place, rank_of
from reqtrail.features.exchange.reqif.strict import Tidier, attributes_of, local, remove
from reqtrail.features.exchange.reqif.values import Entity, ValueReader
from reqtrail.features.exchange.types import ORDER_GAP, Losses, Record

MAX_TEMPLATES: Final = 500
_STAND_INS = frozenset({*STAND_IN_TYPES.values(), *STAND_IN_DATATYPES.values()})
_UNIQUE_MARKS = ("ALTERNATIVE-ID", "THE-ORIGINAL-VALUE")


class RecordBuilder:
    """Turns elements into records.

    Args:
        package_id: The package that the entities belong to.
        entity: Gives the id of the entity of a kind with an identifier of this file.
        elsewhere: Gives the id of an item that another file of the same upload holds, or None.
        moment: What stands in for a missing LAST-CHANGE (RFC 3339).
        templates: Those that the package has already; new ones are added behind them.
    """

    def __init__(
        self,
        index: Index,
        package_id: str,
        entity: Entity,
        elsewhere: Callable[[str], str | None],
        moment: str,
        templates: Sequence[str],
        losses: Losses,
    ) -> None:
        self._index = index
        self._package_id = package_id
        self._entity = entity
        self._elsewhere = elsewhere
        self._losses = losses
        self._tidier = Tidier(losses, moment)
        self._identifiers = Identifiers(losses)
        self._templates = {text: number for number, text in enumerate(templates)}
        self._room = len(templates) + MAX_TEMPLATES
        self._seen: dict[str, set[str]] = {}
        self._numbers: dict[str, int] = {}
        self._nsmap: NsMap = {}
        self._values = ValueReader(index, entity, {}, losses)

    @property
    def templates(self) -> list[str]:
        """The templates by their number."""
        return list(self._templates)

    def valid(self, identifier: str) -> str:
        """Return what a valid file calls something that no record stands for, such as the header."""
        return self._identifiers.valid(identifier or "_reqtrail")

    def use(self, nsmap: NsMap) -> None:
        """Take the name spaces that the root of the file declares."""
        self._nsmap = nsmap
        self._values = ValueReader(self._index, self._entity, nsmap, self._losses)

    def records(self, element: etree._Element, place: Place | None) -> Iterator[Record]:
        """Yield the records of *element*, which is taken apart; *place* is that of a hierarchy element.

        Raises:
            BadValue: If a number or a yes/no value is none.
        """
        name = local(element)
        if element.get("IDENTIFIER") in _STAND_INS:
            return
        comments = comments_before(element)
        self._tidier.tidy(element)
        if place is not None:
            yield self._placement(element, comments, place)
        elif name.startswith("DATATYPE-DEFINITION-"):
            yield self._datatype(element, comments)
        elif name in TYPE_CATEGORIES:
            yield from self._type(name, element, comments)
        elif name == "SPEC-OBJECT":
            yield self._item(element, comments)
        elif name == "SPECIFICATION":
            yield self._document(element, comments)
        elif name == "SPEC-RELATION":
            yield from self._link(element, comments)
        else:
            yield self._group(element, comments)

    def _datatype(self, element: etree._Element, comments: list[str]) -> Record:
        identifier = self.once("datatype", element.get("IDENTIFIER") or "")
        values = enum_values_of(element, self._entity)
        for value, child in zip(
            values, element.iterfind("{*}SPECIFIED-VALUES/{*}ENUM-VALUE"), strict=True
        ):
            self._rename(child, value["extra"])
            value["extra"]["x"] = to_text(child, self._nsmap)
        for holder in element.iterfind("{*}SPECIFIED-VALUES"):
            for child in [node for node in holder if local(node)]:
                holder.remove(child)
        fields = {
            "base": base_of(element),
            "name": element.get("LONG-NAME") or element.get("IDENTIFIER") or "",
            "description": element.get("DESC") or "",
            "constraints": constraints_of(element),
            "enum_values": values,
        }
        return self._finish("datatype", identifier, element, fields, comments, inline=True)

    def _type(self, name: str, element: etree._Element, comments: list[str]) -> Iterator[Record]:
        identifier = self.once("type", element.get("IDENTIFIER") or "")
        definitions = [node for node in element.iterfind("{*}SPEC-ATTRIBUTES/*") if local(node)]
        attributes = []
        for position, node in enumerate(definitions):
            before = comments_before(node)
            attributes.append(self._attribute(node, identifier, position, before))
            remove(node)
        shown = [
            (self._entity("attribute", record.identifier), record.fields["name"], base_of(node))
            for record, node in zip(attributes, definitions, strict=True)
        ]
        category = TYPE_CATEGORIES[name]
        long_name = element.get("LONG-NAME") or element.get("IDENTIFIER") or ""
        presentation = (
            presentation_of(long_name, [(i, n, b.upper()) for i, n, b in shown])
            if category == "item"
            else {}
        )
        fields = {
            "category": category,
            "name": long_name,
            "description": element.get("DESC") or "",
            "rank": rank_of(self._numbers.get("type", 0)),
            "presentation": presentation,
        }
        yield self._finish("type", identifier, element, fields, comments, inline=True)
        yield from attributes

    def _attribute(
        self, element: etree._Element, type_id: str, position: int, comments: list[str]
    ) -> Record:
        identifier = self.once("attribute", element.get("IDENTIFIER") or "")
        reference = element.find("{*}TYPE/*")
        datatype = ((reference.text if reference is not None else None) or "").strip()
        known = self._index.datatypes.get(datatype) == local(element).rpartition("-")[2]
        if datatype == STAND_IN_DATATYPES.get(base_of(element)):
            known = False
        elif not known:
            self._dangling(identifier, datatype)
        if reference is not None:
            reference.text = None
        default = element.find("{*}DEFAULT-VALUE/*")
        value = None
        if default is not None:
            value = self._values.take_value(default, identifier)
            inner = default.find("{*}DEFINITION/*")
            if inner is not None:
                inner.text = None
            if value is None:
                remove(default)
        fields = {
            "type_id": self._entity("type", type_id),
            "datatype_id": self._entity("datatype", datatype) if known else None,
            "name": element.get("LONG-NAME") or element.get("IDENTIFIER") or "",
            "description": element.get("DESC") or "",
            "multi_valued": element.get("MULTI-VALUED") in {"true", "1"},
            "default_value": value,
            "rank": rank_of(position),
        }
        record = self._finish("attribute", identifier, element, fields, comments, inline=True)
        record.fields["extra"]["b"] = base_of(element)
        return record

    def _item(self, element: etree._Element, comments: list[str]) -> Record:
        identifier = self.once("item", element.get("IDENTIFIER") or "")
        fields = {
            "type_id": self._type_of(element, "item", identifier),
            "attributes": self._values.take(element.find("{*}VALUES"), identifier),
        }
        return self._finish("item", identifier, element, fields, comments)

    def _document(self, element: etree._Element, comments: list[str]) -> Record:
        identifier = self.once("document", element.get("IDENTIFIER") or "")
        fields = {
            "title": element.get("LONG-NAME") or element.get("IDENTIFIER") or "Document",
            "type_id": self._type_of(element, "document", identifier),
            "attributes": self._values.take(element.find("{*}VALUES"), identifier),
            "rank": rank_of(self._numbers.get("document", 0)),
            "archived": False,
        }
        return self._finish("document", identifier, element, fields, comments, inline=True)

    def _placement(self, element: etree._Element, comments: list[str], place: Place) -> Record:
        reference = element.find("{*}OBJECT/*")
        target = ((reference.text if reference is not None else None) or "").strip()
        item = self._item_at(target)
        if item is None:
            self._dangling(place.identifier, target)
        if reference is not None:
            reference.text = None
        for node in element.iterfind("{*}EDITABLE-ATTS/*"):
            if local(node):
                name = (node.text or "").strip()
                if name in self._index.attributes:
                    node.text = self._entity("attribute", name)
                else:
                    self._dangling(place.identifier, name)
                    remove(node)
        fields = {
            "document_id": self._entity("document", place.document),
            "parent_id": self._entity("placement", place.parent) if place.parent else None,
            "item_id": item,
            "rank": place.rank,
        }
        return self._finish(
            "placement", place.identifier, element, fields, comments, order=place.order
        )

    def _item_at(self, identifier: str) -> str | None:
        if identifier in self._index.objects:
            return self._entity("item", identifier)
        return self._elsewhere(identifier)

    def _link(self, element: etree._Element, comments: list[str]) -> Iterator[Record]:
        identifier = self.once("link", element.get("IDENTIFIER") or "")
        ends: dict[str, str] = {}
        for part in ("SOURCE", "TARGET"):
            reference = element.find(f"{{*}}{part}/*")
            target = ((reference.text if reference is not None else None) or "").strip()
            item = self._item_at(target)
            if reference is None or item is None:
                self._losses.add(
                    "relation_without_end",
                    "Relations to objects that the file does not hold are left out.",
                    f"{identifier}: {target}",
                )
                return
            reference.text = None
            ends[part] = item
        fields = {
            "type_id": self._type_of(element, "link", identifier),
            "source_id": ends["SOURCE"],
            "target_id": ends["TARGET"],
            "attributes": self._values.take(element.find("{*}VALUES"), identifier),
        }
        yield self._finish("link", identifier, element, fields, comments)

    def _group(self, element: etree._Element, comments: list[str]) -> Record:
        identifier = self.once("link_group", element.get("IDENTIFIER") or "")
        ends: dict[str, str | None] = {}
        for part in ("SOURCE", "TARGET"):
            reference = element.find(f"{{*}}{part}-SPECIFICATION/*")
            target = ((reference.text if reference is not None else None) or "").strip()
            known = target in self._index.specifications
            ends[part] = self._entity("document", target) if known else None
            if reference is not None and known:
                reference.text = None
            if not known:
                self._dangling(identifier, target)
        links = []
        for node in list(element.iterfind("{*}SPEC-RELATIONS/*")):
            name = (node.text or "").strip()
            if name in self._index.relations:
                links.append(self._entity("link", name))
            else:
                self._dangling(identifier, name)
            remove(node)
        fields = {
            "type_id": self._type_of(element, "link_group", identifier),
            "name": element.get("LONG-NAME") or "",
            "source_document_id": ends["SOURCE"],
            "target_document_id": ends["TARGET"],
            "link_ids": links,
        }
        return self._finish("link_group", identifier, element, fields, comments, inline=True)

    def _type_of(self, element: etree._Element, category: str, where: str) -> str | None:
        reference = element.find("{*}TYPE/*")
        identifier = ((reference.text if reference is not None else None) or "").strip()
        if reference is not None:
            reference.text = None
        if identifier == STAND_IN_TYPES[category]:
            return None
        if self._index.types.get(identifier) == category:
            return self._entity("type", identifier)
        self._dangling(where, identifier)
        return None

    def _dangling(self, where: str, identifier: str) -> None:
        self._losses.add(
            "dangling_reference",
            "References to what the file does not define are left out of exports or repaired.",
            f"{where}: {identifier or 'nothing'}",
        )

    def once(self, kind: str, identifier: str) -> str:
        """Return *identifier*, made different from earlier ones of its kind."""
        seen = self._seen.setdefault(kind, set())
        name, number = identifier or f"{kind} without an identifier", 1
        unique = name
        while unique in seen:
            number += 1
            unique = f"{name} ({number})"
        seen.add(unique)
        return unique

    def _rename(self, element: etree._Element, extra: dict[str, Any]) -> None:
        identifier = element.get("IDENTIFIER") or ""
        valid = self._identifiers.valid(identifier or "_reqtrail")
        extra["id"] = identifier
        if valid != identifier:
            extra["as"] = valid
        if "IDENTIFIER" in element.attrib:
            del element.attrib["IDENTIFIER"]

    def _finish(
        self,
        kind: str,
        identifier: str,
        element: etree._Element,
        fields: dict[str, Any],
        comments: list[str],
        *,
        inline: bool = False,
        order: int | None = None,
    ) -> Record:
        number = self._numbers.get(kind, 0)
        self._numbers[kind] = number + 1
        extra: dict[str, Any] = {"p": self._package_id, "n": number * ORDER_GAP}
        self._rename(element, extra)
        extra["a"] = attributes_of(element)
        for name in list(element.attrib):
            del element.attrib[name]
        if comments:
            extra["c"] = comments
        element.text = None if not (element.text or "").strip() else element.text
        template = to_text(_without_blanks(element), self._nsmap)
        if inline or any(mark in template for mark in _UNIQUE_MARKS):
            extra["x"] = template
        elif template in self._templates or len(self._templates) < self._room:
            extra["t"] = self._templates.setdefault(template, len(self._templates))
        else:
            extra["x"] = template
        return Record(
            kind, identifier, {**fields, "extra": extra}, number if order is None else order
        )


def _without_blanks(element: etree._Element) -> etree._Element:
    """Drop white space between elements: a template says what stands where, not how it was indented."""
    for node in element.iter():
        if node.text is not None and not node.text.strip() and len(node):
            node.text = None
        if node.tail is not None and not node.tail.strip():
            node.tail = None
    return element


def comments_before(element: etree._Element) -> list[str]:
    comments: list[str] = []
    node = element.getprevious()
    while node is not None and not is_element(node):
        if isinstance(node, etree._Comment):
            comments.insert(0, node.text or "")
        node = node.getprevious()
    return comments
