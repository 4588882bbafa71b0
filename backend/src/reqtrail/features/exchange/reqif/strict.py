"""Making an element of ReqIF valid: tolerant in, strict out. What is changed is named."""

from __future__ import annotations

import re
from collections.abc import Callable

from lxml import etree

from reqtrail.features.exchange.errors import BadValue
from reqtrail.features.exchange.reqif.names import DEFAULTS, SPECS, Part, Spec
from reqtrail.features.exchange.types import Losses

_DATE_TIME = re.compile(
    r"-?\d{4,}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-4]):[0-5]\d:[0-5]\d(\.\d+)?"
    r"(Z|[+-]((0\d|1[0-3]):[0-5]\d|14:00))?"
)
CHECKS: dict[str, Callable[[str], bool]] = {
    "string": lambda text: True,
    "ID": lambda text: True,
    "boolean": lambda text: text.strip() in {"true", "false", "1", "0"},
    "integer": lambda text: re.fullmatch(r"\s*[+-]?\d+\s*", text) is not None,
    "double": lambda text: re.fullmatch(
        r"\s*([+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?INF|NaN)\s*", text
    )
    is not None,
    "dateTime": lambda text: _DATE_TIME.fullmatch(text.strip()) is not None,
}
_NUMBERS = {"ATTRIBUTE-VALUE-INTEGER", "ATTRIBUTE-VALUE-REAL", "ATTRIBUTE-VALUE-BOOLEAN"}


def local(node: etree._Element) -> str:
    """Return the local name of an element; empty for comments and processing instructions."""
    tag: object = node.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attributes_of(element: etree._Element) -> dict[str, str]:
    """Return the attributes of *element* by name."""
    return {str(name): str(value) for name, value in element.attrib.items()}


def remove(node: etree._Element) -> None:
    """Take *node* out of its parent, with its tail."""
    parent = node.getparent()
    assert parent is not None
    parent.remove(node)


def _blank(text: str | None) -> bool:
    return not text or text.isspace()


class Tidier:
    """Repairs elements in place.

    Args:
        moment: What stands in for a missing LAST-CHANGE (RFC 3339).
    """

    def __init__(self, losses: Losses, moment: str) -> None:
        self._losses = losses
        self._moment = moment

    def tidy(self, element: etree._Element, where: str = "") -> None:
        """Make *element* valid as far as it alone can be: attributes, parts, their number.

        Raises:
            BadValue: If an integer, a real or a yes/no value is none: guessing would change a requirement.
        """
        name = local(element)
        spec = SPECS.get(name)
        if spec is None:
            return
        where = element.get("IDENTIFIER") or where or name
        self._attributes(element, name, spec, where)
        self._parts(element, name, spec, where)

    def _attributes(self, element: etree._Element, name: str, spec: Spec, where: str) -> None:
        for attribute, text in attributes_of(element).items():
            known = spec.attributes.get(attribute)
            if known is None:
                del element.attrib[attribute]
                self._losses.add(
                    "unknown_attribute",
                    "Attributes that ReqIF does not have are left out of exports.",
                    f"{where}: {attribute}",
                )
            elif not CHECKS[known[0]](text):
                self._bad(element, name, attribute, text, where)
        for attribute, (_, required) in spec.attributes.items():
            if required and element.get(attribute) is None:
                self._add_missing(element, name, attribute, where)

    def _bad(
        self, element: etree._Element, name: str, attribute: str, text: str, where: str
    ) -> None:
        if name in _NUMBERS and attribute == "THE-VALUE":
            kind = {"BOOLEAN": "true or false", "INTEGER": "a whole number", "REAL": "a number"}
            raise BadValue(
                f"“{text[:80]}” in {where} is not {kind[name.rpartition('-')[2]]}"
                f"{f' (line {element.sourceline})' if element.sourceline else ''}.",
                object=where,
                line=element.sourceline,
            )
        if name == "ATTRIBUTE-VALUE-DATE":
            return  # kept in the model as it is, left out of exports
        del element.attrib[attribute]
        self._losses.add(
            "bad_attribute",
            "Attributes whose text does not fit ReqIF are left out of exports or replaced.",
            f"{where}: {attribute}",
        )

    def _add_missing(self, element: etree._Element, name: str, attribute: str, where: str) -> None:
        if attribute == "LAST-CHANGE":
            element.set(attribute, self._moment)
            self._losses.add(
                "last_change_missing",
                "A missing LAST-CHANGE is set to the time of the import.",
                where,
            )
        elif (name, attribute) in DEFAULTS:
            element.set(attribute, DEFAULTS[name, attribute])
            self._losses.add(
                "attribute_missing",
                "Attributes that ReqIF requires were missing and got a value that says nothing.",
                f"{where}: {attribute}",
            )

    def _parts(self, element: etree._Element, name: str, spec: Spec, where: str) -> None:
        self._stray_text(element, where)
        seen: set[str] = set()
        for child in list(element):
            part_name = local(child)
            if not part_name or (part_name.startswith("THE-") and name.endswith("-XHTML")):
                continue
            part = spec.parts.get(part_name)
            if part is None or part_name in seen:
                self._remove(child, where)
                continue
            seen.add(part_name)
            self._children(child, part, where)

    def _children(self, holder: etree._Element, part: Part, where: str) -> None:
        if part.names:
            self._stray_text(holder, where)
        count = 0
        for child in list(holder):
            name = local(child)
            if not name:
                continue
            if name not in part.names or (part.most is not None and count >= part.most):
                self._remove(child, where)
                continue
            count += 1
            self.tidy(child, where)

    def _stray_text(self, element: etree._Element, where: str) -> None:
        """Drop text between elements where ReqIF has none."""
        if _blank(element.text) and all(_blank(child.tail) for child in element):
            return
        element.text = None
        for child in element:
            child.tail = None
        self._losses.add("stray_text", "Text between elements is left out of exports.", where)

    def _remove(self, node: etree._Element, where: str) -> None:
        remove(node)
        self._losses.add(
            "unknown_element",
            "Elements that ReqIF does not have in this place are left out of exports.",
            f"{where}: {local(node)}",
        )
