"""The vocabulary of ReqIF 1.0 to 1.2 as the OMG schema has it: which attributes and parts each element takes.

Only facts of the schema stand here, as tables, so that a repaired element is valid by construction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

REQIF: Final = "http://www.omg.org/spec/ReqIF/20110401/reqif.xsd"
XHTML: Final = "http://www.w3.org/1999/xhtml"
OLD_NAMESPACES: Final = frozenset({"http://www.omg.org/spec/ReqIF/20101201"})

BASES: Final = ("BOOLEAN", "DATE", "ENUMERATION", "INTEGER", "REAL", "STRING", "XHTML")
"""The seven datatypes, as the names of elements end."""

SECTIONS: Final = (
    "DATATYPES",
    "SPEC-TYPES",
    "SPEC-OBJECTS",
    "SPEC-RELATIONS",
    "SPECIFICATIONS",
    "SPEC-RELATION-GROUPS",
)
TYPE_CATEGORIES: Final = {
    "SPEC-OBJECT-TYPE": "item",
    "SPECIFICATION-TYPE": "document",
    "SPEC-RELATION-TYPE": "link",
    "RELATION-GROUP-TYPE": "link_group",
}


STAND_IN_TYPES: Final = {
    category: f"_reqtrail-untyped-{category.replace('_', '-')}"
    for category in TYPE_CATEGORIES.values()
}
"""The identifiers of the types that stand in for a missing one in exports."""
STAND_IN_DATATYPES: Final = {base.lower(): f"_reqtrail-{base.lower()}" for base in BASES}


@dataclass(frozen=True)
class Part:
    """A part of an element: how many children it has (at least, at most) and which.

    Attributes:
        required: Whether the element needs the part.
    """

    required: bool
    least: int
    most: int | None
    names: frozenset[str]


@dataclass(frozen=True)
class Spec:
    """What an element takes. ``attributes``: name to (type, required)."""

    attributes: dict[str, tuple[str, bool]]
    parts: dict[str, Part] = field(default_factory=dict)


_IDENTIFIABLE = {
    "DESC": ("string", False),
    "IDENTIFIER": ("ID", True),
    "LAST-CHANGE": ("dateTime", True),
    "LONG-NAME": ("string", False),
}
_ALTERNATIVE = {"ALTERNATIVE-ID": Part(False, 0, 1, frozenset({"ALTERNATIVE-ID"}))}
_VALUES = {"VALUES": Part(False, 0, None, frozenset(f"ATTRIBUTE-VALUE-{base}" for base in BASES))}
_VALUE_TYPES = {
    "BOOLEAN": "boolean",
    "DATE": "dateTime",
    "INTEGER": "integer",
    "REAL": "double",
    "STRING": "string",
}
_LIMITS = {
    "INTEGER": {"MAX": ("integer", True), "MIN": ("integer", True)},
    "REAL": {"ACCURACY": ("integer", True), "MAX": ("double", True), "MIN": ("double", True)},
    "STRING": {"MAX-LENGTH": ("integer", True)},
}
DEFAULTS: Final = {
    ("DATATYPE-DEFINITION-INTEGER", "MAX"): "9223372036854775807",
    ("DATATYPE-DEFINITION-INTEGER", "MIN"): "-9223372036854775808",
    ("DATATYPE-DEFINITION-REAL", "ACCURACY"): "15",
    ("DATATYPE-DEFINITION-REAL", "MAX"): "1.7976931348623157E308",
    ("DATATYPE-DEFINITION-REAL", "MIN"): "-1.7976931348623157E308",
    ("DATATYPE-DEFINITION-STRING", "MAX-LENGTH"): "2147483647",
    ("ATTRIBUTE-DEFINITION-ENUMERATION", "MULTI-VALUED"): "false",
    ("ATTRIBUTE-VALUE-STRING", "THE-VALUE"): "",
    ("EMBEDDED-VALUE", "KEY"): "0",
    ("EMBEDDED-VALUE", "OTHER-CONTENT"): "",
    ("ALTERNATIVE-ID", "IDENTIFIER"): "",
}
"""What stands in for a required attribute that a file left out."""


def _one(name: str) -> Part:
    return Part(True, 1, 1, frozenset({name}))


def _specs() -> dict[str, Spec]:
    specs = {
        "ALTERNATIVE-ID": Spec({"IDENTIFIER": ("string", True)}),
        "EMBEDDED-VALUE": Spec({"KEY": ("integer", True), "OTHER-CONTENT": ("string", True)}),
        "ENUM-VALUE": Spec(_IDENTIFIABLE, {**_ALTERNATIVE, "PROPERTIES": _one("EMBEDDED-VALUE")}),
        "SPEC-OBJECT": Spec(
            _IDENTIFIABLE, {**_ALTERNATIVE, **_VALUES, "TYPE": _one("SPEC-OBJECT-TYPE-REF")}
        ),
        "SPEC-RELATION": Spec(
            _IDENTIFIABLE,
            {
                **_ALTERNATIVE,
                **_VALUES,
                "SOURCE": _one("SPEC-OBJECT-REF"),
                "TARGET": _one("SPEC-OBJECT-REF"),
                "TYPE": _one("SPEC-RELATION-TYPE-REF"),
            },
        ),
        "SPECIFICATION": Spec(
            _IDENTIFIABLE,
            {
                **_ALTERNATIVE,
                **_VALUES,
                "CHILDREN": Part(False, 0, None, frozenset({"SPEC-HIERARCHY"})),
                "TYPE": _one("SPECIFICATION-TYPE-REF"),
            },
        ),
        "SPEC-HIERARCHY": Spec(
            {
                **_IDENTIFIABLE,
                "IS-EDITABLE": ("boolean", False),
                "IS-TABLE-INTERNAL": ("boolean", False),
            },
            {
                **_ALTERNATIVE,
                "CHILDREN": Part(False, 0, None, frozenset({"SPEC-HIERARCHY"})),
                "EDITABLE-ATTS": Part(
                    False, 0, None, frozenset(f"ATTRIBUTE-DEFINITION-{base}-REF" for base in BASES)
                ),
                "OBJECT": _one("SPEC-OBJECT-REF"),
            },
        ),
        "RELATION-GROUP": Spec(
            _IDENTIFIABLE,
            {
                **_ALTERNATIVE,
                "SOURCE-SPECIFICATION": _one("SPECIFICATION-REF"),
                "SPEC-RELATIONS": Part(False, 0, None, frozenset({"SPEC-RELATION-REF"})),
                "TARGET-SPECIFICATION": _one("SPECIFICATION-REF"),
                "TYPE": _one("RELATION-GROUP-TYPE-REF"),
            },
        ),
    }
    definitions = Part(False, 0, None, frozenset(f"ATTRIBUTE-DEFINITION-{base}" for base in BASES))
    for name in TYPE_CATEGORIES:
        specs[name] = Spec(_IDENTIFIABLE, {**_ALTERNATIVE, "SPEC-ATTRIBUTES": definitions})
    for base in BASES:
        specs.update(_specs_of(base))
    return specs


def _specs_of(base: str) -> dict[str, Spec]:
    enumeration = base == "ENUMERATION"
    values = {"SPECIFIED-VALUES": Part(False, 0, None, frozenset({"ENUM-VALUE"}))}
    chosen = {"VALUES": Part(False, 0, None, frozenset({"ENUM-VALUE-REF"}))}
    multi = {"MULTI-VALUED": ("boolean", True)} if enumeration else {}
    the_value = {"THE-VALUE": (_VALUE_TYPES[base], True)} if base in _VALUE_TYPES else {}
    simplified = {"IS-SIMPLIFIED": ("boolean", False)} if base == "XHTML" else {}
    return {
        f"DATATYPE-DEFINITION-{base}": Spec(
            {**_IDENTIFIABLE, **_LIMITS.get(base, {})},
            {**_ALTERNATIVE, **(values if enumeration else {})},
        ),
        f"ATTRIBUTE-DEFINITION-{base}": Spec(
            {**_IDENTIFIABLE, "IS-EDITABLE": ("boolean", False), **multi},
            {
                **_ALTERNATIVE,
                "DEFAULT-VALUE": Part(False, 0, 1, frozenset({f"ATTRIBUTE-VALUE-{base}"})),
                "TYPE": _one(f"DATATYPE-DEFINITION-{base}-REF"),
            },
        ),
        f"ATTRIBUTE-VALUE-{base}": Spec(
            {**the_value, **simplified},
            {
                **(chosen if enumeration else {}),
                "DEFINITION": _one(f"ATTRIBUTE-DEFINITION-{base}-REF"),
            },
        ),
    }


SPECS: Final = _specs()
