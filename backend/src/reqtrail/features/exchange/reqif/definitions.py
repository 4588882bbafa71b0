"""Datatypes, attributes and types of a file in the words of the model."""

from __future__ import annotations

from typing import Any

from lxml import etree

from reqtrail.features.exchange.reqif.strict import local

CONSTRAINTS = {"MIN": "min", "MAX": "max", "MAX-LENGTH": "max_length", "ACCURACY": "accuracy"}
_TITLES = (
    *("ReqIF.Name", "ReqIF.ChapterName", "Title", "Name", "Headline", "Heading", "Summary"),
    *("ReqIF.ChapterNumber",),
)
_TEXTS = ("ReqIF.Text", "Text", "Object Text", "Description", "Requirement", "Statement", "Content")
_HEADINGS = ("heading", "chapter", "headline", "section")
_INFORMATION = ("information", "info", "note", "comment", "remark")
_TESTS = ("test",)


def constraints_of(element: etree._Element) -> dict[str, Any]:
    """Return the limits of a DATATYPE-DEFINITION-… element."""
    return {
        name: str(element.get(attribute))
        for attribute, name in CONSTRAINTS.items()
        if element.get(attribute) is not None
    }


def enum_values_of(element: etree._Element, entity: Any) -> list[dict[str, Any]]:
    """Return the values of an enumeration; ``extra`` names each by its identifier in the file."""
    values = []
    for position, value in enumerate(element.iterfind("{*}SPECIFIED-VALUES/{*}ENUM-VALUE")):
        identifier = value.get("IDENTIFIER") or ""
        embedded = value.find("{*}PROPERTIES/{*}EMBEDDED-VALUE")
        key = embedded.get("KEY") if embedded is not None else None
        values.append(
            {
                "id": entity("value", identifier),
                "name": value.get("LONG-NAME") or identifier,
                "key": key or str(position),
                "color": None,
                "extra": {"id": identifier},
            }
        )
    return values


def presentation_of(name: str, attributes: list[tuple[str, str, str]]) -> dict[str, Any]:
    """Guess how items of a type are shown, from its name and its attributes ``(id, name, base)``.

    The names are those of the ReqIF implementation guide and of the common tools. A guess can be changed in the
    product; it is no content that an export holds.
    """
    lowered = name.casefold()
    style = "requirement"
    for words, found in ((_HEADINGS, "heading"), (_INFORMATION, "information"), (_TESTS, "test")):
        if any(word in lowered for word in words):
            style = found
            break
    text = _find(attributes, _TEXTS, {"XHTML", "STRING"}) or next(
        (entry[0] for entry in attributes if entry[2] == "XHTML"), None
    )
    title = _find(attributes, _TITLES, {"STRING", "XHTML"})
    return {"style": style, "title": title if title != text else None, "text": text}


def _find(
    attributes: list[tuple[str, str, str]], names: tuple[str, ...], bases: set[str]
) -> str | None:
    for wanted in names:
        for attribute_id, name, base in attributes:
            if base in bases and name.strip().casefold() == wanted.casefold():
                return attribute_id
    return None


def base_of(element: etree._Element) -> str:
    """Return the base of a definition or value element as the model names it, for example ``xhtml``."""
    return local(element).rpartition("-")[2].lower()
