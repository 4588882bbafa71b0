"""Attribute values: out of the elements of a file into the model, and back."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from lxml import etree

from reqtrail.features.exchange.reqif.fragments import NsMap, inner_text
from reqtrail.features.exchange.reqif.index import Index
from reqtrail.features.exchange.reqif.strict import CHECKS, local
from reqtrail.features.exchange.reqif.xhtml import repair
from reqtrail.features.exchange.types import Losses

Entity = Callable[[str, str], str]
"""Gives the id of the entity of a kind with an identifier of the file."""

LEXICAL = "reqtrail-lexical"
"""Marks, in a template only, that a value was written in another form than the usual one (``1`` for ``true``)."""

KEPT = "reqtrail-kept"
"""Marks, in a template only, a second value of an attribute: the model holds one, the file keeps both."""

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


class ValueReader:
    """Takes the values out of VALUES and DEFAULT-VALUE elements, leaving a template behind."""

    def __init__(self, index: Index, entity: Entity, nsmap: NsMap, losses: Losses) -> None:
        self._index = index
        self._entity = entity
        self._nsmap = nsmap
        self._losses = losses

    def take(self, holder: etree._Element | None, where: str) -> dict[str, Any]:
        """Return the values below *holder* by attribute id; what cannot be understood is named and removed."""
        values: dict[str, Any] = {}
        if holder is None:
            return values
        for element in [child for child in holder if local(child)]:
            key = self._definition(element, where)
            if key is None:
                holder.remove(element)
                continue
            if key in values:
                element.set(KEPT, "")
                continue
            value = self.take_value(element, where)
            if value is None:
                self._lose("value_missing", "Attribute values without a value are left out.", where)
                holder.remove(element)
                continue
            values[key] = value
        return values

    def take_value(self, element: etree._Element, where: str) -> Any:
        """Return the value of an ATTRIBUTE-VALUE-… element and take it out; None if it holds none."""
        base = local(element).rpartition("-")[2]
        if base == "XHTML":
            return self._take_xhtml(element, where)
        if base == "ENUMERATION":
            return self._take_choice(element, where)
        text = element.get("THE-VALUE")
        if text is None:
            return None
        del element.attrib["THE-VALUE"]
        if base == "BOOLEAN":
            if text not in {"true", "false"}:
                element.set(LEXICAL, text)
            return _BOOLEANS[text.strip()]
        if base == "DATE" and not CHECKS["dateTime"](text):
            self._lose("bad_date", "Dates that are none are kept, and left out of exports.", where)
        return text

    def _definition(self, element: etree._Element, where: str) -> str | None:
        """Return the id of the attribute that a value belongs to, and put it into the template."""
        reference = element.find("{*}DEFINITION/*")
        identifier = ((reference.text if reference is not None else None) or "").strip()
        definition = self._index.attributes.get(identifier)
        if reference is None or definition is None:
            self._lose(
                "dangling_reference",
                "References to what the file does not define are left out of exports.",
                f"{where}: {identifier}",
            )
            return None
        if definition.base != local(element).rpartition("-")[2]:
            self._lose(
                "value_of_other_base",
                "Values of another datatype than their attribute are left out.",
                where,
            )
            return None
        key = self._entity("attribute", identifier)
        reference.text = key
        return key

    def _take_xhtml(self, element: etree._Element, where: str) -> str | None:
        holder = element.find("{*}THE-VALUE")
        if holder is None:
            return None
        text = inner_text(holder, self._nsmap)
        repair(copy.deepcopy(holder), self._losses, where)
        for child in list(holder):
            holder.remove(child)
        holder.text = None
        original = element.find("{*}THE-ORIGINAL-VALUE")
        if original is not None:
            repair(original, self._losses, where)
        return text

    def _take_choice(self, element: etree._Element, where: str) -> list[str]:
        chosen = []
        holder = element.find("{*}VALUES")
        for reference in list(holder) if holder is not None else []:
            if not local(reference):
                continue
            identifier = (reference.text or "").strip()
            if identifier in self._index.enum_values:
                chosen.append(self._entity("value", identifier))
            else:
                self._lose(
                    "dangling_reference",
                    "References to what the file does not define are left out of exports.",
                    f"{where}: {identifier}",
                )
            assert holder is not None
            holder.remove(reference)
        return chosen

    def _lose(self, code: str, message: str, where: str) -> None:
        self._losses.add(code, message, where)
