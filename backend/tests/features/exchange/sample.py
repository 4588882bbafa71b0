"""A ReqIF file with a bit of everything, and edits of it as another tool would make them."""

from __future__ import annotations

from typing import Any

MOMENT = "2026-01-01T00:00:00Z"
REQIF = "http://www.omg.org/spec/ReqIF/20110401/reqif.xsd"


_SCHEMA = f"""<?xml version="1.0" encoding="UTF-8"?>
<REQ-IF xmlns="{REQIF}" xmlns:xhtml="http://www.w3.org/1999/xhtml">
<THE-HEADER><REQ-IF-HEADER IDENTIFIER="header"><CREATION-TIME>{MOMENT}</CREATION-TIME>
<REQ-IF-TOOL-ID>t</REQ-IF-TOOL-ID><REQ-IF-VERSION>1.0</REQ-IF-VERSION><SOURCE-TOOL-ID>t</SOURCE-TOOL-ID>
<TITLE>Sample</TITLE></REQ-IF-HEADER></THE-HEADER>
<CORE-CONTENT><REQ-IF-CONTENT>
<DATATYPES>
<DATATYPE-DEFINITION-XHTML IDENTIFIER="d-text" LAST-CHANGE="{MOMENT}" LONG-NAME="Text"/>
<DATATYPE-DEFINITION-ENUMERATION IDENTIFIER="d-status" LAST-CHANGE="{MOMENT}" LONG-NAME="Status">
<SPECIFIED-VALUES>
<ENUM-VALUE IDENTIFIER="v-draft" LAST-CHANGE="{MOMENT}" LONG-NAME="Draft"><PROPERTIES>
<EMBEDDED-VALUE KEY="0" OTHER-CONTENT=""/></PROPERTIES></ENUM-VALUE>
<ENUM-VALUE IDENTIFIER="v-done" LAST-CHANGE="{MOMENT}" LONG-NAME="Done"><PROPERTIES>
<EMBEDDED-VALUE KEY="1" OTHER-CONTENT=""/></PROPERTIES></ENUM-VALUE>
</SPECIFIED-VALUES></DATATYPE-DEFINITION-ENUMERATION>
</DATATYPES>
<SPEC-TYPES>
<SPEC-OBJECT-TYPE IDENTIFIER="t-req" LAST-CHANGE="{MOMENT}" LONG-NAME="Requirement"><SPEC-ATTRIBUTES>
<ATTRIBUTE-DEFINITION-XHTML IDENTIFIER="a-text" LAST-CHANGE="{MOMENT}" LONG-NAME="ReqIF.Text">
<TYPE><DATATYPE-DEFINITION-XHTML-REF>d-text</DATATYPE-DEFINITION-XHTML-REF></TYPE>
</ATTRIBUTE-DEFINITION-XHTML>
<ATTRIBUTE-DEFINITION-ENUMERATION IDENTIFIER="a-status" LAST-CHANGE="{MOMENT}" LONG-NAME="Status"
 MULTI-VALUED="false"><TYPE>
<DATATYPE-DEFINITION-ENUMERATION-REF>d-status</DATATYPE-DEFINITION-ENUMERATION-REF></TYPE>
</ATTRIBUTE-DEFINITION-ENUMERATION>
</SPEC-ATTRIBUTES></SPEC-OBJECT-TYPE>
<SPEC-RELATION-TYPE IDENTIFIER="t-link" LAST-CHANGE="{MOMENT}" LONG-NAME="satisfies"/>
<SPECIFICATION-TYPE IDENTIFIER="t-doc" LAST-CHANGE="{MOMENT}" LONG-NAME="Specification"/>
</SPEC-TYPES>
"""


def sample(
    order: str = "abcd",
    texts: dict[str, str] | None = None,
    status: dict[str, str] | None = None,
    links: str = "ab bc",
    title: str = "Brake control",
) -> bytes:
    """Return a file: the letters of *order* are its objects, one below the document each; ``ab`` links a to b."""
    said: dict[str, Any] = {letter: f"Text of <xhtml:b>{letter}</xhtml:b>." for letter in order}
    said.update(texts or {})
    chosen = dict.fromkeys(order, "draft") | (status or {})
    objects = "".join(_object(letter, said[letter], chosen[letter]) for letter in sorted(order))
    hierarchy = "".join(
        f'<SPEC-HIERARCHY IDENTIFIER="h-{letter}" LAST-CHANGE="{MOMENT}">'
        f"<OBJECT><SPEC-OBJECT-REF>o-{letter}</SPEC-OBJECT-REF></OBJECT></SPEC-HIERARCHY>"
        for letter in order
    )
    relations = "".join(
        f'<SPEC-RELATION IDENTIFIER="r-{pair}" LAST-CHANGE="{MOMENT}">'
        "<TYPE><SPEC-RELATION-TYPE-REF>t-link</SPEC-RELATION-TYPE-REF></TYPE>"
        f"<SOURCE><SPEC-OBJECT-REF>o-{pair[0]}</SPEC-OBJECT-REF></SOURCE>"
        f"<TARGET><SPEC-OBJECT-REF>o-{pair[1]}</SPEC-OBJECT-REF></TARGET></SPEC-RELATION>"
        for pair in links.split()
    )
    return f"""{_SCHEMA}<SPEC-OBJECTS>{objects}</SPEC-OBJECTS>
<SPEC-RELATIONS>{relations}</SPEC-RELATIONS>
<SPECIFICATIONS>
<SPECIFICATION IDENTIFIER="s-1" LAST-CHANGE="{MOMENT}" LONG-NAME="{title}">
<TYPE><SPECIFICATION-TYPE-REF>t-doc</SPECIFICATION-TYPE-REF></TYPE>
<CHILDREN>{hierarchy}</CHILDREN></SPECIFICATION>
</SPECIFICATIONS>
</REQ-IF-CONTENT></CORE-CONTENT></REQ-IF>
""".encode()


def _object(letter: str, text: str, status: str) -> str:
    return (
        f'<SPEC-OBJECT IDENTIFIER="o-{letter}" LAST-CHANGE="{MOMENT}">'
        "<TYPE><SPEC-OBJECT-TYPE-REF>t-req</SPEC-OBJECT-TYPE-REF></TYPE><VALUES>"
        "<ATTRIBUTE-VALUE-XHTML><DEFINITION>"
        "<ATTRIBUTE-DEFINITION-XHTML-REF>a-text</ATTRIBUTE-DEFINITION-XHTML-REF></DEFINITION>"
        f"<THE-VALUE><xhtml:div>{text}</xhtml:div></THE-VALUE></ATTRIBUTE-VALUE-XHTML>"
        "<ATTRIBUTE-VALUE-ENUMERATION><DEFINITION>"
        "<ATTRIBUTE-DEFINITION-ENUMERATION-REF>a-status</ATTRIBUTE-DEFINITION-ENUMERATION-REF>"
        f"</DEFINITION><VALUES><ENUM-VALUE-REF>v-{status}</ENUM-VALUE-REF></VALUES>"
        "</ATTRIBUTE-VALUE-ENUMERATION></VALUES></SPEC-OBJECT>"
    )
